"""What is unusual where no failure is on record."""
