"""What will be needed: consumables that run out, parts that will fail."""
