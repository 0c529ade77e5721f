"""Old data goes; what late messages may still need stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.clock import ManualClock
from domain.errors import ConfigurationError
from domain.report import DeviceReport, Identity, RejectedMessage
from pipeline.ingest import Ingest
from pipeline.retention import SHORTEST_KEEP, drop_old
from storage.database import Database

VOLTAGE = {"x.SupplyVoltage": 12.0}


def _report(clock: ManualClock, boot: str) -> DeviceReport:
    return DeviceReport("till-1", clock.now(), clock.now(), Identity(boot, 1), gauges=VOLTAGE)


def test_old_pieces_rejections_and_ended_sessions_go(
    database: Database, clock: ManualClock
) -> None:
    ingest = Ingest(database, clock, "mqtt")
    ingest.store(
        [_report(clock, "old")], [RejectedMessage("mqtt", clock.now(), "topic", b"", "reason")]
    )
    clock.advance(timedelta(days=40))
    ingest.store([_report(clock, "new")])
    assert drop_old(database, clock, SHORTEST_KEEP) > 0
    with database.transaction() as conn:
        assert conn.execute("SELECT at FROM reading").fetchall() == [{"at": clock.now()}]
        assert conn.execute("SELECT boot_id FROM device_session").fetchall() == [{"boot_id": "new"}]
        assert conn.execute("SELECT FROM rejected_message").fetchall() == []


def test_data_as_late_as_is_taken_finds_its_piece_after_dropping(
    database: Database, clock: ManualClock
) -> None:
    ingest = Ingest(database, clock, "mqtt")
    late = replace(_report(clock, "a"), at=clock.now() - timedelta(days=30))
    ingest.store([late])
    drop_old(database, clock, SHORTEST_KEEP)
    assert ingest.store([replace(late, identity=Identity("a", 2))]).stored == 1


def test_a_keep_that_would_lose_late_data_is_refused(
    database: Database, clock: ManualClock
) -> None:
    with pytest.raises(ConfigurationError, match="keep: 30 days"):
        drop_old(database, clock, timedelta(days=30))
