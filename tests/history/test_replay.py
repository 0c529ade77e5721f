"""A recorded past, played through the real broker, collector, store, models, alerts and desk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from collectors.mqtt.settings import BrokerSettings
from domain.clock import ManualClock
from domain.errors import BadInputError, NotAllowedError
from forecall.broker import HOST, Broker
from forecall.importer import import_history
from forecall.replay import ReplayPlan, replay
from models.settings import TrainSettings
from models.training.train import train
from pipeline.history import read_history
from pipeline.watch import CollectorWatch
from storage.database import Database, Row
from tests.history.helpers import START, write_folder


def _rows(database: Database, query: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(query).fetchall()


def test_what_devices_said_flows_through_every_room(database: Database, tmp_path: Path) -> None:
    told = write_folder(tmp_path / "history")
    fails = max(at for failures in told.failures.values() for at in failures)
    start = START + timedelta(hours=fails - 30)
    end = START + timedelta(hours=fails + 6)
    import_history(database, ManualClock(start), told.folder, until=start)
    train(database, ManualClock(start), settings=TrainSettings(step=timedelta(hours=6)))
    history = read_history(told.folder)
    plan = ReplayPlan(start, end)
    with Broker(tmp_path / "broker") as broker:
        settings = BrokerSettings(HOST, broker.port, broker.username, broker.password)
        counted = replay(database, history, plan, settings)
        _everything_is_stored(database, history_hours=36, devices=len(history.devices))
        _the_failing_printers_ticket_was_there_before(database)
        assert 1 <= counted.foretold <= counted.failures
        assert counted.false <= counted.opened

        before = _rows(database, "SELECT count(*) FROM reading")
        replay(database, history, plan, settings)
        assert _rows(database, "SELECT count(*) FROM reading") == before


def _everything_is_stored(database: Database, history_hours: int, devices: int) -> None:
    (count,) = _rows(
        database,
        "SELECT stored, duplicate, rejected FROM intake_count WHERE collector = 'mqtt'",
    )
    greetings = 2
    (events,) = _rows(database, "SELECT count(*) AS n FROM device_event WHERE received_at > at")
    assert count["stored"] == devices * (history_hours + greetings) + events["n"]
    assert count["rejected"] == 0
    states = _rows(database, "SELECT DISTINCT state FROM device_status")
    assert states == [{"state": "up"}]
    rolled = _rows(database, "SELECT max(n) AS n FROM rollup_hourly")
    assert rolled == [{"n": 1}]


def _the_failing_printers_ticket_was_there_before(database: Database) -> None:
    failed = _rows(
        database,
        "SELECT opened_at, failed_at FROM ticket "
        "WHERE origin = 'prediction' AND failed_at IS NOT NULL AND fault_class = 'breakdown'",
    )
    assert failed
    assert all(ticket["opened_at"] < ticket["failed_at"] for ticket in failed)


def test_a_live_systems_store_is_left_alone(database: Database, tmp_path: Path) -> None:
    told = write_folder(tmp_path / "history", devices=2, days=12)
    live = ManualClock(told.end + timedelta(days=100))
    CollectorWatch(database, live).beat("mqtt")
    with pytest.raises(NotAllowedError, match="use a store of its own"):
        replay(
            database,
            read_history(told.folder),
            ReplayPlan(START, told.end),
            BrokerSettings(HOST, 1),
        )


def test_unknown_devices_are_refused(database: Database, tmp_path: Path) -> None:
    told = write_folder(tmp_path / "history", devices=2, days=12)
    history = read_history(told.folder)
    nowhere = BrokerSettings(HOST, 1)
    with pytest.raises(BadInputError, match="k00 and 1 more are not known"):
        replay(database, history, ReplayPlan(START, told.end), nowhere)
