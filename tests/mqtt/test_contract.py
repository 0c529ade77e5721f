"""docs/mqtt.md, docs/mqtt.schema.json and the decoder say the same."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from collectors.mqtt.contract import decode
from collectors.mqtt.messages import MAX_BODY
from domain.device import ReportedState
from domain.errors import BadInputError, UndecodableMessageError
from domain.report import Contact, DeviceFacts, EventReport, Identity, Severity

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "mqtt.schema.json").read_text(encoding="utf-8"))
KINDS = ("state", "heartbeat", "counters", "event")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

_checker = FormatChecker(formats=())


@_checker.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if isinstance(value, str):
        datetime.fromisoformat(value.upper())
    return True


def schema_accepts(kind: str, body: Any) -> bool:
    schema = {"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}
    return bool(Draft202012Validator(schema, format_checker=_checker).is_valid(body))


def decoder_accepts(kind: str, body: Any) -> bool:
    try:
        decode(f"v1/t/s/d/{kind}", json.dumps(body).encode(), NOW)
    except UndecodableMessageError:
        return False
    return True


def examples() -> list[tuple[str, Any]]:
    text = (DOCS / "mqtt.md").read_text(encoding="utf-8")
    return [
        (kind, json.loads(body))
        for kind, body in re.findall(r"```json (\w+)\n(.*?)```", text, re.S)
    ]


COMMON = {"schema": 1, "boot_id": "b", "seq": 1, "ts": "2026-03-02T12:00:00Z"}
FULL: dict[str, dict[str, Any]] = {
    "state": COMMON | {"state": "online", "reason": "r", "component": "c", "model": "m"},
    "heartbeat": COMMON | {"interval_s": 60, "gauges": {"x.A": -1.5}},
    "counters": COMMON | {"counters": {"A": 0}, "gauges": {"x.A": 1}},
    "event": COMMON | {"component": "", "code": "c", "severity": "info", "raw_code": "45"},
}
TEXTS = ["", "a", "a b", "a\n", "a\0b", "\x7f", "é…", "x" * 64, "x" * 65, "x" * 129, "x" * 257]
NAMES = ["", "a", "a.b", "a b", "a\n", ".a", "é", "x" * 64, "x" * 65]
NOT_OBJECTS: list[Any] = [[], 1, "x", None]
WRONG_TYPES: list[Any] = [None, True, [], {}, 1.5, "1", -1]
VALUES: dict[str, list[Any]] = {
    "schema": [0, 1, 2, "1"],
    "boot_id": [*TEXTS, *WRONG_TYPES],
    "seq": [0, 1, 2**53 - 1, 2**53, 2**64, *WRONG_TYPES],
    "ts": [
        *("2026-03-02T12:00:00", "2026-03-02T12:00:00+03:30", "2026-03-02 12:00:00Z"),
        *("2026-02-30T12:00:00Z", "2026-03-02T25:00:00Z", "2026-03-02T12:00:00.123456Z"),
        *("2026-03-02T12:00Z", "2026-03-02", "yesterday", "2026-03-02T12:00:00Z\n", *WRONG_TYPES),
    ],
    "state": ["online", "hardwareError", "Online", "broken", *WRONG_TYPES],
    "reason": [*TEXTS, *WRONG_TYPES],
    "component": [*NAMES, *WRONG_TYPES],
    "model": [*TEXTS, *WRONG_TYPES],
    "firmware": [*TEXTS, *WRONG_TYPES],
    "serial": [*TEXTS, *WRONG_TYPES],
    "will": [True, False, 1, "true", None],
    "interval_s": [0, 0.5, 1, 60, 0.99, 86_400, 86_401, None, True, [], {}, "1", -1],
    "gauges": [
        {},
        {"a": 1},
        {"a": None},
        {"a": "1"},
        {"a": True},
        {"a b": 1},
        {"": 1},
        [],
        None,
        1,
    ],
    "counters": [{}, {"a": 0}, {"a": -1}, {"a": -0.5}, {".a": 1}, {"a": [1]}, [], None, "x"],
    "code": [*NAMES, *WRONG_TYPES],
    "severity": ["info", "critical", "CRITICAL", "fatal", *WRONG_TYPES],
    "dialect": [*NAMES, *WRONG_TYPES],
    "raw_code": [*TEXTS, *WRONG_TYPES],
    "guages": [{}],
}


def cases() -> list[Any]:
    found = []
    for kind in KINDS:
        for field, values in VALUES.items():
            found += [
                pytest.param(kind, FULL[kind] | {field: v}, id=f"{kind}-{field}-{v!r:.20}")
                for v in values
            ]
        for field in FULL[kind]:
            body = {name: value for name, value in FULL[kind].items() if name != field}
            found.append(pytest.param(kind, body, id=f"{kind}-without-{field}"))
    many = {f"m{number}": 1 for number in range(201)}
    found.append(pytest.param("counters", COMMON | {"counters": many}, id="too-many"))
    will = FULL["state"] | {"will": True}
    found += [pytest.param("state", will | {"seq": seq}, id=f"will-{seq}") for seq in (0, 1)]
    found += [pytest.param("heartbeat", body, id=repr(body)) for body in NOT_OBJECTS]
    return found


@pytest.mark.parametrize(("kind", "body"), cases())
def test_schema_and_decoder_agree(kind: str, body: Any) -> None:
    assert schema_accepts(kind, body) is decoder_accepts(kind, body)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("kind", "body"), examples())
def test_every_example_of_the_docs_is_accepted(kind: str, body: Any) -> None:
    assert schema_accepts(kind, body)
    assert decoder_accepts(kind, body)


def test_the_docs_show_every_kind() -> None:
    assert {kind for kind, _ in examples()} == set(KINDS)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(VALUES)), inner, max_size=6)
        ),
        max_leaves=12,
    ),
    st.sampled_from(KINDS),
)
def test_no_json_breaks_the_decoder(body: Any, kind: str) -> None:
    assert schema_accepts(kind, body) is decoder_accepts(kind, body)


@given(st.binary(max_size=80), st.sampled_from(KINDS))
def test_no_bytes_break_the_decoder(body: bytes, kind: str) -> None:
    with pytest.raises(UndecodableMessageError):
        decode(f"v1/t/s/d/{kind}", body, NOW)


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        ("v1/t/s/d", b"{}", "topic: 'v1/t/s/d'; allowed: v1/tenant/site/device/kind"),
        ("v2/t/s/d/state", b"{}", "topic: 'v2/t/s/d/state'"),
        ("v1/t/s/a b/state", b"{}", "topic: device 'a b'; allowed: 1 to 128"),
        ("v1/t/s/d/mood", b"{}", "kind 'mood'; allowed: state, heartbeat, counters, event"),
        ("v1/t/s/d/state", b" " * (MAX_BODY + 1), "body: 65537 bytes; allowed: at most 65536"),
        ("v1/t/s/d/state", b"{", "body: Input data was truncated; allowed: JSON in UTF-8"),
        ("v1/t/s/d/state", b'{"boot_id": "\xff"}', "allowed: JSON in UTF-8"),
        ("v1/t/s/d/state", b'{"schema": 2, "boot_id": "\xff"}', "schema: Invalid enum value 2"),
        ("v1/t/s/d/state", b"[" * 60_000, "body: "),
    ],
)
def test_a_reason_names_what_is_wrong(topic: str, body: bytes, reason: str) -> None:
    with pytest.raises(UndecodableMessageError) as raised:
        decode(topic, body, NOW)
    assert reason in str(raised.value)
    assert isinstance(raised.value, BadInputError)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("seq", -4, "seq: -4; Expected `int` >= 0"),
        ("seq", 0, "seq: 0; allowed: 0 for the last will, 1 or more for all else"),
        ("ts", "2026-03-02T12:00:00", 'ts: "2026-03-02T12:00:00"; Expected `datetime` with'),
        ("ts", "0001-01-01T00:00:00+05:00", "ts: 0001-01-01 00:00:00+05:00; allowed: the years"),
        ("gauges", {"a": "b"}, "gauges[...]: Expected `float`, got `str`"),
        ("guages", {}, "body: Object contains unknown field `guages`"),
    ],
)
def test_a_reason_names_field_value_and_what_is_allowed(
    field: str, value: Any, reason: str
) -> None:
    body = json.dumps(FULL["heartbeat"] | {field: value}).encode()
    with pytest.raises(UndecodableMessageError) as raised:
        decode("v1/t/s/d/heartbeat", body, NOW)
    assert reason in str(raised.value)


def test_each_kind_becomes_its_report() -> None:
    reports = {
        kind: decode(f"v1/t/s/till-1/{kind}", json.dumps(body).encode(), NOW)
        for kind, body in FULL.items()
    }
    assert {report.device_key for report in reports.values()} == {"till-1"}
    assert {report.identity for report in reports.values()} == {Identity("b", 1)}
    assert reports["state"].contact == Contact(
        reported=ReportedState.ONLINE, detail="r", component="c"
    )
    assert reports["state"].facts == DeviceFacts(model="m", where="v1/t/s/till-1")
    assert reports["heartbeat"].contact == Contact(interval_s=60)
    assert reports["heartbeat"].gauges == {"x.A": -1.5}
    assert reports["counters"].counters == {"A": 0}
    assert reports["counters"].gauges == {"x.A": 1}
    assert reports["event"].events == (EventReport("", "c", Severity.INFO, "", "45"),)
