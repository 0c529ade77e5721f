"""The figures of the service reports against slow and obvious ways to count."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.case import Kind, TicketEvent
from desk.sla.outcomes import Outcome
from domain.device import DeviceState
from domain.errors import ConfigurationError
from domain.fault import CausedBy, Finding, Handling
from domain.text import Text
from kpi.service.availability import read_availability, read_whole
from kpi.service.breaches import waits
from kpi.service.cases import Case, read_cases
from kpi.service.faults import counted, faults_since
from kpi.service.flow import by_origin, flow, heard
from kpi.service.happenings import Batch
from kpi.service.measures import Facts, advice, read_rules, shipped, unlikely
from kpi.service.promises import kept, quantile
from kpi.service.running import Standing, standings
from kpi.service.scope import Whose, whose
from storage.database import Database
from tests.service.seeded import APRIL, HOUR, MARCH, Told, at, found_fleet, states, write

MINUTES = st.integers(0, 40)
ORIGINS = ("prediction", "device", "phone", "portal", "batch")


def case(number: int = 1, **more: Any) -> Case:
    """A fault of k1 that opened with March and was closed an hour later, with what differs."""
    usual: dict[str, Any] = {
        "ticket_id": number,
        "device": "k1",
        "kind": "kiosk",
        "model": "K",
        "firmware": "1.0",
        "site_key": "hall",
        "site": "Great Hall",
        "component": "receiptPrinter",
        "fault_class": "breakdown",
        "handling": Handling.MAINTENANCE,
        "grade": None,
        "origin": "device",
        "severity": "error",
        "opened_at": MARCH,
        "ended_at": MARCH + HOUR,
        "cancelled": False,
        "predicted_at": None,
        "failed_at": MARCH,
        "finding": None,
        "caused_by": None,
        "called_at": None,
        "calls": 0,
        "second_calls": 0,
        "arrived_at": None,
        "repaired_at": None,
        "replaced": False,
        "mended": False,
        "coverage": None,
        "rule": "",
    }
    return Case(**(usual | more))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Opened around the start of a period [20, 40) of minutes, and perhaps ended in it."""
    opened = draw(st.integers(0, 39))
    ended = draw(st.none() | st.integers(max(opened, 20), 39))
    origin = draw(st.sampled_from(ORIGINS))
    return case(
        origin=origin,
        opened_at=MARCH + timedelta(minutes=opened),
        ended_at=None if ended is None else MARCH + timedelta(minutes=ended),
        cancelled=ended is not None and draw(st.booleans()),
        called_at=MARCH if origin in ("phone", "portal") or draw(st.booleans()) else None,
        predicted_at=MARCH if origin == "prediction" else None,
        failed_at=draw(st.sampled_from([None, MARCH])),
        component=draw(st.sampled_from("ab")),
    )


@given(known=st.lists(cases(), max_size=12))
def test_cases_come_and_go_as_a_look_at_every_minute_tells(known: list[Case]) -> None:
    start = MARCH + timedelta(minutes=20)

    def open_at(minute: int) -> int:
        moment = MARCH + timedelta(minutes=minute)
        return sum(
            one.opened_at < moment and (one.ended_at is None or one.ended_at >= moment)
            for one in known
        )

    found = flow(known, start)
    assert (found.open_before, found.open_after) == (open_at(20), open_at(40))
    assert found.open_before + found.opened - found.closed - found.cancelled == found.open_after
    parts = [part for _, part in by_origin(known, start)]
    assert sum(part.opened for part in parts) == found.opened
    assert sum(part.open_after for part in parts) == found.open_after


@given(known=st.lists(cases(), max_size=12))
def test_who_knew_first_and_what_is_a_fault(known: list[Case]) -> None:
    first = called = later = faults = 0
    for one in known:
        faults += not (one.cancelled or (one.predicted_at and not one.failed_at))
        if not one.cancelled:
            if one.origin in ("phone", "portal"):
                called += 1
            else:
                first += 1
                later += one.called_at is not None
    found = heard(known)
    assert (found.first, found.called, found.called_later) == (first, called, later)
    counts = counted(faults_since(known, MARCH), [], lambda each: each.component)
    assert sum(count.now for count in counts) == faults
    assert [count.now for count in counts] == sorted((one.now for one in counts), reverse=True)


