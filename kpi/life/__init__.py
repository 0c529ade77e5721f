"""How long devices and their parts last: survival, comparisons, devices that fail too often."""
