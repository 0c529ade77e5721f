"""No input crashes a decoder, none speaks for another device, and each refusal says why."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collectors.mqtt.contract import JsonContract
from collectors.mqtt.dialect import Dialect
from collectors.mqtt.mapping import MappedJson
from collectors.mqtt.mapping_file import check
from collectors.mqtt.sparkplug import SparkplugB
from domain.clock import ManualClock
from domain.errors import UndecodableMessageError
from domain.report import DeviceReport
from simulator.sparkplug import INT64, Metric, encode
from tests.mqtt.fuzz.hostile import (
    RAW,
    hostile_texts,
    json_bodies,
    json_values,
    levels,
    sparkplug_bodies,
)

NOW = datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
MAPPING = b"""
[[mapping]]
topic = "shops/{site}/{device}"
key = ["site", "device"]
time = "ts"
[[mapping.field]]
path = "a"
gauge = "x.A"
[[mapping.field]]
path = "b.0"
counter = "PaperCutCount"
scale = 1e300
[[mapping.field]]
path = "s"
state = ""
[[mapping.field]]
path = "e"
event = "billAcceptor"
dialect = "id003"
[[mapping.field]]
path = "f"
fact = "model"
"""
often = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.large_base_example]
)


def said(dialect: Dialect, topic: str, body: bytes) -> Sequence[DeviceReport]:
    """What the dialect makes of it; a refusal must say why."""
    assert dialect.speaks(topic) in (True, False)
    try:
        reports = dialect.decode(topic, body, NOW)
    except UndecodableMessageError as refusal:
        reason = str(refusal)
        reports = ()
    else:
        reason = "none"
    assert 3 < len(reason) < 3_000
    for report in reports:
        _is_sound(report)
    return reports


def _is_sound(report: DeviceReport) -> None:
    """Such that the store can take it."""
    values = [*report.counters.values(), *report.gauges.values()]
    assert all(isinstance(value, float | int) and math.isfinite(value) for value in values)
    names = [*report.counters, *report.gauges]
    assert all(0 < len(name) <= 64 and name.isprintable() for name in names)
    facts = report.facts
    texts = [report.device_key, report.contact.detail, report.contact.component]
    texts += [facts.model, facts.firmware, facts.serial] if facts else []
    for event in report.events:
        texts += [event.component, event.code, event.dialect, event.raw_code]
    assert all("\0" not in text and len(text) <= 600 for text in texts)
    assert report.at.tzinfo is not None
    assert report.identity is None or 0 <= report.identity.seq < 2**63


@often
@given(st.lists(levels, max_size=7), json_bodies)
@example(["acme", "site", "till-1", "event"], b"x" * 10_000_000)
def test_the_json_contract(path: list[str], body: bytes) -> None:
    for topic in ("/".join(["v1", *path]), "/".join(path)):
        for report in said(JsonContract(), topic, body):
            assert report.device_key == topic.split("/")[3]


@often
@given(
    st.sampled_from(("state", "heartbeat", "counters", "event")),
    st.dictionaries(
        st.sampled_from(
            [
                *("state", "reason", "component", "code", "severity", "gauges", "counters", "seq"),
                *("ts", "dialect", "raw_code", "will", "interval_s", "model", "boot_id", "schema"),
            ]
        ),
        json_values,
        max_size=4,
    ),
    hostile_texts,
)
def test_wrong_values_in_a_right_body(kind: str, wrong: dict[str, object], text: str) -> None:
    right: dict[str, dict[str, object]] = {
        "state": {"state": "online", "reason": text},
        "heartbeat": {"interval_s": 60, "gauges": {text: 1}},
        "counters": {"counters": {text: 1}},
        "event": {"component": "", "severity": "info", "dialect": "id003", "raw_code": text},
    }
    common = {"schema": 1, "boot_id": "b", "seq": 1, "ts": "2026-03-02T12:00:00Z"}
    body = common | right[kind] | wrong
    for report in said(JsonContract(), f"v1/a/b/till-1/{kind}", json.dumps(body).encode()):
        assert report.device_key == "till-1"


@often
@given(st.lists(levels, max_size=4), json_bodies)
@example(["s", "d"], b"x" * 10_000_000)
def test_mapped_json(path: list[str], body: bytes) -> None:
    dialect = MappedJson(check(MAPPING, "map"))
    topic = "/".join(["shops", *path])
    for report in said(dialect, topic, body):
        assert report.device_key == ",".join(topic.split("/")[1:])


@often
@given(st.dictionaries(st.sampled_from("abcdefs"), json_values, max_size=7))
def test_wrong_values_in_a_mapped_body(values: dict[str, object]) -> None:
    dialect = MappedJson(check(MAPPING, "map"))
    body = json.dumps({"ts": "2026-03-02T12:00:00Z", **values}).encode()
    for report in said(dialect, "shops/s/d", body):
        assert report.device_key == "s,d"


_KINDS = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD", "STATE", "")


@often
@given(
    st.lists(
        st.tuples(
            st.sampled_from(_KINDS),
            st.sampled_from(("n", "m")),
            st.none() | levels,
            sparkplug_bodies,
        ),
        max_size=8,
    )
)
@example([("NBIRTH", "n", None, body) for body in RAW])
def test_sparkplug(messages: list[tuple[str, str, str | None, bytes]]) -> None:
    dialect = SparkplugB(ManualClock(NOW))
    birth = encode([Metric("bdSeq", INT64, 1)], 1_772_452_800_000, 0)
    dialect.decode("spBv1.0/g/NBIRTH/n", birth, NOW)
    for kind, node, device, body in messages:
        topic = f"spBv1.0/g/{kind}/{node}" + ("" if device is None else f"/{device}")
        reports = said(dialect, topic, body)
        if kind == "NDEATH":
            assert all(report.device_key.split("~")[:2] == ["g", node] for report in reports)
            assert all(report.contact.is_will for report in reports)
            continue
        whose = [topic.split("/")[1], *topic.split("/")[3:]]
        for report in reports:
            assert [unquote(level) for level in report.device_key.split("~")] == whose
    dialect.commands()


def _decoders() -> dict[str, Callable[[], Dialect]]:
    return {
        "v1/a/b/c/event": JsonContract,
        "shops/s/d": lambda: MappedJson(check(MAPPING, "map")),
        "spBv1.0/g/NBIRTH/n": lambda: SparkplugB(ManualClock(NOW)),
    }


def test_ten_megabytes_and_other_classics_are_refused_by_every_dialect() -> None:
    for topic, make in _decoders().items():
        for body in RAW:
            assert said(make(), topic, body) == (), (topic, body[:40])
