"""Kinds of reports: each reads the store and says what it found as a `Document`."""
