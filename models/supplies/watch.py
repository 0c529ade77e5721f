"""Keeps what is known of each supply's end, from the fleet's windows of six hours."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from domain.vocabulary import metric
from models.supplies.ends import SUPPLIES, Supply, days_left, days_of, next_visit, use_of
from models.unusual.anomaly import LASTING, WEEKS, Singles
from models.unusual.levels import WINDOW, read_past
from pipeline.features.frames import Floats, Ints
from storage.database import Conn
from storage.queries import load

_PAST = timedelta(weeks=WEEKS)
_HIGH = 0.95  # of its model's devices' highest levels: where nothing else tells what is full


def foretell(conn: Conn, kind: str, until: datetime) -> int:
    """Writes down when each supply of each device of `kind` ends, as of the window that ends at
    `until`; returns how many. What is not told any more is forgotten after two days."""
    rows = conn.execute(load("watch_fleet")["places"], {"kind": kind}).fetchall()
    ids = np.array([row["id"] for row in rows], np.int64)
    _, model = np.unique(np.array([row["model"] for row in rows], str), return_inverse=True)
    names = [supply.metric for supply in SUPPLIES]
    past = read_past(conn, kind, "newest_values", ids, names, (until - _PAST - WINDOW, until))
    count = sum(
        _keep(conn, supply, ids, model.astype(np.int64), past.values[:, :, number], until)
        for number, supply in enumerate(SUPPLIES)
    )
    conn.execute(
        load("watch_fleet")["drop_stale_consumables"], {"before": until - timedelta(days=2)}
    )
    return count


def _keep(
    conn: Conn, supply: Supply, ids: Ints, model: Ints, level: Singles, until: datetime
) -> int:
    told = np.flatnonzero(np.isfinite(level[-LASTING:]).any(axis=0))
    if not len(told):
        return 0
    edge = _edges(supply, level, model)[told]
    use = use_of(level[:, told], falls=supply.falls)
    newest = _newest(level[:, told])
    left = np.maximum(newest - edge if supply.falls else edge - newest, 0).astype(np.float32)
    ends = days_left(days_of(use.used), left, until.weekday())
    known = np.isfinite(ends[:, 0]) | np.isinf(ends[:, 0])
    conn.execute(
        load("watch_fleet")["put_consumables"],
        {
            "metric": supply.metric,
            "component": metric(supply.metric).component,
            "at": until,
            "device_ids": ids[told][known].tolist(),
            "levels": newest[known].tolist(),
            "edges": edge[known].tolist(),
            "early": _or_none(ends[known, 0]),
            "likely": _or_none(ends[known, 1]),
            "late": _or_none(ends[known, 2]),
            "visit": next_visit(use.refilled, supply.notice)[known].tolist(),
        },
    )
    return int(known.sum())


def _edges(supply: Supply, level: Singles, model: Ints) -> Singles:
    if supply.edge is not None:
        return np.full(level.shape[1], supply.edge, np.float32)
    highest = np.nan_to_num(np.fmax.reduce(level))
    edge = np.zeros(level.shape[1], np.float32)
    for number in range(int(model.max(initial=-1)) + 1):
        own = model == number
        some = highest[own & (highest > 0)]
        edge[own] = np.quantile(some, _HIGH) if len(some) else 0.0
    return edge


def _newest(level: Singles) -> Singles:
    at = np.where(np.isfinite(level), np.arange(len(level))[:, None], 0).max(axis=0)
    return np.asarray(np.take_along_axis(level, at[None], axis=0)[0], np.float32)


def _or_none(days: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in days]
