"""The tour: one kiosk and one attendance clock walk through every room, in the data's order.

Read it from top to bottom beside docs/architecture.md. The fleet's past is simulated; everything
that happens here happens for real: a broker, a TCP port, a database, the rooms as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from desk import actions, sla
from desk.sla.reading import clocks_of
from domain.clock import ManualClock
from domain.fault import FaultClass
from forecall.config import Settings
from forecall.demo import build_demo
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from models.registry.artifacts import champions
from models.registry.catalogue import Stage
from models.registry.stages import promote
from models.settings import TrainSettings
from models.training.train import train
from pipeline.features.build import features_at
from pipeline.features.store import load_frames, load_peers
from storage.database import Database, Row
from tests.acceptance.day import Day, the_day

DAWN = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture
def day(database: Database, tmp_path: Path) -> Iterator[Day]:
    """Monday, six o'clock: sixty days of history are stored, and the models have learned from them."""
    clock = ManualClock(DAWN)
    settings = Settings(demo_clocks=40, demo_terminals=80)
    build_demo(database, settings, DAWN, lambda _what, _share: None)
    for made in train(database, clock, settings=TrainSettings(step=timedelta(hours=6))):
        # So few failures may not be enough for the gate; then a person decides.
        if made.stage is not Stage.CHAMPION:
            with database.transaction() as conn:
                promote(conn, clock, made.model_id, actor="manager", reason="to try it for a day")
    with the_day(database, clock, tmp_path) as day:
        yield day


def test_one_device_day(day: Day) -> None:
    day.passes(timedelta(hours=1, minutes=15))

    # collectors/ -> pipeline/ingest -> storage/: what the devices said is stored, once.
    heard = day.row("SELECT stored, rejected FROM intake_count WHERE collector = 'mqtt'")
    assert heard["stored"] >= 6
    assert heard["rejected"] == 0
    assert _newest(day, day.kiosk, "x.BillRejectedCount") > 0
    assert abs(_newest(day, day.attendance_clock, "x.ClockDrift")) < 120
    punches = day.row(
        "SELECT count(*) AS stored FROM attendance_record JOIN device ON device.id = device_id"
        " WHERE key = %(clock)s"
    )
    assert punches["stored"] == _newest(day, day.attendance_clock, "x.RecordCount")

    # pipeline/state: both are up, each for its own reason, and the record says since when.
    assert _states(day, day.kiosk)[-1][:3] == ("unwatched", "up", "contact")
    assert _states(day, day.attendance_clock)[-1][:3] == ("unwatched", "up", "contact")

    # pipeline/features: the worn bill acceptor shows, as of now, against the hours before.
    rejects = _feature(day, day.kiosk, "x.BillRejectedCount")
    assert rejects[-1] > 2 * rejects[0]

    # models/: a prediction for each component, and for the worn ones above what it takes to act.
    for key, component in (
        (day.kiosk, "billAcceptor"),
        (day.attendance_clock, "powerSupply"),
    ):
        foretold = _prediction(day, key, component)
        assert foretold["probability"] >= foretold["threshold"]
        assert foretold["reasons"], "a prediction says why"

    # alerts/ -> desk/: one alert and one ticket each, before anything has failed.
    tickets = {key: _ticket(day, key) for key in (day.kiosk, day.attendance_clock)}
    assert [ticket["origin"] for ticket in tickets.values()] == ["prediction", "prediction"]
    assert all(ticket["failed_at"] is None for ticket in tickets.values())
    for ticket in tickets.values():
        actions.acknowledge(day.database, day.clock, ticket["id"], actor="dispatcher")

    # The devices fail: the kiosk says so itself, the clock falls silent. The same tickets go on.
    day.passes(timedelta(hours=6))
    assert _states(day, day.kiosk)[-1] == ("up", "down", "reported", "billAcceptor")
    assert _states(day, day.attendance_clock)[-1][:3] == ("up", "down", "poll_failed")
    for key, ticket in tickets.items():
        now = _ticket(day, key)
        assert now["id"] == ticket["id"], "one case per fault"
        assert now["failed_at"] - now["opened_at"] > timedelta(hours=1), "foretold in time"
        assert [event["kind"] for event in _history(day, ticket["id"])].count("failed") == 1

    # desk/: an engineer goes there; the promises of the contract have clocks.
    case = tickets[day.kiosk]["id"]
    for move in ("dispatch", "set_out", "arrive"):
        actions.move(day.database, day.clock, case, move, actor="engineer")
    running = {clock.name: clock.state for clock in _sla(day, case)}
    assert running["plan_of_action"] is sla.SlaState.MET
    assert running["repair"] is sla.SlaState.RUNNING

    # Both are repaired and come back; the cases are closed, and nothing is left open.
    day.passes(timedelta(hours=6))
    assert _states(day, day.kiosk)[-1][:3] == ("down", "up", "contact")
    assert _states(day, day.attendance_clock)[-1][:3] == ("down", "up", "contact")
    for ticket in tickets.values():
        for move in ("verify", "close"):
            actions.move(day.database, day.clock, ticket["id"], move, actor="dispatcher")
    left = day.rows(
        "SELECT FROM ticket JOIN device ON device.id = device_id"
        " WHERE key IN (%(kiosk)s, %(clock)s) AND ticket.closed_at IS NULL"
    )
    assert left == []

    # kpi/: the day's uptime, to the second, with the hours of the failure as downtime.
    with day.database.transaction() as conn:
        figures = {row.key: row for row in uptime(conn, Scope.DEVICE, DAWN, day.clock.now())}
    for key in tickets:
        figure, spells = figures[key], _down_seconds(day, key)
        assert figure.down_s == pytest.approx(spells)
        assert figure.up_s + figure.down_s + figure.unwatched_s == pytest.approx(
            (day.clock.now() - DAWN).total_seconds()
        )
        assert figure.ratio == pytest.approx(figure.up_s / (figure.up_s + spells))


