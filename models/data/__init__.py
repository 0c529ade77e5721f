"""Decisions of a past: what a model could have known at each moment, and what happened after."""
