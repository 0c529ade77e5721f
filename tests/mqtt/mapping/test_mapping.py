"""Mapping files: the documented examples as written, what is refused, and how messages are known again."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.mqtt.mapping import MappedJson, load_mapping
from collectors.mqtt.mapping_file import check
from domain.device import ReportedState
from domain.errors import ConfigurationError, UndecodableMessageError
from domain.report import DeviceFacts, DeviceReport, EventReport, Severity

PAGE = (Path(__file__).parents[3] / "docs" / "mqtt.md").read_text("utf-8")
NOW = datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
FIELD = '[[mapping.field]]\npath = "a"\ngauge = "x.A"\n'
HEAD = '[[mapping]]\ntopic = "shops/{device}"\ntime = "ts"\n'


def documented() -> list[tuple[str, str, str]]:
    """(mapping, topic, body) of each example."""
    return re.findall(r"```toml mapping\n(.*?)```\n```json (\S+)\n(.*?)```", PAGE, re.S)


def mapped(text: str) -> MappedJson:
    return MappedJson(check(text.encode(), "map.toml"))


def told(dialect: MappedJson, topic: str, body: Any, at: datetime = NOW) -> DeviceReport:
    (report,) = dialect.decode(topic, json.dumps(body).encode(), at)
    return report


def test_the_first_example_reads_as_the_page_says(tmp_path: Path) -> None:
    text, topic, body = documented()[0]
    file = tmp_path / "map.toml"
    file.write_text(text, "utf-8")
    dialect = load_mapping(file)
    assert dialect.topic_filters == ("shops/+/+/status",)
    assert dialect.speaks(topic)
    report = told(dialect, topic, json.loads(body))
    assert report.device_key == "till-7"
    assert report.at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert report.counters == {"PaperCutCount": 8710}
    assert report.gauges == {"x.PrintHeadTemperature": pytest.approx(40)}
    assert (report.contact.reported, report.contact.interval_s) == (
        ReportedState.HARDWARE_ERROR,
        120,
    )
    assert report.events == (
        EventReport("receiptPrinter", "paperOut", Severity.ERROR, "upos", "24"),
    )
    assert report.facts == DeviceFacts(firmware="4.2")
    assert report.identity is not None
    assert (report.identity.boot_id, report.identity.seq) == ("a7", 13)


def test_the_second_example_reads_as_the_page_says() -> None:
    text, topic, body = documented()[1]
    report = told(mapped(text), topic, json.loads(body))
    assert report.device_key == "qom,b3"
    assert report.at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert report.counters == {"x.BillAcceptedCount": 30122}
    assert report.gauges == {"x.SupplyVoltage": pytest.approx(11.9)}
    assert report.events == (EventReport("billAcceptor", "doorOpen", Severity.WARNING, "", "open"),)


def test_both_examples_stand_in_one_file() -> None:
    assert len(documented()) == 2
    dialect = mapped("\n".join(text for text, _, _ in documented()))
    assert dialect.topic_filters == ("shops/+/+/status", "gw/+/+")


def test_a_status_that_repeats_is_an_event_when_it_changes() -> None:
    text, topic, body = documented()[1]
    dialect, said = mapped(text), json.loads(body)
    codes = [
        [event.code for event in told(dialect, topic, said | {"door": door}).events]
        for door in ("open", "open", "shut", "shut", "open")
    ]
    assert codes == [["doorOpen"], [], ["doorClosed"], [], ["doorOpen"]]
    assert told(dialect, "gw/qom/b4", said).events != ()  # another device's door


def test_the_same_message_has_the_same_identity_and_another_has_not() -> None:
    dialect = mapped(HEAD + FIELD)
    body = {"ts": "2026-03-02T11:59:59.123Z", "a": 1}
    first = told(dialect, "shops/d", body)
    later = NOW + timedelta(hours=5)
    assert told(dialect, "shops/d", body, later).identity == first.identity
    others = [
        told(dialect, "shops/d", body | {"a": 2}),
        told(dialect, "shops/d", body | {"ts": "2026-03-02T11:59:59.124Z"}),
        told(dialect, "shops/d", body | {"ts": "2026-03-02T12:00:00Z"}),
    ]
    assert len({str(each.identity) for each in [first, *others]}) == 4
    assert all(each.identity and each.identity.seq > 0 for each in others)


def test_without_a_time_of_its_own_every_arrival_counts() -> None:
    dialect = mapped(HEAD.replace('"ts"', '"arrival"') + FIELD)
    first = told(dialect, "shops/d", {"a": 1})
    assert first.at == NOW
    assert told(dialect, "shops/d", {"a": 1}, NOW + timedelta(seconds=1)).identity != first.identity


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "missing required field `mapping`"),
        ("mapping = 3", "Expected `array`"),
        ("a = [", "map.toml"),
        ("\xff", "map.toml"),
        (HEAD + FIELD + "gage = 1", "unknown field `gage` - at `$.mapping[0].field[0]`"),
        (HEAD + FIELD + 'state = ""', "['gauge', 'state']; allowed: exactly one of"),
        (HEAD + '[[mapping.field]]\npath = "a"', "[]; allowed: exactly one of"),
        (HEAD + FIELD + 'unit = "furlong"', ".unit: 'furlong'; allowed: degF"),
        (HEAD + FIELD + 'dialect = "klingon"', ".dialect: 'klingon'; allowed: upos"),
        (HEAD + FIELD + 'values = { on = "yes" }', ".values: 'yes'; allowed: a number"),
        (HEAD + FIELD.replace("x.A", "PaperCutCount"), "PaperCutCount is a counter; not a gauge"),
        (HEAD + FIELD.replace("x.A", "A"), "'A'; allowed: a name of the vocabulary, or x."),
        (
            HEAD + '[[mapping.field]]\npath = "a"\nstate = ""\nvalues = { a = "fine" }',
            ".values: 'fine'; allowed: online",
        ),
        (HEAD.replace("shops/", "v1/") + FIELD, "not v1, spBv1.0"),
        (HEAD.replace("shops/", "{x}/") + FIELD, "a first level of your own"),
        (HEAD.replace("{device}", "a{device}") + FIELD, "level 'a{device}'"),
        (HEAD.replace("{device}", "+") + FIELD, "level '+'"),
        (HEAD.replace("{device}", "{shop}") + FIELD, ".key: ['device']; allowed"),
        (HEAD.replace("shops", "{device}") + FIELD, "a first level of your own"),
        (HEAD + 'seq = "n"\n' + FIELD, ".seq: 'n' with boot None; allowed: both or neither"),
        (HEAD + 'time_zone = "Mars"\n' + FIELD, ".time_zone: 'Mars'"),
        (HEAD + 'time_format = "iso"\n' + FIELD, "Invalid enum value 'iso'"),
        (HEAD + "interval_s = 0\n" + FIELD, ">= 1"),
        (
            HEAD + FIELD + HEAD.replace("{device}", "{shop}") + 'key = ["shop"]\n' + FIELD,
            "match the same topics",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_with_key_value_and_what_is_allowed(
    text: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(text.encode("latin-1"), "map.toml")
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load_mapping(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("topic", "body", "said"),
    [
        ("other/d", "{}", "topic: 'other/d'; allowed: shops/{device}"),
        ("shops/a b", "{}", "topic: device 'a b'"),
        ("shops/", "{}", "topic: device ''"),
        ("shops/d", "{", "body: "),
        ("shops/d", '{"a": 1}', "ts: null; allowed: a time, rfc3339"),
        ("shops/d", '{"ts": "2026-03-02T12:00:00", "a": 1}', "ts: "),
        ("shops/d", '{"ts": "0001-01-01T00:00:00+14:00", "a": 1}', "ts: "),
        ("shops/d", '{"ts": "2026-03-02T12:00:00Z", "a": "b"}', 'a: "b"; allowed: a number'),
        ("shops/d", '{"ts": "2026-03-02T12:00:00Z", "a": [1]}', "a: [1]; allowed: a number"),
        ("shops/d", '{"ts": "2026-03-02T12:00:00Z", "a": "1e999"}', "a finite number"),
        ("shops/d", '{"ts": "2026-03-02T12:00:00Z", "a": %s}' % ("9" * 400), "a: "),
        ("shops/d", '{"ts": "2026-03-02T12:00:00Z"}', "a: missing; it is required"),
    ],
)
def test_a_message_that_does_not_fit_is_refused_with_the_reason(
    topic: str, body: str, said: str
) -> None:
    with pytest.raises(UndecodableMessageError) as caught:
        mapped(HEAD + FIELD + "required = true").decode(topic, body.encode(), NOW)
    assert said in str(caught.value)


def test_times_may_be_numbers() -> None:
    for form, value in (("unix_s", 1772452800.5), ("unix_ms", 1772452800500)):
        report = told(
            mapped(HEAD + f'time_format = "{form}"\n' + FIELD), "shops/d", {"ts": value, "a": 1}
        )
        assert report.at == datetime(2026, 3, 2, 12, 0, 0, 500_000, tzinfo=UTC)
