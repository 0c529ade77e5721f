"""How the staff's work went, per engineer, region or customer, from the cases' own events."""
