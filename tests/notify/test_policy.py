"""The policy's file: what it may say, what is refused and why, and whose turn it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.notify.policy import OnCall, Person, Quiet
from alerts.notify.policy_file import read_policy
from alerts.notify.schedule import not_before, on_call, recipients
from desk.sinks.settings import read_systems
from domain.errors import BadInputError
from domain.report import Severity
from tests.notify.house import PEOPLE, ROUTES

DOCS = Path(__file__).parents[2] / "docs"
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _examples(chapter: str) -> list[str]:
    return [match[1] for match in TOML.finditer((DOCS / chapter).read_text(encoding="utf-8"))]


def test_the_documented_policies_are_taken() -> None:
    _, example, trial = _examples("notifications.md")
    policy = read_policy(example)
    assert [route.name for route in policy.routes] == [
        "serious",
        "kiosks-of-metro",
        "new-work",
    ]
    assert read_policy(trial).people["me"].addresses == {"here": ""}


def test_the_documented_systems_are_taken() -> None:
    _, example = _examples("ticket-systems.md")
    found = read_systems(example)
    assert [system.kind for system in found.systems.values()] == [
        "zammad",
        "glpi",
        "jira",
        "servicenow",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("people = 1", "people: .*dictionary"),
        ("[peopel.li]", "peopel: unknown key"),
        ('[people.li]\nname = "Li"\naddresses = {}\nlanguage = "de"', "people.li.language: .*'de'"),
        (PEOPLE.replace("Asia/Tehran", "Tehran"), "people.sara.time_zone: 'Tehran'; allowed"),
        (
            PEOPLE.replace('"sara", "max"', '"sarah"'),
            "teams.desk: 'sarah'; allowed: one of the people",
        ),
        (PEOPLE.replace('mail = "max', 'sms = "max'), "people.max.addresses: 'sms'; allowed"),
        (
            PEOPLE + ROUTES.replace("team:desk", "team:dsk"),
            "'team:dsk'; allowed: team: and one of desk",
        ),
        (
            PEOPLE + ROUTES.replace('"engineer"', '"boss"'),
            "tell: 'boss'; allowed: engineer, team:NAME",
        ),
        (PEOPLE + ROUTES.replace('by = ["mail"]', 'by = ["chat"]'), "by: .*an address for: mail"),
        (PEOPLE + ROUTES.replace("45", "4"), "after_min: .*each later than the last"),
        (PEOPLE + ROUTES + ROUTES, "routes.name: 'all'; allowed: each name once"),
        ('[channels]\nmail = {url = "mailto://me:secret@x"}', "channels.mail.url: (?!.*secret)"),
        ("[channels]\nmail = {url = {}}", "exactly one of env and file"),
        ('[channels]\nmail = {url = {env = "FORECALL_MAIL"}}', "does not begin with FORECALL_"),
        (
            '[webhooks.x]\nsecret = {env = "S"}\nurl = "file:///etc"',
            "webhooks.x.url: allowed: an addr",
        ),
        ('[webhooks.x]\nsecret = {env = "S"}\nurl = "http://a:b@c"', "url: holds a password"),
        (
            '[webhooks.x]\nsecret = {env = "S"}\nurl = "http://c"\ntopics = ["aler."]',
            "topics: 'aler.'; allowed: the beginning of one of alert.raised",
        ),
        ("[receiver]", "receiver: 'neither token nor secret'"),
        ("settle_min = -1", "settle_min: .*given: '-1'"),
        ("[", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(text: str, why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        read_policy(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[systems.x]\nkind = "trac"\nurl = "http://x"', "systems.x: .*'zammad'"),
        (
            '[systems.x]\nkind = "zammad"\nurl = "x"\ncustomer = "a"\ntoken = {env = "T"}',
            "systems.x.url: allowed: an address",
        ),
        (
            '[systems.x]\nkind = "zammad"\nurl = "http://x"\ncustomer = "a"\ntoken = {}',
            "systems.x.token: .*exactly one of env and file",
        ),
    ],
)
def test_what_is_wrong_with_a_ticket_system_is_named(text: str, why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        read_systems(text)


def _wall(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """What a clock on a wall shows, wherever it hangs."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC).replace(tzinfo=None)


def _plan(**more: object) -> OnCall:
    usual = {"members": ("a", "b", "c"), "starts": "2026-01-05", "time_zone": "Asia/Tehran"}
    return OnCall.model_validate(usual | more)


@given(st.datetimes(_wall(2025, 6, 1), _wall(2027, 6, 1)))
def test_weeks_go_round_by_the_local_clock(naive: datetime) -> None:
    zone = ZoneInfo("Asia/Tehran")
    moment = naive.replace(tzinfo=UTC)
    # Slow and obvious: walk week by week from the first hand-over.
    turn, week = _wall(2026, 1, 5, 8), 0
    local = moment.astimezone(zone).replace(tzinfo=None)
    while local < turn:
        turn, week = turn - timedelta(days=7), week - 1
    while local >= turn + timedelta(days=7):
        turn, week = turn + timedelta(days=7), week + 1
    assert on_call(_plan(), moment) == "abc"[week % 3]


def test_on_some_days_somebody_else_is_on_call() -> None:
    plan = _plan(instead=[{"from": "2026-01-06", "to": "2026-01-08", "who": "c"}])
    zone = ZoneInfo("Asia/Tehran")
    turns = {
        _wall(2026, 1, 6, 7, 59): "a",
        _wall(2026, 1, 6, 8): "c",
        _wall(2026, 1, 8, 7, 59): "c",
        _wall(2026, 1, 8, 8): "a",
    }
    for local, who in turns.items():
        assert on_call(plan, local.replace(tzinfo=zone)) == who


def _sleeper(begin: str, end: str, zone: str) -> Person:
    quiet = Quiet.model_validate({"from": begin, "to": end, "unless": "critical"})
    return Person(name="x", addresses={}, time_zone=zone, quiet=quiet)


@given(
    st.datetimes(_wall(2026, 3, 1), _wall(2026, 4, 15)),
    st.sampled_from([("22:00", "07:00"), ("12:30", "14:00"), ("00:00", "06:00")]),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Asia/Tehran"]),
)
def test_quiet_hours_end_at_their_end_and_only_hold_what_is_in_them(
    naive: datetime, hours: tuple[str, str], zone: str
) -> None:
    person, moment = _sleeper(*hours, zone), naive.replace(tzinfo=UTC)
    local = moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    begin, end = hours
    inside = begin <= local < end if begin < end else local >= begin or local < end
    until = not_before(person, Severity.ERROR, moment)
    assert (until is not None) == inside
    if until is not None:
        assert moment < until <= moment + timedelta(hours=11)
        there = until.astimezone(ZoneInfo(zone)).strftime("%H:%M")
        assert there == end or (zone == "Europe/Berlin" and until.month == 3)  # DST may skip it
    assert not_before(person, Severity.CRITICAL, moment) is None


def test_each_person_once_whatever_they_are_called_by() -> None:
    policy = read_policy(PEOPLE + ROUTES)
    step = (
        policy.routes[0]
        .steps[1]
        .model_copy(update={"tell": ("li", "engineer", "team:desk", "max")})
    )
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert recipients(policy, step, now, "li") == ["li", "sara", "max"]
    assert recipients(policy, step, now, "nobody") == ["li", "sara", "max"]
