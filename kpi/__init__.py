"""Figures on the service: pure functions of what was recorded."""
