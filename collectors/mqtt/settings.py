"""How to reach the broker, and as whom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.errors import ConfigurationError

COLLECTOR = "mqtt"
"""This collector's name in the store."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One broker and one persistent session on it.

    Attributes:
        client_id: names the session that the broker keeps for us; no two collectors may share one.
            Without dots, which some brokers refuse.
        tenant: whose devices to hear; `+` hears all.
        tls_ca: the certificate authority to trust; None: no TLS.

    Raises ConfigurationError when a value is out of its range.
    """

    host: str
    port: int
    username: str = ""
    password: str = ""
    client_id: str = "forecall-collector"
    tenant: str = "+"
    tls_ca: Path | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise ConfigurationError(f"port: {self.port}; allowed: 1 to 65535")
        if not self.client_id or not set(self.client_id).isdisjoint(". \t"):
            raise ConfigurationError(
                f"client_id: {self.client_id!r}; allowed: a name without dots and spaces"
            )
        if not self.tenant or "/" in self.tenant or "#" in self.tenant:
            raise ConfigurationError(f"tenant: {self.tenant!r}; allowed: one topic level, or +")

    @property
    def topic_filter(self) -> str:
        return f"v1/{self.tenant}/+/+/+"
