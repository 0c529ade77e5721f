"""A clock that pushes, from its log to the store and back: lost answers, proofs, time zones."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg
import pytest

from domain.clock import ManualClock
from pipeline.push_proof import ROUNDS, prove_days
from simulator.push import BATCH, NoAnswerError, PushingClock
from simulator.zkteco.clock import EmulatedClock
from storage.database import Database
from tests.adms.conftest import Adopt, listening
from tests.adms.helpers import SN, punches, rows


def clock_of(receiver: str, clock: ManualClock, serial: str = SN) -> PushingClock:
    """A clock that lives in the simulation's time."""
    where = urlsplit(receiver)
    assert where.hostname is not None
    assert where.port is not None
    return PushingClock(EmulatedClock(serial, clock), where.hostname, where.port)


def live(*turns: Coroutine[Any, Any, None]) -> None:
    async def one_after_another() -> None:
        for turn in turns:
            await turn

    asyncio.run(one_after_another())


def settle(pushing: PushingClock, clock: ManualClock, turns: int = 6) -> None:
    """Lets it carry out what it is asked, and what follows from that."""
    for _ in range(turns):
        clock.advance(timedelta(seconds=30))
        live(pushing.turn())


def test_what_it_holds_is_stored_operations_included(
    receiver: str, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    adopt(SN, "Asia/Shanghai", simulated=True)
    pushing = clock_of(receiver, clock)
    for number in range(3 * BATCH + 1):
        pushing.memory.punch(str(number % 7), at=clock.now() - timedelta(minutes=number))
    pushing.memory.fail_verification()
    pushing.errors.append("ERRORLOG ErrCode=D03E0001\tErrMsg=sensor")
    live(pushing.turn())
    assert len(punches(database)) == 3 * BATCH + 1
    events = rows(database, "SELECT code FROM device_event ORDER BY code")
    assert [row["code"] for row in events] == ["hardwareError", "x.VerifyFailed"]
    (device,) = rows(database, "SELECT model, serial FROM device")
    assert device == {"model": "K40/ID", "serial": SN}


def test_a_record_that_was_polled_before_is_the_same_record(
    receiver: str, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    device_id = adopt(SN, simulated=True)
    pushing = clock_of(receiver, clock)
    pushing.memory.punch("7", status=15, punch=4)
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO attendance_record (device_id, serial, user_ref, at, local_time, status,"
            " punch, nth, stored_at) VALUES (%s, %s, '7', %s, %s, 15, 4, 1, %s)",
            [device_id, SN, clock.now(), clock.now().replace(tzinfo=None), clock.now()],
        )
    live(pushing.turn())
    assert len(punches(database)) == 1


def test_two_equal_punches_that_came_apart_are_told_from_one_that_came_twice(
    receiver: str, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    adopt(SN, simulated=True)
    pushing = clock_of(receiver, clock)
    live(pushing.turn())
    pushing.memory.punch("7")
    live(pushing.send_new("ATTLOG"))
    pushing.memory.punch("7")  # within the same second
    live(pushing.send_new("ATTLOG"))
    assert len(punches(database)) == 1  # nobody can tell yet
    settle(pushing, clock)
    assert len(punches(database)) == 2
    second = "StartTime=2026-03-02 12:00:00\tEndTime=2026-03-02 12:00:00"
    assert (f"DATA QUERY ATTLOG {second}", 0) in pushing.answered
    pushing.sent["ATTLOG"] = 0  # all of it again: nothing is doubtful any more
    asked = len(pushing.answered)
    settle(pushing, clock)
    assert len(punches(database)) == 2
    assert len(pushing.answered) == asked


def test_days_are_counted_and_what_is_missing_is_fetched(
    receiver: str, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    adopt(SN, simulated=True)
    pushing = clock_of(receiver, clock)
    for hour in range(1, 70):
        pushing.memory.punch(str(hour), at=clock.now() - timedelta(hours=70 - hour))
    live(pushing.turn())
    with database.transaction() as conn:  # as if they had never come
        conn.execute("DELETE FROM attendance_record WHERE user_ref::int BETWEEN 20 AND 30")
    assert prove_days(database, clock) == 7
    assert prove_days(database, clock) == 0  # they are being asked
    settle(pushing, clock)
    assert len(punches(database)) == 69
    checks = rows(
        database, "SELECT day, claimed, stored, rounds FROM attendance_check ORDER BY day"
    )
    assert len(checks) == 7
    assert all(check["claimed"] == check["stored"] for check in checks)
    assert {check["rounds"] for check in checks} == {1, 2}
    assert prove_days(database, clock) == 0  # said and done
    clock.advance(timedelta(days=1))
    live(pushing.turn())
    assert prove_days(database, clock) == 1  # and the next day the day before


def test_a_record_that_cant_be_stored_is_not_asked_for_without_end(
    receiver: str, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    adopt(SN, simulated=True)
    pushing = clock_of(receiver, clock)
    yesterday = clock.now() - timedelta(days=1)
    pushing.memory.punch("\u00a0", at=yesterday)  # a user that can't be printed
    pushing.memory.punch("8", at=yesterday)
    live(pushing.turn())
    for _ in range(ROUNDS + 1):
        prove_days(database, clock)
        settle(pushing, clock, turns=8)
    (check,) = rows(
        database, "SELECT claimed, stored, rounds FROM attendance_check WHERE claimed > 0"
    )
    assert check == {"claimed": 2, "stored": 1, "rounds": ROUNDS}
    assert len(rows(database, "SELECT FROM rejected_message")) == 1


ZONES = {  # what each is told in winter, and in summer
    "Europe/Lisbon": ("0", "1"),
    "America/New_York": ("-5", "-4"),
    "Asia/Shanghai": ("8", "8"),
    "Asia/Tehran": ("210", "210"),
    "Asia/Kolkata": ("330", "330"),
    "Asia/Kathmandu": ("345", "345"),
    "America/St_Johns": ("-210", "-150"),
    "Pacific/Kiritimati": ("14", "14"),
}


def test_its_display_shows_its_sites_time_in_winter_and_in_summer(
    receiver: str, adopt: Adopt, clock: ManualClock
) -> None:
    clocks = {}
    for number, zone in enumerate(ZONES):
        adopt(f"CLOCK{number}", zone, simulated=True)
        clocks[zone] = clock_of(receiver, clock, f"CLOCK{number}")
        clocks[zone].memory.drift = timedelta(minutes=-7)
    for season, moment in enumerate((clock.now(), datetime(2026, 7, 1, 12, tzinfo=UTC))):
        clock.set(moment)
        for zone, pushing in clocks.items():
            live(pushing.turn(), pushing.turn())  # a turn brings CHECK, the next one greets anew
            assert pushing.options["TimeZone"] == ZONES[zone][season]
            there = clock.now().astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            assert abs(pushing.memory.local_time() - there) < timedelta(seconds=2)


def test_a_clock_of_no_known_zone_keeps_its_own(
    receiver: str, adopt: Adopt, clock: ManualClock, database: Database
) -> None:
    adopt(SN, simulated=True)
    adopt("MARS001", "Mars/Olympus", simulated=True)
    for serial in (SN, "MARS001"):
        pushing = clock_of(receiver, clock, serial)
        live(pushing.turn())
        assert "TimeZone" not in pushing.options
    assert prove_days(database, clock) == 14  # by UTC's calendar


def test_a_clock_that_cant_count_is_not_asked_again(
    receiver: str, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    adopt(SN, simulated=True)
    pushing = clock_of(receiver, clock)
    live(pushing.turn())
    assert prove_days(database, clock) == 7
    with database.transaction() as conn:
        conn.execute(
            "UPDATE push_command SET sent_at = queued_at, answered_at = queued_at,"
            " return_code = -1002"
        )
    clock.advance(timedelta(hours=7))
    live(pushing.turn())
    assert prove_days(database, clock) == 0


@contextmanager
def away(database: Database, dsn: str) -> Iterator[None]:
    """The database lets nobody in."""
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    server = psycopg.conninfo.make_conninfo(dsn, dbname="postgres")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_while_the_database_is_away_it_is_told_to_come_again_and_nothing_is_lost(
    database: Database, dsn: str, adopt: Adopt, clock: ManualClock
) -> None:
    adopt(SN, simulated=True)
    with listening(database, clock) as receiver:
        pushing = clock_of(receiver, clock)
        pushing.memory.punch("7")
        live(pushing.turn())
        pushing.memory.punch("8")
        with away(database, dsn), pytest.raises(NoAnswerError, match="503 'BUSY'"):
            live(pushing.send_new("ATTLOG"))
        live(pushing.turn())
        assert [punch[0] for punch in punches(database)] == ["7", "8"]
