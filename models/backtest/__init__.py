"""A past replayed: learned from its first part, judged on the rest, told as figures and as a report."""
