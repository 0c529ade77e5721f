"""How good warnings are, by decision, failure and episode, and what they cost."""
