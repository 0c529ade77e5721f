"""A demo's champions held against the truth: the simulated devices' lives follow from their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from domain.device import DeviceKind
from models.examine.bound import Bound, bounds
from models.examine.examiner import Examined, examine, judged_episodes, judged_failures
from models.registry.catalogue import Stage, listing
from models.settings import Costs
from simulator.fleet import Device
from simulator.lives import life_of
from simulator.script import MARGIN
from simulator.truth import Truth, truth_of
from storage.database import Conn, Row
from storage.queries import load

_LEAD = timedelta(hours=1)
_Period: TypeAlias = tuple[datetime, datetime]


def examine_store(conn: Conn, costs: Costs) -> Examined | None:
    """How the champions did on the period that each was judged on, and never learned from.

    Failures of components without a champion count, too: nobody warned of them. None where no device
    is simulated or no model is in charge. Reads every device's life: some milliseconds each.
    """
    rows = [row for row in listing(conn) if row["stage"] == Stage.CHAMPION]
    devices = conn.execute(load("demo")["fleet"]).fetchall()
    if not rows or not devices:
        return None
    periods = {row["task"]: _period(row) for row in rows}
    usual = min(start for start, _ in periods.values()), max(end for _, end in periods.values())
    truth = [row for device in devices for row in _truth_of(device, usual, periods)]
    failures = [each for row in rows for each in row["metrics"].get("failures", ())]
    episodes = [each for row in rows for each in row["metrics"].get("episodes", ())]
    found = examine(truth, judged_failures(failures), judged_episodes(episodes), _LEAD, costs)
    return replace(found, bounds=tuple(each for row in rows for each in _bounds(row, truth)))


def _bounds(model: Row, truth: Sequence[Truth]) -> tuple[Bound, ...]:
    horizon = timedelta(hours=float(model["horizon_h"]))
    return bounds(truth, horizon, {model["task"]: model["metrics"]})


def _period(model: Row) -> _Period:
    """From when to when failures were judged: one horizon after the first question, to the end."""
    return model["test_from"] + timedelta(hours=float(model["horizon_h"])), model["test_until"]


def _truth_of(row: Row, usual: _Period, periods: Mapping[str, _Period]) -> list[Truth]:
    """What befell a device while its components' models were judged, or else in the `usual` period."""
    names = ("key", "site", "model", "firmware", "serial", "installed_on")
    device = Device(kind=DeviceKind(row["kind"]), **{name: row[name] for name in names})
    life = life_of(device, usual[0] - MARGIN, usual[1] + MARGIN)
    found = truth_of(device, row["time_zone"], life, *usual)
    return [
        each for each in found if _within(each, periods.get(f"{each.kind}/{each.component}", usual))
    ]


def _within(row: Truth, period: _Period) -> bool:
    return period[0] <= row.at < period[1]
