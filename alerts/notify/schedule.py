"""Who is meant at a moment, and whether they may be told then. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.notify.policy import ENGINEER, ON_CALL, TEAM, OnCall, Person, Policy, Step
from domain.report import Severity

_WEEK = 7


def recipients(policy: Policy, step: Step, at: datetime, engineer: str) -> list[str]:
    """Whom a step tells at a moment: keys of people, each once.

    `engineer`: the key of the engineer in charge, empty when there is none.
    """
    found: dict[str, None] = {}
    for recipient in step.tell:
        found |= dict.fromkeys(_meant(policy, recipient, at, engineer))
    return list(found)


def _meant(policy: Policy, recipient: str, at: datetime, engineer: str) -> Iterator[str]:
    if recipient == ENGINEER:
        yield from (
            key for key, who in policy.people.items() if engineer and who.engineer == engineer
        )
    elif recipient.startswith(TEAM):
        yield from policy.teams[recipient.removeprefix(TEAM)].members
    elif recipient.startswith(ON_CALL):
        yield on_call(policy.on_call[recipient.removeprefix(ON_CALL)], at)
    else:
        yield recipient


def on_call(plan: OnCall, at: datetime) -> str:
    """Who is on call at a moment: weeks go round, by the local clock, and some days differ."""
    local = at.astimezone(ZoneInfo(plan.time_zone))
    day = local.date()
    if local.time() < plan.hand_over:
        day -= timedelta(days=1)
    for each in plan.instead:
        if each.from_ <= day < each.to:
            return each.who
    return plan.members[(day - plan.starts).days // _WEEK % len(plan.members)]


def channel_of(step: Step, person: Person) -> str | None:
    """The first of the step's channels that the person has an address for."""
    return next((channel for channel in step.by if channel in person.addresses), None)


def not_before(person: Person, severity: Severity, at: datetime) -> datetime | None:
    """The end of the person's quiet hours when a moment lies in them; None: tell at once."""
    quiet = person.quiet
    if quiet is None or severity.rank >= quiet.unless.rank or quiet.from_ == quiet.to:
        return None
    zone = ZoneInfo(person.time_zone)
    local = at.astimezone(zone)
    now = local.time()
    spans_midnight = quiet.from_ > quiet.to
    inside = (
        now >= quiet.from_ or now < quiet.to if spans_midnight else quiet.from_ <= now < quiet.to
    )
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if spans_midnight and now >= quiet.from_ else 0)
    return datetime.combine(day, quiet.to, zone).astimezone(UTC)
