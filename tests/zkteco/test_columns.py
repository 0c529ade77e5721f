"""Columns go into the store as records go, and logs are kept as bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.zkteco.columns import EPOCH
from collectors.zkteco.decode import AttendanceLog, read_attendance
from collectors.zkteco.known import Known
from domain.clock import ManualClock
from domain.errors import BadInputError, NotFoundError
from pipeline.attendance import store_records
from pipeline.clock_logs import KEPT_REPLACED, keep_log, kept_log
from pipeline.punch_columns import store_columns, utc_seconds
from simulator.zkteco.records import punch_bytes, with_length
from simulator.zkteco.wire import encode_time
from storage.database import Conn, Database

TEHRAN = ZoneInfo("Asia/Tehran")
ZONES = ["UTC", "Asia/Tehran", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]
USERS = ["1", "1001", "1001", "A-7", "Zoë", "员工", "x" * 23]


def body(count: int, start: datetime = datetime(2021, 9, 21)) -> bytes:  # noqa: DTZ001
    """Records of some users, a few hours apart, over a change of time; each third one twice."""
    return b"".join(
        punch_bytes(
            40, n, USERS[n % 7], n % 5, encode_time(start + timedelta(hours=5 * (n - n % 3))), 0
        )
        for n in range(count)
    )


def log_of(content: bytes, known: Known = Known()) -> AttendanceLog:  # noqa: B008 - frozen
    return read_attendance(with_length(content), len(content) // 40, known, {})


def known_after(log: AttendanceLog) -> Known:
    return Known(layout=log.layout, length=log.length, sha256=log.sha256)


@pytest.fixture
def device(database: Database) -> int:
    with database.transaction() as conn:
        row = conn.execute("INSERT INTO device (key, kind) VALUES ('d', 'clock') RETURNING id")
        return int(row.fetchone()["id"])  # type: ignore[index]


@given(
    st.sampled_from(ZONES),
    st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)), max_size=20),  # noqa: DTZ001
)
def test_local_times_mean_what_they_mean_one_by_one(zone: str, times: list[datetime]) -> None:
    local_s = np.array([int((time - EPOCH).total_seconds()) for time in times], np.int64)
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    expected = [
        (time.replace(microsecond=0, tzinfo=ZoneInfo(zone)) - epoch).total_seconds()
        for time in times
    ]
    assert utc_seconds(local_s, ZoneInfo(zone)).tolist() == expected


def test_columns_are_stored_as_records_are(
    database: Database, clock: ManualClock, device: int
) -> None:
    fresh = log_of(body(500)).fresh
    with database.transaction() as conn:
        assert store_columns(conn, device, "A", TEHRAN, fresh, clock.now()) == 500
        assert store_columns(conn, device, "A", TEHRAN, fresh, clock.now()) == 0
        assert store_records(conn, device, "B", TEHRAN, fresh.records(), clock.now()) == 500
        stored = {serial: _records(conn, serial) for serial in "AB"}
    assert stored["A"] == stored["B"]
    assert len(stored["A"]) == 500


def test_a_log_grows_by_segments_and_comes_back_whole(
    database: Database, clock: ManualClock, device: int
) -> None:
    whole = body(900)
    known = Known()
    with database.transaction() as conn:
        for count in (300, 300, *range(301, 570), 900):
            log = log_of(whole[: count * 40], known)
            keep_log(conn, device, "S", log, count, clock.now())
            known = known_after(log)
        kept = kept_log(conn, device, "S")
        (segments,) = _rows(conn, "SELECT count(*) AS n, max(length(body)) FROM clock_log_segment")
    assert kept.body == whole
    assert (kept.claimed, kept.layout) == (900, "40")
    assert segments["n"] <= 130  # short ones are merged


def test_nothing_is_written_for_a_log_that_is_the_same(
    database: Database, clock: ManualClock, device: int
) -> None:
    log = log_of(body(9))
    with database.transaction() as conn:
        keep_log(conn, device, "S", log, 9, clock.now())
        before = _rows(conn, "SELECT xmin::text, taken_at FROM clock_log")
    clock.advance(timedelta(hours=1))
    with database.transaction() as conn:
        keep_log(conn, device, "S", log, 9, clock.now())
        keep_log(conn, device, "S", log_of(body(9), known_after(log)), 9, clock.now())
        assert _rows(conn, "SELECT xmin::text, taken_at FROM clock_log") == before


def test_a_clock_that_comes_back_goes_on_where_its_log_ended(
    database: Database, clock: ManualClock, device: int
) -> None:
    """Its log is read whole then, since another clock was polled meanwhile."""
    with database.transaction() as conn:
        for serial, count in (("A", 5), ("B", 3), ("A", 8)):
            keep_log(conn, device, serial, log_of(body(count)), count, clock.now())
        assert kept_log(conn, device, "A").body == body(8)
        assert kept_log(conn, device, "B").body == body(3)
        assert len(_rows(conn, "SELECT FROM clock_log")) == 2


def test_logs_from_before_it_shrank_are_kept_up_to_a_number(
    database: Database, clock: ManualClock, device: int
) -> None:
    with database.transaction() as conn:
        for n in range(KEPT_REPLACED + 3):
            for count in (40 + n, 1):
                keep_log(conn, device, "S", log_of(body(count)), count, clock.now())
                clock.advance(timedelta(days=1))
            keep_log(conn, device, "S", log_of(b""), 0, clock.now())
        replaced = _rows(conn, "SELECT FROM clock_log WHERE replaced_at IS NOT NULL")
        assert kept_log(conn, device, "S").body == b""
    assert len(replaced) == KEPT_REPLACED


def test_a_log_whose_oldest_records_were_overwritten_is_not_kept_twice(
    database: Database, clock: ManualClock, device: int
) -> None:
    with database.transaction() as conn:
        for start in range(4):
            ring = body(30)[start * 40 :] + body(start)
            keep_log(conn, device, "S", log_of(ring), 30, clock.now())
        assert len(_rows(conn, "SELECT FROM clock_log")) == 1


def test_a_gap_and_damage_are_told(database: Database, clock: ManualClock, device: int) -> None:
    first = log_of(body(5))
    with database.transaction() as conn:
        with pytest.raises(NotFoundError, match="no log is kept"):
            kept_log(conn, device, "S")
        with pytest.raises(BadInputError, match="goes on at 200"):
            keep_log(conn, device, "S", log_of(body(6), known_after(first)), 6, clock.now())
        keep_log(conn, device, "S", first, 5, clock.now())
        conn.execute("UPDATE clock_log_segment SET body = set_byte(body, 0, 99)")
        with pytest.raises(BadInputError, match="damaged"):
            kept_log(conn, device, "S")


def _records(conn: Conn, serial: str) -> Counter[tuple[Any, ...]]:
    rows = conn.execute(
        "SELECT user_ref, at, local_time, status, punch, nth FROM attendance_record"
        " WHERE serial = %s",
        [serial],
    )
    return Counter(tuple(row.values()) for row in rows)


def _rows(conn: Conn, query: str) -> Sequence[dict[str, Any]]:
    return conn.execute(query.encode()).fetchall()
