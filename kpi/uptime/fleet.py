"""Whose time is counted: which devices were in the fleet, where, and in whose care, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from kpi.uptime.line import Period, Stretches, Ticks
from storage.database import Conn
from storage.queries import load


class Scope(StrEnum):
    """What uptime is summed over. A device's time goes to the site where it stood, and to the engineer
    who cared for that site, at that time."""

    DEVICE = "device"
    SITE = "site"
    CUSTOMER = "customer"
    ENGINEER = "engineer"
    REGION = "region"
    MODEL = "model"


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """The devices that were in the fleet at some time of `period`, and to whom each part of that counts.

    Attributes:
        devices: (devices,) their ids, ascending; their order on the line.
        keys, names: of what is summed over, by key.
        group: (parts,) index into `keys`.
        device: (parts,) index into `devices`.
        begin, end: (parts,) places on the line; the parts of a device do not overlap.
    """

    period: Period
    devices: NDArray[np.int32]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    group: NDArray[np.int64]
    device: NDArray[np.int64]
    begin: Ticks
    end: Ticks

    @property
    def stays(self) -> Stretches:
        """When devices were in the fleet."""
        return Stretches.of(self.begin, self.end)

    def time_of(self, key: str) -> Stretches:
        """The time that goes to one key; none where there is no such key."""
        wanted = [place for place, one in enumerate(self.keys) if one == key]
        rows = np.isin(self.group, wanted)
        return Stretches.of(self.begin[rows], self.end[rows])

    def seconds(self, stretches: Stretches) -> list[float]:
        """How much of each group's time `stretches` cover."""
        ticks = self._sums(stretches.covered(self.begin, self.end))
        return [tick / 1e6 for tick in ticks.tolist()]

    def counts(self, places: Ticks) -> list[int]:
        """How many of `places` (ascending) lie in each group's time."""
        within = np.searchsorted(places, self.end) - np.searchsorted(places, self.begin)
        counts: list[int] = self._sums(within).tolist()
        return counts

    def _sums(self, parts: Ticks) -> NDArray[np.int64]:
        sums = np.zeros(len(self.keys), np.int64)
        np.add.at(sums, self.group, parts)
        return sums


def read_fleet(conn: Conn, scope: Scope, period: Period) -> Fleet:
    """The adopted devices of `period`; those that belong to nothing of `scope` are left out."""
    asked = {"scope": scope, "start": period.start, "end": period.end}
    rows = conn.execute(load("kpi")["parts"], asked).fetchall()
    names = {row["key"]: row["name"] for row in rows}
    keys = tuple(sorted(names))
    places = {key: place for place, key in enumerate(keys)}
    devices, device = np.unique(
        np.array([row["device_id"] for row in rows], np.int32), return_inverse=True
    )
    moments = [
        np.array([row[end].replace(tzinfo=None) for row in rows], "datetime64[us]")
        for end in ("from_at", "until_at")
    ]
    return Fleet(
        period=period,
        devices=devices,
        keys=keys,
        names=tuple(names[key] for key in keys),
        group=np.array([places[row["key"]] for row in rows], np.int64),
        device=device,
        begin=period.places(device, moments[0]),
        end=period.places(device, moments[1]),
    )
