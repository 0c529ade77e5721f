"""A model from the store, and the gate it has to pass."""
