"""When devices were needed: the service hours of the contract that was valid at the time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from desk.contracts.contract import Contracts
from desk.contracts.reading import contracts_of
from domain.calendar import Span
from kpi.uptime.line import Period, Stretches, Ticks
from pipeline.history import tick
from storage.database import Conn

_DAY = timedelta(days=1)


def read_hours(conn: Conn, period: Period, devices: NDArray[np.int32]) -> Stretches:
    """The service hours of `devices` (ids, ascending) in the period, in the order of its line."""
    alike: dict[object, list[int]] = defaultdict(list)
    agreed = contracts_of(conn, devices.tolist())
    for index, contracts in enumerate(agreed[device] for device in devices.tolist()):
        alike[contracts.place.kind, contracts.place.zone, tuple(contracts.rows)].append(index)
    begins: list[Ticks] = []
    ends: list[Ticks] = []
    for indexes in alike.values():
        begin, end = _places(agreed[int(devices[indexes[0]])], period)
        offsets = np.array(indexes, np.int64)[:, None] * period.length
        begins.append((offsets + begin).ravel())
        ends.append((offsets + end).ravel())
    none = np.zeros(0, np.int64)
    return Stretches.of(np.concatenate([none, *begins]), np.concatenate([none, *ends]))


def _places(contracts: Contracts, period: Period) -> tuple[Ticks, Ticks]:
    """A device's service hours, in microseconds since the period's start."""
    spans = list(_spans(contracts, period))
    begin, end = (
        np.array([(tick(span[side]) - tick(period.start)).astype(np.int64) for span in spans])
        for side in (0, 1)
    )
    return begin.astype(np.int64), end.astype(np.int64)


def _spans(contracts: Contracts, period: Period) -> Iterator[Span]:
    edges = sorted({period.start, period.end, *_changes(contracts, period)})
    for since, until in pairwise(edges):
        yield from contracts.at(since).calendar.spans(since, until)


def _changes(contracts: Contracts, period: Period) -> Iterator[datetime]:
    """When other terms may begin to count: at midnight there, and when the plans changed."""
    zone = ZoneInfo(contracts.place.zone)
    days = [row.valid_from for row in contracts.rows]
    days += [row.valid_until + _DAY for row in contracts.rows if row.valid_until]
    moments = [datetime.combine(day, time(), zone) for day in days]
    for moment in (*moments, *(since for since, _ in contracts.books.known)):
        if period.start < moment < period.end:
            yield moment
