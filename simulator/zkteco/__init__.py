"""Emulated attendance clocks: a server of ZKTeco's binary protocol over TCP, and its faults."""
