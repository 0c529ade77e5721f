"""The notification policy: one TOML file, checked whole when it is taken. docs/notifications.md."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.report import Severity

Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A name that the policy gives: of a person, a team, a channel, a route."""

Line = Annotated[str, Field(min_length=1, max_length=200)]
Minutes = Annotated[float, Field(ge=0, le=7 * 24 * 60)]
Occasion = Literal["alert", "batch", "ticket", "assignment", "sla"]

ENGINEER = "engineer"
"""As a recipient: the engineer whose ticket it is, else the one in whose care the site is."""

TEAM, ON_CALL = "team:", "on-call:"
LANGUAGES = {"en": "en", "zh": "zh_Hans_CN", "fa": "fa"}
"""A person's language in the policy, and its catalogue's code."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Part):
    """Where a secret is: the name of a variable of the environment, or of a file."""

    env: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    file: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


class Quiet(_Part):
    """Hours of a person's day in which only what is at least `unless` is told; may span midnight."""

    from_: time = Field(alias="from")
    to: time
    unless: Severity = Severity.CRITICAL


class Person(_Part):
    """Who reads: somebody, or a room of a chat.

    Attributes:
        addresses: by channel; what fills `{address}` in the channel's URL.
        engineer: the key of the engineer who this is, if it is one.
    """

    name: Line
    addresses: dict[Word, Annotated[str, Field(max_length=500)] | Reference]
    language: Literal["en", "zh", "fa"] = "en"
    time_zone: str = "UTC"
    quiet: Quiet | None = None
    engineer: str = ""


class Team(_Part):
    members: Annotated[tuple[Word, ...], Field(min_length=1, max_length=200)]


class Instead(_Part):
    """Days on which somebody else is on call: from the hand-over of one day to that of another."""

    from_: date = Field(alias="from")
    to: date
    who: Word


class OnCall(_Part):
    """Weeks that go round: the first member's begins on `starts` at `hand_over`, local time."""

    members: Annotated[tuple[Word, ...], Field(min_length=1, max_length=200)]
    starts: date
    hand_over: time = time(8)
    time_zone: str = "UTC"
    instead: tuple[Instead, ...] = ()


class Channel(_Part):
    """A way to people: an Apprise URL, with `{address}` where a person's own part belongs."""

    url: Reference


class Step(_Part):
    """One level of escalation, taken when nobody has acknowledged within `after_min`.

    Each recipient is told through the first channel of `by` that there is an address for.
    """

    tell: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    by: Annotated[tuple[Word, ...], Field(min_length=1, max_length=20)]
    after_min: Minutes = 0.0


class Route(_Part):
    """What happens on which occasion. Empty lists match everything; the first match counts."""

    name: Word
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)]
    on: tuple[Occasion, ...] = ("alert", "batch", "ticket", "sla")
    severity: Severity = Severity.INFO
    sites: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    recovery: bool = True


class Webhook(_Part):
    """Somebody's endpoint for CloudEvents. `topics`: beginnings of names; empty: all."""

    url: str | Reference
    secret: Reference
    topics: tuple[str, ...] = ()


class Manager(_Part):
    """An Alertmanager that is sent every alert. `url`: of the server, without `/api/v2`."""

    url: str | Reference
    token: Reference | None = None
    severity: Severity = Severity.WARNING
    resend_s: Annotated[float, Field(ge=5, le=3600)] = 60.0


class Receiver(_Part):
    """What an Alertmanager that sends to us must show, and how its labels name our devices."""

    token: Reference | None = None
    secret: Reference | None = None
    device_label: str = "device"
    component_label: str = "component"


class Policy(_Part):
    """The whole file. `settle_min`: so long a fault must stay away until its end is told."""

    people: dict[Word, Person] = {}
    teams: dict[Word, Team] = {}
    on_call: dict[Word, OnCall] = {}
    channels: dict[Word, Channel] = {}
    routes: Annotated[tuple[Route, ...], Field(max_length=200)] = ()
    webhooks: dict[Word, Webhook] = {}
    alertmanagers: dict[Word, Manager] = {}
    receiver: Receiver | None = None
    settle_min: Minutes = 5.0


NOBODY = Policy()
"""Where no policy is set: nobody is told anything."""
