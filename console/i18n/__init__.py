"""Words in the reader's language, and times and numbers in the reader's way."""
