"""What is on record of devices' lives: when they were watched, what failed, and what was mended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.vocabulary import DEVICE
from kpi.uptime.exclusions import NOT_OURS
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device.

    Attributes:
        installed_on: None: not known.
        lot: with which it was bought, where its attribute `lot` says so; else empty.
        here: it is in the fleet now.
    """

    id: int
    key: str
    kind: str
    model: str
    firmware: str
    installed_on: date | None
    lot: str
    site: str
    region: str
    customer: str
    here: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """A part failed. ours: not by its user, nor by something outside."""

    at: datetime
    ours: bool


@dataclass(frozen=True, slots=True)
class Mended:
    """A part was repaired, or replaced by another."""

    at: datetime
    replaced: bool


@dataclass(frozen=True, slots=True)
class Records:
    """The past of a fleet until `end`.

    Attributes:
        stays: when each device was in the fleet, ascending.
        failures, mends: by device and component, ascending.
    """

    end: datetime
    devices: tuple[DeviceFacts, ...]
    stays: Mapping[int, list[tuple[datetime, datetime]]]
    failures: Mapping[tuple[int, str], list[Failed]]
    mends: Mapping[tuple[int, str], list[Mended]]

    def parts(self) -> dict[str, list[str]]:
        """The components that are on record of each kind of device: what they are made of, as far
        as anybody knows."""
        kinds = {device.id: device.kind for device in self.devices}
        found: dict[str, set[str]] = defaultdict(set)
        for device, component in (*self.failures, *self.mends):
            if device in kinds and component != DEVICE:
                found[kinds[device]].add(component)
        return {kind: sorted(parts) for kind, parts in sorted(found.items())}

    def mends_of(self, device: int, component: str) -> list[Mended]:
        """Of a part: its own, and the exchange of the whole device."""
        own = self.mends.get((device, component), [])
        whole = self.mends.get((device, DEVICE), []) if component != DEVICE else []
        return sorted([*own, *(one for one in whole if one.replaced)], key=lambda one: one.at)


def read_records(conn: Conn, end: datetime) -> Records:
    """All that happened before `end`, as it is known now."""
    asked = {"end": end, "not_ours": list(NOT_OURS)}
    statements = load("reports_fleet")
    devices = [DeviceFacts(**row) for row in conn.execute(statements["devices"], asked)]
    stays = defaultdict(list)
    for row in conn.execute(statements["stays"], asked):
        stays[row["device_id"]].append((row["from_at"], row["until_at"]))
    failures, mends = defaultdict(list), defaultdict(list)
    for row in conn.execute(statements["failures"], asked):
        failures[row["device_id"], row["component"]].append(Failed(row["at"], row["ours"]))
    for row in conn.execute(statements["mends"], asked):
        mends[row["device_id"], row["component"]].append(Mended(row["at"], row["replaced"]))
    return Records(end, tuple(devices), dict(stays), dict(failures), dict(mends))