def _newest(day: Day, key: str, metric: str) -> float:
    row = day.row(
        "SELECT value FROM reading JOIN device ON device.id = device_id"
        " JOIN metric ON metric.id = metric_id"
        " WHERE device.key = %(key)s AND metric.name = %(metric)s ORDER BY at DESC LIMIT 1",
        key=key,
        metric=metric,
    )
    return float(row["value"])


def _states(day: Day, key: str) -> list[tuple[str, str, str, str]]:
    rows = day.rows(
        "SELECT from_state, to_state, cause, component FROM device_transition"
        " JOIN device ON device.id = device_id WHERE key = %(key)s ORDER BY at, version",
        key=key,
    )
    return [(r["from_state"], r["to_state"], r["cause"], r["component"]) for r in rows]


def _feature(day: Day, key: str, metric: str) -> list[float]:
    """The device's shortest-window rate of a counter, four days ago and now."""
    now = day.clock.now()
    with day.database.transaction() as conn:
        row = conn.execute("SELECT id FROM device WHERE key = %s", [key]).fetchone()
        assert row is not None
        model = next(m for m in champions(conn) if m.task.component == "billAcceptor")
        since = now - timedelta(days=8)
        peers = load_peers(conn, [row["id"]], model.vocabulary.peers, since, now)
        frames = load_frames(conn, [row["id"]], since, now, peers)
    moments = np.array([frames.hours_at(now - timedelta(days=4)), frames.hours_at(now)])
    matrix = features_at(frames, np.zeros(2, dtype=np.int64), moments, model.vocabulary)
    column = next(n for n, name in enumerate(matrix.names) if metric in name and "24" in name)
    return [float(value) for value in matrix.values[:, column]]


def _prediction(day: Day, key: str, component: str) -> Row:
    return day.row(
        "SELECT probability, threshold, reasons FROM prediction"
        " JOIN device ON device.id = device_id"
        " WHERE key = %(key)s AND component = %(component)s ORDER BY at DESC LIMIT 1",
        key=key,
        component=component,
    )


def _ticket(day: Day, key: str) -> Row:
    return day.row(
        "SELECT ticket.id, origin, state, opened_at, failed_at FROM ticket"
        " JOIN device ON device.id = device_id"
        " WHERE key = %(key)s AND fault_class = %(breakdown)s AND ticket.closed_at IS NULL",
        key=key,
        breakdown=FaultClass.BREAKDOWN,
    )


def _history(day: Day, ticket_id: int) -> list[Row]:
    return day.rows(
        "SELECT kind FROM ticket_event WHERE ticket_id = %(id)s ORDER BY version", id=ticket_id
    )


def _sla(day: Day, ticket_id: int) -> list[sla.SlaClock]:
    with day.database.transaction() as conn:
        return clocks_of(conn, [ticket_id], day.clock.now())[ticket_id]


def _down_seconds(day: Day, key: str) -> float:
    """By hand: from each transition to `down` until the next one."""
    rows = day.rows(
        "SELECT to_state, at FROM device_transition JOIN device ON device.id = device_id"
        " WHERE key = %(key)s AND at >= %(dawn)s ORDER BY at, version",
        key=key,
        dawn=DAWN,
    )
    ends = [row["at"] for row in rows[1:]] + [day.clock.now()]
    return float(
        sum(
            (end - row["at"]).total_seconds()
            for row, end in zip(rows, ends, strict=True)
            if row["to_state"] == "down"
        )
    )
