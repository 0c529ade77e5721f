"""Whose time is counted: which devices were in the fleet, where, and in whose care, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import tuple_row

from kpi.uptime.line import Period, Stretches, Ticks
from pipeline.history import tick
from storage.database import Conn
from storage.queries import load


class Scope(StrEnum):
    """What uptime is summed over. A device's time goes to the site where it stood, and to the engineer
    who cared for that site, at that time. A team is an engineer to whom others report, with these. A
    component counts while its device is in service, or down because of it (`kpi.uptime.figures`)."""

    DEVICE = "device"
    COMPONENT = "component"
    SITE = "site"
    CUSTOMER = "customer"
    ENGINEER = "engineer"
    TEAM = "team"
    REGION = "region"
    MODEL = "model"
    FLEET = "fleet"


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """The devices that were in the fleet at some time of `period`, and to whom each part of that counts.

    Attributes:
        devices: (devices,) their ids, ascending; their order on the line.
        kinds: (devices,) what they are.
        keys, names: of what is summed over, by key.
        group: (parts,) index into `keys`.
        device: (parts,) index into `devices`.
        site: (parts,) the id of the site where the device stood; 0: at none.
        begin, end: (parts,) places on the line; the parts of a device do not overlap.
    """

    period: Period
    devices: NDArray[np.int64]
    kinds: Sequence[str]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    group: NDArray[np.int64]
    device: NDArray[np.int64]
    site: NDArray[np.int64]
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

    def of_kinds(self, kinds: set[str], key: str) -> Fleet:
        """The time of the devices of some kinds, as that of one key. The line stays as it is."""
        ours = np.array([kind in kinds for kind in self.kinds], bool)
        rows = ours[self.device]
        group = np.zeros(int(rows.sum()), np.int64)
        return replace(
            self,
            keys=(key,),
            names=(key,),
            group=group,
            device=self.device[rows],
            site=self.site[rows],
            begin=self.begin[rows],
            end=self.end[rows],
        )

    def on(self, other: Fleet) -> Fleet:
        """The part of its time in which `other`'s devices were in that fleet, on its line."""
        ours = np.isin(self.devices[self.device], other.devices)
        device = np.searchsorted(other.devices, self.devices[self.device[ours]])
        shift = (device - self.device[ours]) * self.period.length
        begin, end = self.begin[ours] + shift, self.end[ours] + shift
        there = other.stays.covered(begin, end) > 0
        return replace(
            other,
            keys=self.keys,
            names=self.names,
            group=self.group[ours][there],
            device=device[there],
            site=self.site[ours][there],
            begin=begin[there],
            end=end[there],
        )

    def cut(self, edges: Sequence[datetime], keys: Sequence[str]) -> Fleet:
        """The time between each two of `edges`, one key after the other; whose it is, is forgotten."""
        offsets = np.array(
            [(tick(edge) - tick(self.period.start)).astype(np.int64) for edge in edges]
        )
        starts = (self.device * self.period.length)[:, None]
        begin = np.maximum(self.begin[:, None], starts + offsets[:-1])
        end = np.minimum(self.end[:, None], starts + offsets[1:])
        part, group = np.nonzero(end > begin)
        return replace(
            self,
            keys=tuple(keys),
            names=tuple(keys),
            group=group,
            device=self.device[part],
            site=self.site[part],
            begin=begin[part, group],
            end=end[part, group],
        )

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


def read_fleet(conn: Conn, scope: Scope, period: Period, customer: str | None = None) -> Fleet:
    """The adopted devices of `period`; those that belong to nothing of `scope` are left out.

    Args:
        customer: the key of one whose sites alone are looked at.
    """
    asked = {"scope": scope, "start": period.start, "end": period.end, "customer": customer}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(load("kpi")["parts"], asked).fetchall()
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * 7
    device_id, kind, site, key, name, since, until = columns
    names = dict(zip(key, name, strict=True))
    keys = tuple(sorted(names))
    places = {key: place for place, key in enumerate(keys)}
    devices, first, device = np.unique(
        np.array(device_id, np.int64), return_index=True, return_inverse=True
    )
    begin, end = (np.array(side, np.int64).view("datetime64[us]") for side in (since, until))
    return Fleet(
        period=period,
        devices=devices,
        kinds=tuple(kind[row] for row in first.tolist()),
        keys=keys,
        names=tuple(names[key] for key in keys),
        group=np.array([places[each] for each in key], np.int64),
        device=device,
        site=np.array(site, np.int64),
        begin=period.places(device, begin),
        end=period.places(device, end),
    )
