"""Supplies of a fleet: when each ends, and how much of it is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from domain.errors import BadInputError
from kpi.demand.refills import Stock
from models.supplies.ends import SUPPLIES, Supply, days_of, use_of
from models.unusual.anomaly import WEEKS, Singles
from models.unusual.levels import last_window, read_past
from storage.database import Conn
from storage.queries import load

_PAST = timedelta(weeks=WEEKS)
_FULL = 0.95  # of its model's devices' highest levels
_OF = {supply.metric: supply for supply in SUPPLIES}


@dataclass(frozen=True, slots=True)
class Told:
    """What is foretold of one supply of one device, as of `at`.

    Attributes:
        level, edge: where it stands, and where it is empty or full.
        early, likely, late: one in ten ends before, half, one in ten after; None: later than is
            looked ahead.
    """

    id: int
    device: str
    kind: str
    model: str
    site: str
    region: str
    customer: str
    metric: str
    component: str
    at: datetime
    level: float
    edge: float
    early: datetime | None
    likely: datetime | None
    late: datetime | None

    @property
    def falls(self) -> bool:
        """Whether it is used up, and ordered; else it fills, and is emptied."""
        return _OF[self.metric].falls


def customer_name(conn: Conn, key: str) -> str:
    """Raises BadInputError where there is no such customer."""
    row = conn.execute(load("reports_fleet")["customer"], {"key": key}).fetchone()
    if row is None:
        raise BadInputError(f"customer: {key!r}; allowed: the key of a customer")
    return str(row["name"])


def read_supplies(conn: Conn, customer: str | None) -> list[Told]:
    """Every supply of which something is foretold, the soonest first."""
    rows = conn.execute(load("reports_fleet")["supplies"], {"customer": customer})
    return [Told(**row) for row in rows if row["metric"] in _OF]


def read_stocks(conn: Conn, told: Sequence[Told], now: datetime) -> dict[tuple[int, str], Stock]:
    """Of each supply that is ordered and whose use is known: by device and metric."""
    found: dict[tuple[int, str], Stock] = {}
    groups: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for one in told:
        if one.falls:
            groups[one.kind, one.metric].append(one)
    until = last_window(now)
    for (kind, metric), some in groups.items():
        mine = sorted(some, key=lambda one: one.id)
        ids = np.array([one.id for one in mine], np.int64)
        past = read_past(conn, kind, "newest_values", ids, [metric], (until - _PAST, until))
        if len(past.values):
            found |= _stocks(mine, _OF[metric], past.values[:, :, 0])
    return found


def _stocks(mine: Sequence[Told], supply: Supply, level: Singles) -> dict[tuple[int, str], Stock]:
    """`level` is (windows, devices)."""
    days = days_of(use_of(level, falls=supply.falls).used)
    known = np.isfinite(days)
    highest = np.nan_to_num(np.fmax.reduce(level))
    models = np.array([one.model for one in mine])
    found = {}
    for place, one in enumerate(mine):
        own = days[known[:, place], place].astype(np.float64)
        refill = float(np.quantile(highest[models == one.model], _FULL)) - one.edge
        if len(own) and refill > 0:
            found[one.id, one.metric] = Stock(
                left=max(one.level - one.edge, 0.0),
                refill=refill,
                per_day=float(own.mean()),
                spread=float(own.std()),
                days=len(own),
            )
    return found
