"""What the fleet, or a customer's part of it, was like at a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.device import DeviceState
from kpi.service.scope import Whose
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Standing:
    """One device just before a moment."""

    device_id: int
    key: str
    kind: str
    model: str
    firmware: str
    site_key: str
    site: str
    state: DeviceState


@dataclass(frozen=True, slots=True)
class Standings:
    """How many devices of a kind were in which state."""

    kind: str
    up: int
    down: int
    unwatched: int

    @property
    def devices(self) -> int:
        return self.up + self.down + self.unwatched


def read_devices(conn: Conn, of: Whose, at: datetime) -> list[Standing]:
    """The devices that were in the fleet just before `at`, by key."""
    asked = {"customer_id": of.customer_id, "at": at}
    rows = conn.execute(load("reports_service")["devices"], asked).fetchall()
    return [Standing(**(row | {"state": DeviceState(row["state"])})) for row in rows]


def standings(devices: Iterable[Standing]) -> list[Standings]:
    """By kind, the largest first."""
    counts = Counter((device.kind, device.state) for device in devices)
    kinds = {kind for kind, _ in counts}
    found = [Standings(kind, *(counts[kind, state] for state in DeviceState)) for kind in kinds]
    return sorted(found, key=lambda one: (-one.devices, one.kind))
