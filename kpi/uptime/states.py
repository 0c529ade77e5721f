"""A fleet's state changes as stretches of the line: up, down, not watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from psycopg.rows import tuple_row

from kpi.uptime.line import Period, Stretches, Ticks
from storage.arrays import TIME, id_array, read_arrays
from storage.database import Conn
from storage.queries import load

_UP, _DOWN = 0, 1
_CHANGES = {"device_id": "int4", "at": TIME, "packed": "int8"}
_COMPONENTS = 255
"""So many of them fit into a packed change."""


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """When devices were in which state; what is in none of the three does not exist.

    Attributes:
        failed: where a device went down that was up when it was last watched; ascending.
        restored: likewise where it was next known to be up, or the period's end.
    """

    up: Stretches
    down: Stretches
    unwatched: Stretches
    failed: Ticks
    restored: Ticks


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What each device's state became, and when: equally long arrays, in the order of the line.

    Attributes:
        device: index of the device. begin, end: places between which the state lasted.
        state: 0 up, 1 down, more: nobody watched.
        component: what took it down: index into the components asked for, from 1; 0: none of them.
    """

    period: Period
    device: NDArray[np.int64]
    begin: Ticks
    end: Ticks
    state: NDArray[np.int64]
    component: NDArray[np.int64]

    def states(self, component: int | None = None) -> States:
        """All states; of one component: without the downtimes and failures of others."""
        down = self.state == _DOWN
        fails, failed, restored = _failures(self)
        if component is not None:
            down &= self.component == component
            ours = self.component[fails] == component
            failed, restored = failed[ours], restored[ours]
        return States(
            up=self._where(self.state == _UP),
            down=self._where(down),
            unwatched=self._where(self.state > _DOWN),
            failed=failed,
            restored=restored,
        )

    def _where(self, rows: NDArray[np.bool_]) -> Stretches:
        return Stretches.of(self.begin[rows], self.end[rows])


def read_changes(
    conn: Conn, period: Period, devices: NDArray[np.int64], components: Sequence[str] = ()
) -> Changes:
    """The states of `devices` (ids, ascending) over the period, in the order of its line.

    Before a device's first known change its state is the one that change came from.
    """
    if not len(devices):
        return Changes(period, *np.zeros((5, 0), np.int64))
    asked = {
        "devices": id_array(devices),
        "start": period.start,
        "end": period.end,
        "first": int(devices[0]),
        "last": int(devices[-1]),
        "components": list(components[:_COMPONENTS]),
    }
    state, component = _begun(conn, asked)
    rows = read_arrays(conn, sql.SQL(load("kpi")["changes"]), _CHANGES, asked, by="device_id")
    within = np.searchsorted(devices, rows["device_id"])
    ours = devices[np.minimum(within, len(devices) - 1)] == rows["device_id"]
    if not ours.all():
        within, rows = within[ours], {name: column[ours] for name, column in rows.items()}
    every = np.arange(len(devices))
    device = np.concatenate([every, within])
    places = np.concatenate([every * period.length, period.places(within, rows["at"])])
    packed = np.concatenate([component * 4 + state - 1024, rows["packed"]])
    order = _in_order(places, packed)
    return _lasting(period, device[order], places[order], packed[order])


def _begun(conn: Conn, asked: dict[str, object]) -> NDArray[np.int64]:
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(load("kpi")["begun"], asked).fetchall()
    return np.array(rows, np.int64).T


def _in_order(places: Ticks, packed: NDArray[np.int64]) -> NDArray[np.int64]:
    """By place, and by version what is of one moment. The rows are nearly in order, which makes the
    first look cheap; two changes in one microsecond are rare."""
    order = np.argsort(places, kind="stable")
    if np.any(np.diff(places[order]) == 0):
        order = np.lexsort((packed, places))
    return order


def _lasting(
    period: Period, device: NDArray[np.int64], begin: Ticks, packed: NDArray[np.int64]
) -> Changes:
    last = np.append(device[1:] != device[:-1], True)
    end = np.where(last, (device + 1) * period.length, np.append(begin[1:], 0))
    return Changes(period, device, begin, end, packed & 3, (packed >> 2) & _COMPONENTS)


def _failures(changes: Changes) -> tuple[NDArray[np.int64], Ticks, Ticks]:
    """At which changes devices failed, where that was and where they came back, as if time that nobody
    watched had not been. A device that was down when the period began has not failed in it."""
    rows = np.flatnonzero(changes.state <= _DOWN)
    state, device = changes.state[rows], changes.device[rows]
    same = np.append(False, device[1:] == device[:-1])[: len(rows)]
    differs = np.append(True, state[1:] != state[:-1])[: len(rows)]
    turns = differs | ~same
    rows, state, device, same = rows[turns], state[turns], device[turns], same[turns]
    fails = np.flatnonzero((state == _DOWN) & same)
    follower = np.minimum(fails + 1, max(len(rows) - 1, 0))
    back = (fails + 1 < len(rows)) & (device[follower] == device[fails])
    ends = (device[fails] + 1) * changes.period.length
    failed = changes.begin[rows[fails]]
    return rows[fails], failed, np.where(back, changes.begin[rows[follower]], ends)
