"""Availability and its relatives, from state changes alone."""
