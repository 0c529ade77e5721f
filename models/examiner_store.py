"""A demo's champions held against the truth: the simulated devices' lives follow from their keys."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.device import DeviceKind
from models.catalogue import Stage, listing
from models.examiner import Examined, examine, judged_episodes, judged_failures
from models.settings import Costs
from simulator.fleet import Device
from simulator.lives import life_of
from simulator.script import MARGIN
from simulator.truth import Truth, truth_of
from storage.database import Conn, Row
from storage.queries import load

_LEAD = timedelta(hours=1)


def examine_store(conn: Conn, costs: Costs) -> Examined | None:
    """How the champions did on the period that each was judged on, and never learned from.

    None where no device is simulated or no model is in charge. Reads the life of every simulated
    device: some milliseconds each.
    """
    rows = [row for row in listing(conn) if row["stage"] == Stage.CHAMPION]
    truth = [row for model in rows for row in _truth_for(conn, model)]
    if not truth:
        return None
    failures = [each for row in rows for each in row["metrics"].get("failures", ())]
    episodes = [each for row in rows for each in row["metrics"].get("episodes", ())]
    return examine(truth, judged_failures(failures), judged_episodes(episodes), _LEAD, costs)


def _truth_for(conn: Conn, model: Row) -> list[Truth]:
    """What befell the component of the model's task in the period that it was judged on."""
    kind, _, component = model["task"].partition("/")
    start = model["test_from"] + timedelta(hours=float(model["horizon_h"]))
    devices = [row for row in conn.execute(load("demo")["fleet"]).fetchall() if row["kind"] == kind]
    return [
        each
        for row in devices
        for each in _truth_of(row, start, model["test_until"])
        if each.component == component
    ]


def _truth_of(row: Row, start: datetime, end: datetime) -> list[Truth]:
    names = ("key", "site", "model", "firmware", "serial", "installed_on")
    device = Device(kind=DeviceKind(row["kind"]), **{name: row[name] for name in names})
    life = life_of(device, start - MARGIN, end + MARGIN)
    return list(truth_of(device, row["time_zone"], life, start, end))
