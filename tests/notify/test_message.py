"""Messages read as their readers do: language, calendar, time zone, and where to go."""

from __future__ import annotations

import pytest

from alerts.notify.facts import read_facts
from alerts.notify.message import Messages, Tells
from alerts.notify.policy import Person
from alerts.outbox.web import as_json
from console.i18n.speech import reader
from domain.text import Text
from tests.notify.house import House

MESSAGES = Messages(reader, "https://forecall.example/")


def _written(house: House, language: str, zone: str) -> tuple[str, list[str]]:
    number = house.alert()
    subject = f"alert/{number}"
    with house.database.transaction() as conn:
        facts = read_facts(conn, [subject])[subject]
    person = Person.model_validate(
        {"name": "x", "addresses": {}, "language": language, "time_zone": zone}
    )
    told = MESSAGES.write(Tells.FAULT, facts, person, Text("the SLA"))
    as_json(told)  # it can be stored
    return told["title"], told["body"].splitlines()


def test_in_english(house: House) -> None:
    title, lines = _written(house, "en", "Europe/Berlin")
    assert title == "critical: kiosk-1 · Site – A failure was recorded"
    assert lines == [
        "A failure was recorded",
        "the SLA",
        "Device: kiosk-1",
        "Site: Site (Customer)",
        "Since: 2 Mar 2026, 13:00",
        "What to do first: Ask on site to open the cover, clear the paper path and close it firmly; "
        "print a test page.",
        "https://forecall.example/alerts/1",
    ]


@pytest.mark.parametrize(
    ("language", "zone", "severity", "since"),
    [
        ("zh", "Asia/Shanghai", "严重", "2026年3月2日 20:00"),
        ("fa", "Asia/Tehran", "بحرانی", "۱۱ اسفند ۱۴۰۴، ۱۵:۳۰"),
    ],
)
def test_in_the_readers_language_and_calendar(
    house: House, language: str, zone: str, severity: str, since: str
) -> None:
    title, lines = _written(house, language, zone)
    assert title.startswith(severity)
    assert any(since in line for line in lines)
    assert not any("What to do first" in line for line in lines)
    assert lines[-1] == "https://forecall.example/alerts/1"
