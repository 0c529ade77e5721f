"""The operation log: what is counted, what is new, and what it is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.operations import event_of
from collectors.zkteco.findings import operations
from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.job import Sighting
from collectors.zkteco.known import Known
from collectors.zkteco.oplog import OperationLog, read_operations
from domain.report import Severity
from simulator.zkteco.records import Operation, operation_bytes, with_length

NOON = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - as a clock shows it
# Distinct, as entries are that carry a time: a clock that writes the same four again is no matter.
logs = st.lists(st.integers(0, 100), unique=True, max_size=30).map(
    lambda codes: [
        operation_bytes(Operation(code, NOON + timedelta(seconds=place)))
        for place, code in enumerate(codes)
    ]
)


def read(entries: list[bytes], known: Known = Known()) -> OperationLog:  # noqa: B008 - frozen
    return read_operations(with_length(b"".join(entries)), known)


def known_after(log: OperationLog) -> Known:
    return Known(operations_length=log.length, operations_end=log.end)


def test_operations_are_counted_by_kind() -> None:
    entries = [operation_bytes(Operation(code, NOON)) for code in (0, 2, 2, 1, 0, 23, 13, 21, 4)]
    log = read(entries)
    assert (log.verify_failed, log.power_ons, log.clears, log.times_set) == (2, 2, 2, 1)


@given(logs, st.data())
def test_only_what_stands_behind_the_known_part_is_fresh(
    entries: list[bytes], data: st.DataObject
) -> None:
    middle = data.draw(st.integers(0, len(entries)))
    dropped = data.draw(st.integers(0, max(0, middle - 4)))  # the oldest, when the log was full
    known = known_after(read(entries[:middle]))
    fresh = read(entries[dropped:], known).fresh
    assert [operation.code for operation in fresh] == [entry[2] for entry in entries[middle:]]


@given(logs, logs)
def test_a_log_that_was_emptied_is_all_fresh(before: list[bytes], after: list[bytes]) -> None:
    known = known_after(read(before))
    others = [bytes([1]) + entry[1:] for entry in after]  # by another operator
    assert len(read(others, known).fresh) == len(after)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(raw: bytes) -> None:
    log = read_operations(raw, Known())
    assert len(log.fresh) * 16 == log.length


def test_an_operation_is_stored_at_its_own_time_and_only_once_it_is_news() -> None:
    entries = [operation_bytes(Operation(0, NOON + timedelta(days=day))) for day in (-40, -20, 0)]
    entries.append(operation_bytes(Operation(3, NOON, values=(55, 0, 0, 0))))
    before = read(entries[:1])
    known = replace(known_after(before), power_ons=1, operations=1)
    target = PollTarget(1, "door-1", "", 1, time_zone="Asia/Tehran", serial="S", known=known)
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    reports = operations(target, seen(read(entries, known)), now)
    assert [(report.at, [event.code for event in report.events]) for report in reports] == [
        (datetime(2026, 2, 10, 8, 30, tzinfo=UTC), ["x.PowerOn"]),
        (datetime(2026, 3, 2, 8, 30, tzinfo=UTC), ["x.PowerOn", "x.TamperAlarm"]),
    ]
    first = replace(target, known=Known())
    assert operations(first, seen(read(entries)), now) == []  # of its past; maybe of another site
    assert operations(replace(target, serial="other"), seen(read(entries, known)), now) == []


@pytest.mark.parametrize(
    ("code", "values", "name", "severity"),
    [
        (1, (), "x.PowerOff", Severity.INFO),
        (3, (55,), "x.TamperAlarm", Severity.ERROR),
        (3, (7,), "x.Alarm", Severity.WARNING),
        (32, (), "x.DuressAlarm", Severity.ERROR),
        (200, (), "200", Severity.INFO),
    ],
)
def test_operations_have_names(
    code: int, values: tuple[int, ...], name: str, severity: Severity
) -> None:
    event = event_of(code, values)
    assert (event.code, event.severity) == (name, severity)
    assert event.raw_code.startswith(str(code))
    assert event.dialect == "oplog"


def seen(log: OperationLog) -> Sighting:
    return Sighting(0.0, 0.0, None, 0.0, "S", 0, 0, 0, 0, 4, operations=log)
