"""A fleet's state changes as stretches of the line: up, down, not watched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from kpi.uptime.line import Period, Stretches, Ticks
from storage.arrays import TIME, read_arrays
from storage.database import Conn
from storage.queries import load

_UP, _DOWN = 0, 1
_CHANGES = {"device_id": "int4", "at": TIME, "version": "int8", "state": "int2"}


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


def read_states(conn: Conn, period: Period, devices: NDArray[np.int32]) -> States:
    """The states of `devices` (ids, ascending) over the period, in the order of its line.

    Before a device's first known change its state is the one that change came from.
    """
    asked = {"devices": devices.tolist(), "start": period.start, "end": period.end}
    query = sql.SQL(load("kpi")["changes"])
    rows = read_arrays(conn, query, _CHANGES, asked, by="device_id")
    order = np.lexsort((rows["version"], rows["at"], rows["device_id"]))
    device = np.searchsorted(devices, rows["device_id"][order])
    begin = period.places(device, rows["at"][order])
    state = rows["state"][order]
    last = np.append(device[1:] != device[:-1], True)[: len(device)]
    ends = (device + 1) * period.length
    end = np.where(last, ends, np.append(begin[1:], 0)[: len(begin)])
    failed, restored = _failures(device, begin, state, ends)
    return States(
        up=_joined(begin, end, state == _UP),
        down=_joined(begin, end, state == _DOWN),
        unwatched=_joined(begin, end, state > _DOWN),
        failed=failed,
        restored=restored,
    )


def _joined(begin: Ticks, end: Ticks, rows: NDArray[np.bool_]) -> Stretches:
    return Stretches.of(begin[rows], end[rows])


def _failures(
    device: NDArray[np.int64], begin: Ticks, state: NDArray[np.int16], ends: Ticks
) -> tuple[Ticks, Ticks]:
    """Where devices went down and came back, as if time that nobody watched had not been. A device
    that was down when the period began has not failed in it."""
    known = state <= _DOWN
    device, begin, state, ends = device[known], begin[known], state[known], ends[known]
    follows = np.append(False, device[1:] == device[:-1])[: len(device)]
    differs = np.append(True, state[1:] != state[:-1])[: len(state)]
    turns = differs | ~follows
    device, begin, state, ends = device[turns], begin[turns], state[turns], ends[turns]
    follows = np.append(False, device[1:] == device[:-1])[: len(device)]
    fails = np.flatnonzero((state == _DOWN) & follows)
    next_one = np.minimum(fails + 1, max(len(device) - 1, 0))
    back = (fails + 1 < len(device)) & (device[next_one] == device[fails])
    return begin[fails], np.where(back, begin[next_one], ends[fails])
