"""The protocol's bodies: golden cases, and whatever else may come over the line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.adms import decode
from collectors.adms.commands import Command, CommandKind
from collectors.adms.fleet import Answers, Errors, Operations, Options, Punches
from collectors.adms.options import time_zone_value
from collectors.adms.reporting import facts_of, gauges_of
from domain.errors import NotAllowedError

CASES = Path(__file__).parent / "cases"
Read = Punches | Operations | Errors | Options | Answers
READERS: dict[str, Callable[[bytes], Read]] = {
    "ATTLOG": lambda body: decode.read_punches(body, "9999"),
    "OPERLOG": lambda body: decode.read_operations(body, ""),
    "ERRORLOG": lambda body: decode.read_errors(body, "9999"),
    "options": decode.read_options,
    "devicecmd": decode.read_answers,
}
bodies = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(
        st.sampled_from(
            [
                b"OPLOG ",
                b"ERRORLOG ",
                b"ErrCode=D03E0001",
                b"USER ",
                b"ID=",
                b"1",
                b"&Return=",
                b"0",
                b"\t",
                b"\n",
                b"\r\n",
                b"2026-03-02 08:00:00",
                b"=",
                b",",
                b"\x00",
                b"\xff",
                b"9" * 30,
            ]
        ),
        max_size=40,
    ).map(b"".join),
)


def plain(value: Any) -> Any:
    """A decoded body as JSON has it."""
    return json.loads(json.dumps(asdict(value), default=_text))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("case", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_golden(case: Path) -> None:
    (body,) = (path for path in CASES.glob(f"{case.stem}.*") if path.suffix != ".json")
    decoded = READERS[body.suffix[1:]](body.read_bytes())
    assert plain(decoded) == json.loads(case.read_text())


@given(st.sampled_from(sorted(READERS)), bodies)
@example("ATTLOG", b"1\t2026-03-02 08:00:00\t" + b"9" * 5000)
@example("devicecmd", b"ID=" + b"9" * 5000 + b"&Return=0")
def test_nothing_crashes_and_no_line_is_dropped(table: str, body: bytes) -> None:
    read: Read = READERS[table](body)
    lines = sum(bool(line.rstrip(b"\r\0").strip()) for line in body.split(b"\n"))
    match read:
        case Punches(records, _, bad):
            assert len(records) + len(bad) == lines
            assert all(record.punch.user_ref.isprintable() for record in records)
            assert len(set(records)) == len(records)
        case Operations(entries, _, others, bad):
            assert len(entries) + len(bad) + others >= lines
        case Errors(events, _, bad):
            assert len(events) + len(bad) == lines
        case Options(values):
            assert len(gauges_of(values)) <= 5
            assert facts_of(values, "SN").serial == "SN"
        case Answers(answers):
            sums = [decode.record_sum(answer.values) for answer in answers]
            assert all(count is None or count >= 0 for count in sums)


@given(st.text(max_size=300))
def test_info_of_any_kind(text: str) -> None:
    info = decode.read_info(text)
    assert set(info) <= set(decode.INFO_KEYS)
    assert all(value >= 0 for value in gauges_of(info).values())


@given(st.integers(-14 * 60, 14 * 60))
def test_a_time_zone_can_be_read_back(minutes: int) -> None:
    """As the clock does: small numbers are hours, others minutes."""
    offset = timedelta(minutes=minutes)
    if 0 < abs(minutes) < 60 and minutes % 60:
        return  # no zone is a part of an hour from UTC
    number = int(time_zone_value(offset))
    assert timedelta(hours=number) == offset if abs(number) <= 24 else number == minutes


def test_commands_are_what_the_protocol_has() -> None:
    window = (datetime(2026, 3, 1), datetime(2026, 3, 1, 23, 59, 59))  # noqa: DTZ001
    span = "StartTime=2026-03-01 00:00:00\tEndTime=2026-03-01 23:59:59"
    assert Command(CommandKind.CHECK).text(7) == "C:7:CHECK"
    assert Command(CommandKind.QUERY, window).text(8) == f"C:8:DATA QUERY ATTLOG {span}"
    assert Command(CommandKind.VERIFY, window).text(9) == f"C:9:VERIFY SUM ATTLOG {span}"
    for kind, wrong in (
        (CommandKind.CHECK, window),
        (CommandKind.QUERY, None),
        (CommandKind.VERIFY, window[::-1]),
    ):
        with pytest.raises(NotAllowedError):
            Command(kind, wrong)
    for word in ("SHELL", "CLEAR LOG", "REBOOT", "PutFile", "UPGRADE", "SET OPTION", "AC_UNLOCK"):
        with pytest.raises(ValueError, match=word):
            CommandKind(word)
