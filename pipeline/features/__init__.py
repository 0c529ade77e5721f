"""What the models look at: one table of definitions, computed as of a moment."""
