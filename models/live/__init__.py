"""Models at work: scores, what came of them, and whether they still fit the fleet."""
