"""Attendance clocks that are polled over ZKTeco's binary protocol."""
