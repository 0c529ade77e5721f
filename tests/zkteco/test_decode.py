"""The decoder against an oracle that goes record by record, and against kept cases."""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.zkteco.columns import decode
from collectors.zkteco.decode import LAYOUTS, AttendanceLog, choose_layout, read_attendance
from collectors.zkteco.known import Known
from domain.attendance import AttendanceRecord, Punch
from simulator.zkteco.records import (
    RecordSize,
    punch_bytes,
    with_length,
)
from simulator.zkteco.wire import decode_time, encode_time

CASES = sorted(Path(__file__).parent.joinpath("cases").glob("*.json"))
IMPOSSIBLE_CODES = [0xFFFF_FFFF, (26 * 372 + 31 + 30) * 86_400]  # beyond 2099; the 31st of February


@dataclass(frozen=True)
class Log:
    """A log as a clock holds it, and the punches in it."""

    size: RecordSize
    punches: Sequence[Punch]

    @property
    def body(self) -> bytes:
        return b"".join(self.record(punch, encode_time(punch.local_time)) for punch in self.punches)

    def record(self, punch: Punch, time_code: int) -> bytes:
        user = punch.user_ref
        return punch_bytes(self.size, int(user), user, punch.status, time_code, punch.punch)

    @property
    def records(self) -> list[AttendanceRecord]:
        seen: Counter[Punch] = Counter()
        numbered = []
        for punch in self.punches:
            seen[punch] += 1
            numbered.append(AttendanceRecord(punch, seen[punch]))
        return numbered


punches = st.builds(
    Punch,
    st.integers(1, 60_000).map(str),
    st.datetimes(datetime(2016, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0)
    ),
    st.sampled_from([0, 1, 2, 3, 4, 15]),
    st.sampled_from([0, 1, 2, 3, 4, 5, 255]),
)
logs = st.builds(
    Log,
    st.sampled_from([8, 16, 40, 49]),
    # Drawn from few punches, so that equal ones occur.
    st.lists(punches, min_size=1, max_size=6).flatmap(
        lambda few: st.lists(st.sampled_from(few), min_size=1, max_size=30)
    ),
)


@given(logs)
def test_every_record_is_read_in_every_layout(log: Log) -> None:
    decoded = read(log)
    assert decoded.layout == str(log.size)
    assert decoded.fresh.records() == log.records
    assert decoded.impossible == b""
    assert decoded.count == len(log.punches)
    assert decoded.verified == sum(punch.status == 1 for punch in log.punches)


@given(logs, st.integers(0, 200))
def test_a_wrong_count_changes_nothing(log: Log, claimed: int) -> None:
    assert read(log, claimed).fresh.records() == log.records


@given(logs, st.data())
def test_a_log_read_in_two_steps_is_the_log_read_at_once(log: Log, data: st.DataObject) -> None:
    middle = data.draw(st.integers(1, len(log.punches)))
    first = read(replace(log, punches=log.punches[:middle]))
    known = Known(layout=first.layout, length=first.length, sha256=first.sha256)
    second = read(log, known=known)
    assert [*first.fresh.records(), *second.fresh.records()] == log.records
    assert second.verified == read(log).verified


@given(logs, st.data())
def test_a_log_that_does_not_begin_as_before_is_read_whole(log: Log, data: st.DataObject) -> None:
    start = data.draw(st.integers(1, len(log.punches)))
    before = read(log)
    known = Known(layout=before.layout, length=before.length, sha256=before.sha256)
    shorter = replace(log, punches=log.punches[start:])
    assert read(shorter, known=known).fresh.records() == shorter.records


@given(logs, st.sampled_from(IMPOSSIBLE_CODES), st.data())
def test_one_impossible_date_costs_one_record(log: Log, code: int, data: st.DataObject) -> None:
    # Two good records to one bad one: where most of a log is broken its layout can't be told.
    log = replace(log, punches=[*log.punches, *log.punches])
    place = data.draw(st.integers(0, len(log.punches)))
    bad = log.record(log.punches[0], code)
    body = log.body[: place * log.size] + bad + log.body[place * log.size :]
    decoded = read_attendance(with_length(body), len(log.punches) + 1, Known(), {})
    assert decoded.impossible == bad
    assert decoded.fresh.records() == log.records


