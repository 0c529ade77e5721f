"""Locks, ports, status and doctor on a real store."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.clock import Clock, ManualClock, SystemClock
from domain.device import DeviceKind
from domain.errors import BadInputError, ConfigurationError
from domain.report import Contact, DeviceReport, Flow
from forecall.config import Settings
from forecall.doctor import examine
from forecall.health import is_healthy
from forecall.lock import held, is_held
from forecall.ports import is_free, next_free
from forecall.status import read_status
from forecall.wiring import Installation
from pipeline.ingest import Ingest
from pipeline.watch import CollectorWatch
from storage.database import Database


def test_a_data_folder_is_held_by_one(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with held(tmp_path):
        assert is_held(tmp_path)
        with pytest.raises(ConfigurationError, match="in use"), held(tmp_path):
            pass
    assert not is_held(tmp_path)


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert not is_free("127.0.0.1", taken)
        assert next_free("127.0.0.1", taken) > taken


@pytest.fixture
def settings(dsn: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_dsn=SecretStr(dsn))


def _hear_one(database: Database, clock: Clock) -> None:
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO device (key, kind, adopted_at) VALUES ('P1', %s, %s)",
            [DeviceKind.POS, clock.now()],
        )
    report = DeviceReport(
        "P1",
        clock.now(),
        clock.now(),
        contact=Contact(interval_s=900),
        counters={"GoodReadCount": 3},
    )
    Ingest(database, clock, "mqtt").store([report])


def test_status_counts_what_is_there(
    database: Database, settings: Settings, clock: ManualClock
) -> None:
    CollectorWatch(database, clock).beat("mqtt", Flow(3, 1.5, 2.0))
    _hear_one(database, clock)
    status = read_status(Installation(settings, database, clock)).to_json()
    assert status["devices"] == {"up": 1, "down": 0, "unwatched": 0}
    assert status["messages"] == {"received": 1, "stored": 1, "duplicate": 0, "rejected": 0}
    assert (status["open_alerts"], status["open_tickets"], status["lag_s"]) == (0, 0, 0)
    assert not status["simulated"]
    assert status["clocks_off"] == 0
    flow = status["collectors"]["mqtt"]
    assert (flow["silent_s"], flow["in_flight"], flow["stored"]) == (0, 3, 1)
    assert (flow["oldest_s"], flow["age_s"]) == (1.5, None)


def test_the_doctor_finds_what_is_missing_and_says_what_to_do(
    database: Database, settings: Settings
) -> None:
    clock = SystemClock()
    CollectorWatch(database, clock).beat("mqtt")
    findings = {finding.what: finding for finding in examine(settings)}
    assert findings["database"].well
    assert findings["storage engine"].found in ("postgresql", "timescaledb")
    assert findings["migrations"].well
    assert findings["collector mqtt"].well
    assert not findings["collector zkteco"].well
    assert "collect zkteco" in findings["collector zkteco"].advice
    assert not findings["accounts"].well
    assert not findings["broker"].well


def test_a_database_that_is_away_is_a_finding_not_an_error(tmp_path: Path) -> None:
    findings = {finding.what: finding for finding in examine(Settings(data_dir=tmp_path))}
    assert not findings["database"].well
    assert "forecall up" in findings["database"].advice
    assert "migrations" not in findings


def test_signs_of_life(database: Database, settings: Settings) -> None:
    assert not is_healthy(settings, "mqtt")
    CollectorWatch(database, SystemClock()).beat("mqtt")
    assert is_healthy(settings, "mqtt")
    assert not is_healthy(settings, "work")
    with pytest.raises(BadInputError, match="consle"):
        is_healthy(settings, "consle")
