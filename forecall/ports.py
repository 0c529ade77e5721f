"""Ports of this machine."""

from __future__ import annotations

import socket

from domain.errors import ConfigurationError

_TRIES = 100


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen at (host, port) now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def next_free(host: str, port: int) -> int:
    """`port`, or the next one after it that is free.

    Raises ConfigurationError when none of the next hundred is.
    """
    for candidate in range(port, min(port + _TRIES, 65536)):
        if is_free(host, candidate):
            return candidate
    raise ConfigurationError(f"port: none of {port}-{port + _TRIES} is free on {host}")