@given(logs, st.binary(min_size=1, max_size=7))
def test_a_torn_end_is_kept(log: Log, torn: bytes) -> None:
    log = replace(log, punches=list(log.punches) * 8)
    raw = with_length(log.body + torn)
    decoded = read_attendance(raw, len(log.punches), Known(), {})
    assert decoded.fresh.records() == log.records
    assert decoded.impossible == torn


@given(st.binary(max_size=400), st.integers(0, 50))
def test_no_bytes_break_it_and_none_are_lost(raw: bytes, claimed: int) -> None:
    decoded = read_attendance(raw, claimed, Known(), {})
    size = int(decoded.layout.split("-")[0]) if decoded.layout else 1
    assert len(decoded.fresh) * size + len(decoded.impossible) == decoded.length


# Bytes as memory may hold them: letters of any script, what is left behind a zero byte, damage.
user_fields = st.one_of(
    st.text("1aé员\x07 ", max_size=6).map(str.encode), st.binary(max_size=24)
).map(lambda text: text[:24])


@given(
    st.lists(
        st.tuples(
            user_fields, st.integers(0, 3), st.sampled_from([0, 700_000_000, *IMPOSSIBLE_CODES])
        ),
        max_size=30,
    )
)
def test_columns_are_what_one_record_after_the_other_gives(
    rows: list[tuple[bytes, int, int]],
) -> None:
    body = b"".join(
        struct.pack("<2x24sBIB8x", user, status, code, 0) for user, status, code in rows
    )
    raw = np.frombuffer(body, LAYOUTS["40"].fields)
    punches, possible = decode(raw, {})
    expected = []
    seen: Counter[Punch] = Counter()
    for user, status, code in rows:
        text = user.split(b"\0", 1)[0].decode("utf-8", "replace")
        if text and text.isprintable() and code not in IMPOSSIBLE_CODES:
            punch = Punch(text, decode_time(code), status, 0)
            seen[punch] += 1
            expected.append(AttendanceRecord(punch, seen[punch]))
    assert punches.of(possible).records() == expected


def test_users_named_by_index_get_their_numbers() -> None:
    moment = datetime(2026, 3, 2, 8)  # noqa: DTZ001
    raw = with_length(punch_bytes(8, 7, "", 1, encode_time(moment), 0))
    (record,) = read_attendance(raw, 1, Known(), {7: "1007"}).fresh.records()
    assert record.punch.user_ref == "1007"


def test_an_empty_log_keeps_the_layout_that_was_known() -> None:
    assert read_attendance(with_length(b""), 0, Known(layout="16"), {}).layout == "16"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_kept_case(case: Path) -> None:
    expected = json.loads(case.read_text())
    raw = case.with_suffix(".bin").read_bytes()
    users = {int(index): number for index, number in expected["users"].items()}
    decoded = read_attendance(raw, expected["claimed"], Known(), users)
    assert decoded.layout == expected["layout"]
    assert [_as_json(record) for record in decoded.fresh.records()] == expected["records"]
    assert decoded.impossible.hex() == expected["impossible"]


def test_there_are_kept_cases() -> None:
    assert len(CASES) >= 10


def read(log: Log, claimed: int | None = None, known: Known = Known()) -> AttendanceLog:  # noqa: B008 - frozen
    count = len(log.punches) if claimed is None else claimed
    return read_attendance(with_length(log.body), count, known, {})


def _as_json(record: AttendanceRecord) -> list[str | int]:
    punch = record.punch
    return [punch.user_ref, punch.local_time.isoformat(), punch.status, punch.punch, record.nth]


def test_the_longest_fit_is_not_taken_for_the_right_one() -> None:
    """Five records of 8 bytes are as long as one of 40."""
    moment = encode_time(datetime(2026, 3, 2, 8))  # noqa: DTZ001
    body = b"".join(punch_bytes(8, uid, "", 1, moment + uid, 0) for uid in range(1, 6))
    assert choose_layout(body, claimed=1) == "8"
