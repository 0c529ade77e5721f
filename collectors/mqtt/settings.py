"""How to reach the broker, and as whom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.errors import ConfigurationError

COLLECTOR = "mqtt"
"""This collector's name in the store, where it hears everything."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One broker and one persistent session on it.

    Attributes:
        client_id: names the session that the broker keeps for us; no two collectors may share one.
            Without dots, which some brokers refuse.
        name: the collector's, in the store.
        others: more brokers of the same cluster, to turn to when this one is lost.
        shares: so many sessions like this one share the messages, on this machine perhaps.
        topics: the filters to subscribe to; none: all that the dialects speak on.
        tls_ca: the certificate authority to trust; None: no TLS.

    Raises ConfigurationError when a value is out of its range.
    """

    host: str
    port: int
    username: str = ""
    password: str = ""
    client_id: str = "forecall-collector"
    topics: tuple[str, ...] = ()
    others: tuple[tuple[str, int], ...] = ()
    name: str = COLLECTOR
    shares: int = 1
    tls_ca: Path | None = None

    def __post_init__(self) -> None:
        for _, port in ((self.host, self.port), *self.others):
            if not 1 <= port <= 65535:
                raise ConfigurationError(f"port: {port}; allowed: 1 to 65535")
        if not self.client_id or not set(self.client_id).isdisjoint(". \t"):
            raise ConfigurationError(
                f"client_id: {self.client_id!r}; allowed: a name without dots and spaces"
            )
        for topic in self.topics:
            check_filter(topic)


def check_filter(topic: str) -> None:
    """Raises ConfigurationError for what is no topic filter (MQTT 3.1.1, 4.7)."""
    levels = topic.split("/")
    wrong = any(
        ("+" in level and level != "+") or ("#" in level and (level != "#" or place < len(levels)))
        for place, level in enumerate(levels, 1)
    )
    if wrong or not topic or "\0" in topic or len(topic.encode()) > 0xFFFF:
        raise ConfigurationError(
            f"topics: {topic[:80]!r}; allowed: levels between /, + for any level, # as the last one"
        )
