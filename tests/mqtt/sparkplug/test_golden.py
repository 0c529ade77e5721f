"""Recorded payloads, made by Google's protobuf from the specification's schema, and what they say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from collectors.mqtt.sparkplug import SparkplugB
from collectors.mqtt.sparkplug_wire import rebirth_request
from domain.clock import ManualClock

CASES = Path(__file__).parents[1] / "cases" / "sparkplug"
RECEIVED = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)


def test_a_recorded_session_says_what_is_written_beside_it() -> None:
    dialect = SparkplugB(ManualClock(RECEIVED))
    cases = sorted(CASES.glob("*.hex"))
    assert len(cases) == 8
    for case in cases:
        topic, _, body = case.read_text("utf-8").partition("\n")
        reports = dialect.decode(topic, bytes.fromhex(body), RECEIVED)
        expected = json.loads(case.with_suffix(".json").read_text("utf-8"))
        assert [json.loads(msgspec.json.encode(_plain(report))) for report in reports] == expected


def _plain(report: object) -> object:
    return msgspec.to_builtins(report, enc_hook=dict)


def test_a_rebirth_request_has_the_bytes_that_protobuf_makes_of_it() -> None:
    assert rebirth_request(1772452800000).hex() == (
        "0880ccadf3ca33121a0a144e6f646520436f6e74726f6c2f52656269727468200b7001"
    )
