"""When devices were needed: the service hours of the contract of the place where each stood, as it was
valid at the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from desk.contracts.contract import Contracts
from desk.contracts.reading import contracts_of_places
from domain.calendar import Span
from kpi.uptime.fleet import Fleet
from kpi.uptime.line import Period, Stretches, Ticks
from pipeline.history import tick
from storage.database import Conn

_DAY = timedelta(days=1)


def read_hours(conn: Conn, fleet: Fleet) -> Stretches:
    """The service hours of the fleet's devices, on its line."""
    agreed, terms = _terms(conn, fleet)
    begins: list[Ticks] = [np.zeros(0, np.int64)]
    ends: list[Ticks] = [np.zeros(0, np.int64)]
    for number, contracts in enumerate(agreed):
        rows = np.flatnonzero(terms == number)
        begin, end = _places(contracts, fleet.period)
        offsets = fleet.device[rows, None] * fleet.period.length
        begins.append(np.maximum(offsets + begin, fleet.begin[rows, None]).ravel())
        ends.append(np.minimum(offsets + end, fleet.end[rows, None]).ravel())
    return Stretches.of(np.concatenate(begins), np.concatenate(ends))


def _terms(conn: Conn, fleet: Fleet) -> tuple[list[Contracts], NDArray[np.int64]]:
    """The contracts that there are, and which of them each part of the fleet's time goes by."""
    pairs: dict[tuple[str, int], int] = {}
    devices, sites = fleet.device.tolist(), fleet.site.tolist()
    part = [
        pairs.setdefault((fleet.kinds[device], site), len(pairs))
        for device, site in zip(devices, sites, strict=True)
    ]
    found = contracts_of_places(conn, [kind for kind, _ in pairs], [site for _, site in pairs])
    alike: dict[object, int] = {}
    agreed: list[Contracts] = []
    of_pair: list[int] = []
    for one in found:
        number = alike.setdefault((one.place.kind, one.place.zone, tuple(one.rows)), len(agreed))
        if number == len(agreed):
            agreed.append(one)
        of_pair.append(number)
    return agreed, np.array(of_pair, np.int64)[np.array(part, np.int64)]


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
