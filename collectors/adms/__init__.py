"""Attendance clocks that push: they call us over HTTP (ZKTeco's PUSH protocol, ADMS)."""