@given(values=st.lists(st.floats(0, 1e6), min_size=1), share=st.floats(0.01, 1))
def test_a_quantile_is_exceeded_by_no_more_than_the_rest(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    smaller = [value for value in values if value < found]
    assert len(smaller) < share * len(values) + 1e-9


def outcome(clock: str, target_s: float, used_s: float, plan: str = "p") -> Outcome:
    return Outcome(
        *(1, None, None, None, None, MARCH, False, clock, clock, plan, MARCH, MARCH, MARCH),
        *(used_s <= target_s, target_s, used_s),
    )


def test_each_clock_has_a_row_for_each_time_it_promises() -> None:
    found = kept(
        [
            *(outcome("on_site", 100, used) for used in (10, 20, 120)),
            outcome("on_site", 200, 120),
            outcome("total", 900, 1),
        ]
    )
    rows = [(one.clock, one.target.total_seconds(), one.cases, one.kept) for one in found]
    assert rows == [("on_site", 100, 3, 2), ("on_site", 200, 1, 1), ("total", 900, 1, 1)]
    assert (found[0].median.total_seconds(), found[0].most.total_seconds()) == (20, 120)
    assert found[0].low < found[0].share == 2 / 3 < found[0].high


STATES = ("planned", "waiting_customer", "waiting_part", "on_site")


@given(
    turns=st.lists(st.tuples(MINUTES, st.sampled_from(STATES)), max_size=8),
    ends=st.tuples(MINUTES, MINUTES).map(sorted),
)
def test_waits_are_those_that_every_minute_tells(
    turns: list[tuple[int, str]], ends: list[int]
) -> None:
    events = [
        TicketEvent(
            1, version, MARCH + timedelta(minutes=minute), Kind.MOVED, "test", "", state, {}
        )
        for version, (minute, state) in enumerate(sorted(turns, key=lambda one: one[0]))
    ]
    start, end = (MARCH + timedelta(minutes=minute) for minute in ends)
    expected = 0
    for minute in range(*ends):
        now = MARCH + timedelta(minutes=minute)
        states = [event.to_state for event in events if event.at <= now]
        expected += bool(states) and states[-1].startswith("waiting")
    found = waits(events, start, end)
    assert sum((one.until - one.since for one in found), timedelta()) == timedelta(minutes=expected)
    assert all(start <= one.since < one.until <= end for one in found)


@given(st.data())
def test_a_firmware_is_blamed_by_the_share_of_all_draws_that_are_as_bad(
    data: st.DataObject,
) -> None:
    devices = data.draw(st.integers(1, 7))
    all_bad, drawn = data.draw(st.integers(0, devices)), data.draw(st.integers(1, devices))
    bad = data.draw(st.integers(0, min(drawn, all_bad)))
    draws = [sum(one < all_bad for one in draw) for draw in combinations(range(devices), drawn)]
    expected = sum(count >= bad for count in draws) / len(draws)
    assert unlikely(bad, drawn, all_bad, devices) == pytest.approx(expected)


def standing(number: int, firmware: str = "1.0", kind: str = "kiosk") -> Standing:
    return Standing(number, f"d{number}", kind, "K", firmware, "", "", DeviceState.UP)


def advised(
    faults: list[Case],
    *,
    closed: tuple[Case, ...] = (),
    batches: tuple[Batch, ...] = (),
    devices: tuple[Standing, ...] = (),
    second_calls: int = 0,
) -> list[tuple[str, str, str]]:
    found = advice(Facts(faults, closed, batches, devices, second_calls), shipped())
    return [(one.rule, str(one.measure), str(one.evidence)) for one in found]


def test_each_rule_speaks_from_its_limit_on_and_names_its_evidence() -> None:
    jam: dict[str, Any] = {"fault_class": "degraded", "rule": "event:paperJam"}
    jams = [case(number, device=f"k{number % 2}", **jam) for number in range(3)]
    assert advised(jams[:2]) == []
    [(rule, measure, evidence)] = advised(jams)
    assert (rule, evidence) == ("paper_jams", "3 paper jams on 2 devices")
    assert "receipt printer in K" in measure
    [(rule, measure, _)] = advised([case(number) for number in range(3)])
    assert (rule, measure.split(" as ")[0]) == ("bad_device", "Inspect k1")
    weak = [case(number, device=f"k{number}") for number in range(5)]
    assert [one[0] for one in advised(weak)] == ["weak_part"]
    empty = [case(number, device=f"k{number}", handling=Handling.OPERATOR) for number in range(5)]
    assert [one[0] for one in advised(empty)] == ["supplies"]


def test_what_users_and_surroundings_did_blames_no_part() -> None:
    misused = [case(number, caused_by=CausedBy.USER) for number in range(5)]
    assert advised(misused) == [
        (
            "use",
            "Train those who use the devices, and put short instructions beside them",
            "5 of 5 faults whose cause is known came from their use",
        )
    ]


def test_cases_without_a_fault_batches_and_calls_call_for_their_measures() -> None:
    nothing = tuple(case(number, finding=Finding.NO_FAULT_FOUND) for number in range(3))
    batch = Batch(1, "power", Text("9 went down"), MARCH, None, 9, 7)
    other = Batch(2, "firmware", Text("9 went down"), MARCH, None, 9, 8)
    found = advised([], closed=nothing, batches=(batch, batch, other), second_calls=2)
    assert {rule for rule, _, _ in found} == {"nothing_found", "power_and_network", "second_calls"}


def test_a_firmware_that_fails_more_is_named_with_both_counts() -> None:
    old, new = (
        tuple(standing(number, firmware) for number in numbers)
        for firmware, numbers in (("1.0", range(20)), ("2.0", range(20, 60)))
    )
    faults = [case(number, device=f"d{number}", component=f"c{number}") for number in range(10)]
    [(rule, measure, evidence)] = advised(faults, devices=old + new)
    assert (rule, measure) == ("bad_firmware", "Update firmware 1.0 of K, on a few devices first")
    assert evidence == "10 of 20 devices with it had a fault, 0 of 40 with other firmware"
    everywhere = [
        case(number, device=f"d{number}", component=f"c{number}") for number in range(0, 60, 3)
    ]
    assert advised(everywhere, devices=old + new) == []


def test_a_measure_that_is_not_right_is_named() -> None:
    with pytest.raises(ConfigurationError, match="looks_at"):
        read_rules(
            '[[measure]]\nname="x"\nlooks_at="moon"\nmessage="m"\nmessage_evidence="e"\nfaults=1'
        )
    with pytest.raises(ConfigurationError, match="measures"):
        read_rules("[[measure")


def test_devices_are_counted_by_kind_the_most_first() -> None:
    found = standings([standing(1), standing(2, kind="pos"), standing(3, kind="pos")])
    assert [(one.kind, one.devices, one.up) for one in found] == [("pos", 2, 2), ("kiosk", 1, 1)]


def test_every_cut_of_the_time_sums_to_the_whole(database: Database) -> None:
    """A device that moves between customers counts for each while it stood there."""
    chance, zone = random.Random(7), ZoneInfo("Asia/Tehran")
    with database.transaction() as conn:
        found_fleet(conn)
        for key in ("k1", "k2", "k3", "p1"):
            moments = sorted(at(1, chance.uniform(-100, 800)) for _ in range(12))
            turns = ["up", "down", "unwatched"] * 4
            states(conn, key, *zip(moments, turns, strict=True))
        conn.execute("UPDATE device SET site_id = 2, placed_at = %s WHERE key = 'k2'", [at(11)])
        both = read_availability(conn, Whose(), MARCH, APRIL, zone)
        each = [
            read_availability(conn, whose(conn, key), MARCH, APRIL, zone)
            for key in ("acme", "other")
        ]
        alone = [read_whole(conn, whose(conn, key), MARCH, APRIL) for key in ("acme", "other")]
    for one, same in zip(each, alone, strict=True):
        assert one.whole is not None
        assert same is not None
        assert replace(same, key="", name="") == one.whole
    for name in ("up_s", "down_s", "unwatched_s"):
        for found in (both, *each):
            whole = getattr(found.whole, name)
            for cut in (found.devices, found.sites, [one for _, one in found.days]):
                assert sum(getattr(part, name) for part in cut) == pytest.approx(whole)
        assert sum(getattr(one.whole, name) for one in each) == pytest.approx(
            getattr(both.whole, name)
        )
    assert [len(found.devices) for found in (both, *each)] == [5, 4, 2]


def test_a_case_is_of_the_site_where_its_device_stood_when_it_was_opened(
    database: Database,
) -> None:
    with database.transaction() as conn:
        found_fleet(conn)
        write(conn, Told("k2", at(10)))
        write(conn, Told("k2", at(12), "cardReader"))
        conn.execute("UPDATE device SET site_id = 2, placed_at = %s WHERE key = 'k2'", [at(11)])
        of = {
            key: [one.opened_at for one in read_cases(conn, whose(conn, key), MARCH, APRIL)]
            for key in ("acme", "other")
        }
    assert of == {"acme": [at(10)], "other": [at(12)]}


def test_a_period_that_is_over_is_told_as_it_stood_then(database: Database) -> None:
    """What was closed, failed or was called about afterwards was open then."""
    with database.transaction() as conn:
        found_fleet(conn)
        ended: tuple[tuple[float, str, dict[str, Any]], ...] = ((48, "cancelled", {}),)
        write(conn, Told("k1", at(31), foretold=True, failed=30, moves=ended, calls=(40,)))
        [then] = read_cases(conn, Whose(), MARCH, APRIL)
        [later] = read_cases(conn, Whose(), MARCH, datetime(2026, 5, 1, tzinfo=MARCH.tzinfo))
    assert (then.ended_at, then.cancelled, then.failed_at, then.calls) == (None, False, None, 0)
    assert (later.cancelled, later.failed_at, later.calls) == (True, at(32, 6), 1)
