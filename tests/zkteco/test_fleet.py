"""Claiming with leases, and settling what polls brought."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.zkteco.fleet import Answer, Outcome, PollTarget, Unanswered
from collectors.zkteco.job import Failure
from collectors.zkteco.reporting import answered, failed
from collectors.zkteco.session import poll
from domain.clock import ManualClock
from domain.device import Cause
from pipeline.clock_fleet import LEASE_WALL_S, ClaimedClocks
from pipeline.ingest import Ingest
from simulator.zkteco.clock import EmulatedClock, Make
from storage.database import Database
from tests.zkteco.conftest import Register, Serve

LEASE = timedelta(seconds=LEASE_WALL_S)
TIMED_OUT = Failure("timeout", "nobody answers")


@pytest.fixture
def fleet(database: Database, clock: ManualClock) -> ClaimedClocks:
    return ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))


@pytest.fixture
def other_fleet(database: Database, clock: ManualClock) -> ClaimedClocks:
    return ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))


def ask(target: PollTarget, clock: ManualClock) -> Outcome:
    """A poll of the served clock, as the collector turns it into an outcome."""
    return answered(target, poll(target, timeout_s=3), clock.now(), clock.now())


def poll_once(fleet: ClaimedClocks, clock: ManualClock) -> Outcome:
    """Claims the only due clock, polls and settles it."""
    (target,) = fleet.claim(9, 9)
    outcome = ask(target, clock)
    assert fleet.settle([outcome]) == 1
    return outcome


def rows(database: Database, query: str) -> list[dict[str, Any]]:
    with database.transaction() as conn:
        return conn.execute(query.encode()).fetchall()


def punches(database: Database) -> list[tuple[Any, ...]]:
    found = rows(
        database, "SELECT user_ref, local_time, nth FROM attendance_record ORDER BY 2, 1, 3"
    )
    return [tuple(row.values()) for row in found]


def events(database: Database) -> list[tuple[str, str]]:
    found = rows(database, "SELECT code, severity FROM device_event ORDER BY at, code")
    return [(row["code"], row["severity"]) for row in found]


def enter_many(database: Database, clock: ManualClock, count: int) -> None:
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO device (key, kind) SELECT 'door-' || n, 'clock'"
            " FROM generate_series(1, %s) AS n",
            [count],
        )
        conn.execute(
            "INSERT INTO clock_poll (device_id, host, port, next_poll_at)"
            " SELECT id, '127.0.0.1', 4370, %s FROM device",
            [clock.now()],
        )


def test_no_clock_is_claimed_twice(database: Database, clock: ManualClock) -> None:
    enter_many(database, clock, 200)

    def claim_all(_: int) -> list[int]:
        fleet = ClaimedClocks(database, clock, Ingest(database, clock, "zkteco"))
        claimed: list[int] = []
        while targets := fleet.claim(7, 7):
            claimed += [target.device_id for target in targets]
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(claim_all, range(4)))
    claimed = [device for claim in claims for device in claim]
    assert len(claimed) == len(set(claimed)) == 200


def test_the_longest_due_comes_first_and_nothing_before_its_time(
    fleet: ClaimedClocks, database: Database, clock: ManualClock
) -> None:
    enter_many(database, clock, 3)
    with database.transaction() as conn:
        conn.execute(
            "UPDATE clock_poll SET next_poll_at = next_poll_at - device_id * '1 s'::interval"
        )
        conn.execute(
            "UPDATE clock_poll SET next_poll_at = %s WHERE device_id = 2",
            [clock.now() + timedelta(seconds=1)],
        )
    assert [target.device_id for target in fleet.claim(1, 1)] == [3]
    assert [target.device_id for target in fleet.claim(9, 9)] == [1]


def test_a_lease_that_ran_out_is_taken_over(
    fleet: ClaimedClocks,
    other_fleet: ClaimedClocks,
    database: Database,
    clock: ManualClock,
) -> None:
    enter_many(database, clock, 1)
    (target,) = fleet.claim(1, 1)
    clock.advance(LEASE - timedelta(seconds=1))
    assert other_fleet.claim(1, 1) == []
    clock.advance(timedelta(seconds=1))
    assert len(other_fleet.claim(1, 1)) == 1
    assert fleet.settle([failed(target, TIMED_OUT, clock.now(), clock.now())]) == 0
    assert rows(database, "SELECT failures FROM clock_poll") == [{"failures": 0}]


def test_leases_given_back_are_free(
    fleet: ClaimedClocks, other_fleet: ClaimedClocks, database: Database, clock: ManualClock
) -> None:
    enter_many(database, clock, 3)
    assert len(fleet.claim(2, 2)) == 2
    assert len(other_fleet.claim(9, 9)) == 1
    fleet.release()
    assert len(fleet.claim(9, 9)) == 2


def test_a_clock_is_down_after_its_second_failure_since_the_first(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    register("door-1", serve(device))
    poll_once(fleet, clock)
    pauses = []
    fell = clock.now() + timedelta(seconds=400)
    clock.set(fell)
    for _ in range(8):
        (target,) = fleet.claim(1, 1)
        began = clock.now()
        clock.advance(timedelta(seconds=5))
        outcome = failed(target, TIMED_OUT, began, clock.now())
        assert fleet.settle([outcome]) == 1
        pauses.append((outcome.next_poll_at - clock.now()) / timedelta(seconds=target.interval_s))
        clock.set(outcome.next_poll_at)
    # A fifth of the interval, then longer; each a little off, so that clocks drift apart.
    assert pauses == pytest.approx([0.2, 1, 2, 2, 2, 2, 2, 2], rel=0.06)
    (down,) = rows(database, "SELECT * FROM device_transition WHERE to_state = 'down'")
    assert (down["at"], down["cause"], down["detail"]) == (fell, Cause.POLL_FAILED, "timeout")
    (status,) = rows(database, "SELECT failures, failing_since, errors, last_error FROM clock_poll")
    assert status == {
        "failures": 8,
        "failing_since": fell,
        "errors": 8,
        "last_error": "timeout: nobody answers",
    }
    poll_once(fleet, clock)
    (status,) = rows(database, "SELECT failures, failing_since, errors, last_error FROM clock_poll")
    assert status == {"failures": 0, "failing_since": None, "errors": 8, "last_error": ""}
    assert rows(database, "SELECT state FROM device_status") == [{"state": "up"}]


def test_one_failure_alone_changes_nothing(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    register("door-1", serve(EmulatedClock("SN1", clock)))
    clock.set(poll_once(fleet, clock).next_poll_at)
    (target,) = fleet.claim(1, 1)
    outcome = failed(target, TIMED_OUT, clock.now(), clock.now())
    fleet.settle([outcome])
    clock.set(outcome.next_poll_at)
    poll_once(fleet, clock)
    assert rows(database, "SELECT to_state FROM device_transition") == [{"to_state": "up"}]


def test_equal_punches_are_kept_and_read_again_add_nothing(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    for user_ref in ("7", "7", "8", "7"):
        device.punch(user_ref)
    register("door-1", serve(device))
    clock.set(poll_once(fleet, clock).next_poll_at)
    local = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - as the clock wrote it
    expected = [("7", local, 1), ("7", local, 2), ("7", local, 3), ("8", local, 1)]
    assert punches(database) == expected
    with database.transaction() as conn:  # as if nothing were known of its log
        conn.execute("UPDATE clock_poll SET known = '{}', log_read_at = NULL")
    outcome = poll_once(fleet, clock)
    assert isinstance(outcome.result, Answer)
    assert outcome.result.log is not None
    assert len(outcome.result.log.fresh) == 4
    assert punches(database) == expected


def test_only_what_is_new_is_brought(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("7")
    device.punch("7")
    register("door-1", serve(device))
    clock.set(poll_once(fleet, clock).next_poll_at)
    device.punch("7", at=clock.now())
    device.punch("7", at=datetime(2026, 3, 2, 12, tzinfo=UTC))
    outcome = poll_once(fleet, clock)
    assert isinstance(outcome.result, Answer)
    assert outcome.result.log is not None
    assert outcome.result.log.fresh.nth.tolist() == [1, 3]
    assert len(punches(database)) == 4


def test_a_punch_is_stored_in_the_sites_time(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("7")
    _stand_in(database, register("door-1", serve(device)), "Asia/Tehran")
    outcome = poll_once(fleet, clock)
    (row,) = rows(database, "SELECT at, local_time FROM attendance_record")
    assert row["local_time"] == datetime(2026, 3, 2, 12)  # noqa: DTZ001
    assert row["at"] == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    assert outcome.result.report is not None
    drift = outcome.result.report.gauges["x.ClockDrift"]
    assert drift == -3.5 * 3600 + 0.5  # it shows UTC in Tehran


def test_an_unknown_time_zone_is_taken_for_utc(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    _stand_in(database, register("door-1", serve(EmulatedClock("SN1", clock))), "Mars/Olympus")
    assert [target.time_zone for target in fleet.claim(1, 1)] == ["UTC"]


def test_an_impossible_date_is_put_aside_and_costs_no_other_record(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("1")
    device.record("2", 1, 0xFFFF_FFFF, 0)
    device.punch("3")
    server = serve(device)
    register("door-1", server)
    poll_once(fleet, clock)
    assert [punch[0] for punch in punches(database)] == ["1", "3"]
    (rejected,) = rows(database, "SELECT * FROM rejected_message")
    assert bytes(rejected["body"]) == device.attendance_log[40:80]
    assert rejected["source"] == f"127.0.0.1:{server.port} SN1"
    device.punch("4")
    clock.advance(timedelta(hours=1))
    poll_once(fleet, clock)
    assert len(rows(database, "SELECT FROM rejected_message")) == 1


def test_another_clock_at_the_address_is_said_once_and_its_log_read_whole(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    device.punch("1")
    register("door-1", serve(device))
    clock.set(poll_once(fleet, clock).next_poll_at)
    device.serial = "SN2"
    clock.set(poll_once(fleet, clock).next_poll_at)
    poll_once(fleet, clock)
    assert events(database) == [("x.SerialChanged", "error")]
    found = rows(database, "SELECT serial FROM attendance_record ORDER BY serial")
    assert [row["serial"] for row in found] == ["SN1", "SN2"]


def test_a_log_that_shrinks_is_an_error_unless_somebody_emptied_it(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock)
    register("door-1", serve(device))

    def reset() -> None:
        device.attendance_log.clear()
        device.operation_log.clear()

    for shrink in (device.clear_records, reset, device.attendance_log.clear):
        for _ in range(5):
            device.punch("1")
        clock.set(poll_once(fleet, clock).next_poll_at)
        shrink()
        clock.set(poll_once(fleet, clock).next_poll_at)
    assert events(database) == [
        ("x.RecordsDeleted", "info"),  # as its operation log says
        ("x.RecordsCleared", "info"),
        ("x.RecordsCleared", "info"),
        ("x.RecordsFell", "error"),
    ]


def test_a_full_log_that_overwrites_is_read_every_hour(
    fleet: ClaimedClocks, database: Database, clock: ManualClock, serve: Serve, register: Register
) -> None:
    device = EmulatedClock("SN1", clock, make=Make(record_capacity=3, overwrites=True))
    for user_ref in ("1", "2", "3"):
        device.punch(user_ref)
    register("door-1", serve(device))
    clock.set(poll_once(fleet, clock).next_poll_at)
    device.punch("4")
    poll_once(fleet, clock)
    assert len(punches(database)) == 3
    clock.advance(timedelta(hours=1))
    poll_once(fleet, clock)
    assert [punch[0] for punch in punches(database)] == ["1", "2", "3", "4"]


def test_polls_that_fell_together_drift_apart(clock: ManualClock) -> None:
    targets = [PollTarget(device, "", "", 1) for device in range(1, 101)]
    due = {failed(target, TIMED_OUT, clock.now(), clock.now()).next_poll_at for target in targets}
    assert len(due) == 100


def test_a_failure_says_when_it_began(clock: ManualClock) -> None:
    began = clock.now() - timedelta(seconds=20)
    outcome = failed(PollTarget(1, "", "", 1), TIMED_OUT, began, clock.now())
    assert isinstance(outcome.result, Unanswered)
    assert (outcome.result.at, outcome.result.report) == (began, None)


def _stand_in(database: Database, device_id: int, time_zone: str) -> None:
    with database.transaction() as conn:
        conn.execute("INSERT INTO customer (key, name) VALUES ('c', 'C')")
        conn.execute(
            "INSERT INTO site (key, name, customer_id, time_zone) VALUES ('s', 'S', 1, %s)",
            [time_zone],
        )
        conn.execute("UPDATE device SET site_id = 1 WHERE id = %s", [device_id])


def test_a_sites_limit_holds_for_all_pollers_together(
    fleet: ClaimedClocks, other_fleet: ClaimedClocks, database: Database, clock: ManualClock
) -> None:
    enter_many(database, clock, 40)
    _site(database, [range(1, 21), range(21, 39)], limit=3)  # the last two stand nowhere
    claimed: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            claims = pool.map(lambda each: each.claim(4, 4), (fleet, other_fleet))
            claimed += [target.device_id for claim in claims for target in claim]
    assert sorted(claimed) == [1, 2, 3, 21, 22, 23, 39, 40]
    freed = PollTarget(2, "door-2", "", 1)
    owner = fleet if fleet.settle([_answerless(freed, clock)]) else other_fleet
    if owner is other_fleet:
        assert other_fleet.settle([_answerless(freed, clock)]) == 1
    assert [target.device_id for target in fleet.claim(9, 9)] == [4]


def test_clocks_that_failed_leave_room_for_others(
    fleet: ClaimedClocks, database: Database, clock: ManualClock
) -> None:
    enter_many(database, clock, 10)
    with database.transaction() as conn:
        conn.execute("UPDATE clock_poll SET failures = 1 WHERE device_id <= 5")
        conn.execute(
            "UPDATE clock_poll SET next_poll_at = next_poll_at - interval '1 h' / device_id"
        )
    assert sorted(target.device_id for target in fleet.claim(4, 1)) == [1, 6, 7, 8]
    assert [target.device_id for target in fleet.claim(9, 0)] == [9, 10]


def _answerless(target: PollTarget, clock: ManualClock) -> Outcome:
    return failed(target, TIMED_OUT, clock.now(), clock.now())


def _site(database: Database, sites: Sequence[range], limit: int) -> None:
    with database.transaction() as conn:
        conn.execute("INSERT INTO customer (key, name) VALUES ('c', 'C')")
        for number, devices in enumerate(sites, 1):
            conn.execute(
                "INSERT INTO site (key, name, customer_id, poll_limit) VALUES (%s, 'S', 1, %s)",
                [f"s{number}", limit],
            )
            conn.execute(
                "UPDATE device SET site_id = %s WHERE id = ANY(%s)", [number, list(devices)]
            )
        # The longest due of each site first.
        conn.execute(
            "UPDATE clock_poll SET next_poll_at = next_poll_at - (50 - device_id) * interval '1 s'"
        )
