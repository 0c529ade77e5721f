"""Warnings held against the truth of a simulated fleet."""
