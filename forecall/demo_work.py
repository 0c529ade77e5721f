"""How a simulated case was handled: from what happened to the part to the steps of its ticket.

When a part failed and when it worked again is the simulator's truth; who came when in between is invented,
by chance that depends on the device and the moment alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from alerts.desk_port import Heard
from alerts.rules.rule import Subject
from alerts.sign import Sign
from alerts.steps import SYSTEM
from desk.calls import Channel
from desk.case import Kind
from desk.cases import joining
from desk.lifecycle import CancelReason
from desk.past import PastCall, Step
from desk.upkeep import VERIFIED_AFTER
from domain.fault import CausedBy, Finding, Found
from domain.text import Text
from simulator.fleet import Device, Site

_MINUTE = timedelta(minutes=1)
_SERVICE_DESK = "service-desk"
_SPREAD = 0.5  # of the logarithm of what takes time
_LONG = timedelta(hours=4)
_WAITS, _ASKS_AFAR, _CALLS, _CALLS_AGAIN, _LEFT_TO_CLOSE = 0.6, 0.5, 0.3, 0.15, 0.15
_DAY_TRIP = timedelta(hours=10)
_PACKS_MIN = 20.0
_SHOWS_AFTER = (5, 25)  # minutes until it shows that a repair did not hold


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody works. Times are medians, in minutes.

    Attributes:
        answers: from the opening until a plan is made.
        mends: from the arrival to the repair.
        comes_back: share of long cases in which the first repair does not hold.
        says: share of cases on which they say what was found and what caused it.
    """

    answers: float
    mends: float
    comes_back: float
    says: float


_MANNERS: Mapping[str, Manner] = {
    "chen-wei": Manner(8, 40, 0.05, 0.95),
    "liu-yang": Manner(16, 55, 0.2, 0.8),
    "zhang-min": Manner(24, 65, 0.15, 0.75),
    "sara-ahmadi": Manner(10, 45, 0.08, 0.9),
    "reza-karimi": Manner(18, 60, 0.25, 0.7),
    "ana-costa": Manner(30, 50, 0.1, 0.85),
}
_VERIFIED_AFTER_MIN = (20, 200)
_TRAVEL_MIN = {"urban": 35.0, "suburban": 75.0, "other_city": 200.0}


@dataclass(frozen=True, slots=True)
class Kept:
    """A simulated device in the store, and who looks after it."""

    device: Device
    device_id: int
    site: Site
    site_id: int
    engineer_id: int
    engineer_name: str

    @property
    def subject(self) -> Subject:
        return Subject(self.device.kind, self.device.model, self.site.key)


class Work:
    """The steps of one case, in order of time."""

    def __init__(self, kept: Kept, rng: np.random.Generator) -> None:
        self.steps: list[Step] = []
        self.calls: list[PastCall] = []
        self.rng = rng
        self._kept = kept
        self._who = kept.site.engineer
        self._manner = _MANNERS[self._who]
        self._far = kept.site.region_class == "other_city"

    def take_up(self, at: datetime, by: datetime, *, asks: bool = False) -> datetime:
        """Somebody makes a plan after `at`, before `by`, and perhaps looks from afar; returns when."""
        planned = at + min(self._takes(self._manner.answers), 0.3 * (by - at))
        self._move(planned, "plan")
        if asks or self.chance(_ASKS_AFAR):
            self._move(planned, "start_remote_diagnosis")
        return planned

    def visit(self, since: datetime, until: datetime, move: str, *, new: bool = True) -> None:
        """Somebody comes after `since` and takes `move` at `until`; `new`: nobody has a plan yet."""
        planned = self.take_up(since, until) if new else since
        free = until - planned
        arrive = until - min(self._takes(self._manner.mends), 0.4 * free)
        way = self._takes(_TRAVEL_MIN[self._kept.site.region_class])
        set_out = arrive - min(way, 0.8 * (arrive - planned))
        if self._far and free < _DAY_TRIP:  # whoever goes far sets out at once
            set_out = min(set_out, planned + self._takes(_PACKS_MIN))
        sent = planned + 0.7 * (set_out - planned)
        if free > _LONG and self.chance(_WAITS):
            self._move(planned + 0.1 * (sent - planned), "wait_for_customer", _SITE_CLOSED)
            self._move(planned + 0.9 * (sent - planned), "resume")
        self._move(sent, "dispatch")
        self._move(set_out, "set_out")
        self._move(arrive, "arrive")
        self._move(until, move)

    def visits(
        self, sign: Sign | None, since: datetime, until: datetime, move: str, *, new: bool
    ) -> bool:
        """As `visit`; now and then a first repair does not hold: returns whether that was so."""
        long = sign is not None and until - since > _LONG
        slip = long and self.chance(self._manner.comes_back)
        if slip and sign is not None:
            first = since + 0.45 * (until - since)
            self.visit(since, first, "repair", new=new)
            since = first + self.between(*_SHOWS_AFTER) * _MINUTE
            self.fail(sign, since)
            self._add(since, Kind.MOVED, SYSTEM, {}, "fail_again")
        self.visit(since, until, move, new=new or slip)
        return slip

    def from_afar(self, since: datetime, until: datetime, *, new: bool = True) -> None:
        """Somebody tells those on site what to do; it is done at `until`."""
        if new:
            self.take_up(since, until, asks=True)
        self._move(until, "repair")

    def watch(self, since: datetime, until: datetime) -> None:
        """It works again at `until` by itself; somebody asks why, if there is time."""
        if until - since > 2 * self._manner.answers * _MINUTE:
            planned = self.take_up(since, until, asks=True)
            if self.chance(_WAITS):
                self._move(planned + 0.2 * (until - planned), "wait_for_customer", _NETWORK_OUT)
        self._add(until, Kind.MOVED, SYSTEM, {}, "restore")

    def note(self, at: datetime, message: Text) -> None:
        self._add(at, Kind.NOTE, SYSTEM, {"message": message.to_json()})

    def fail(self, sign: Sign, at: datetime) -> None:
        """The failure comes, or comes back, and is heard of."""
        broke = Heard(0, sign, broke=True)
        self._add(at, Kind.FAILED, SYSTEM, joining(broke, at) | {"alert_id": None})

    def found(self, at: datetime, finding: Finding | None, cause: CausedBy) -> None:
        """Now and then nobody says what a visit has found; a network that was away shows by itself."""
        if finding is None or self.chance(self._manner.says):
            self._add(at, Kind.FOUND, self._who, Found(finding, cause).to_json())

    def called(self, at: datetime, until: datetime, words: str, *, first: bool = False) -> None:
        """Some customers call about it between two moments, and some of them again."""
        if first or self.chance(_CALLS):
            self._call(at if first else at + 0.4 * (until - at), words)
            if self.chance(_CALLS_AGAIN):
                self._call(at + 0.75 * (until - at), _STILL)

    def end(self, at: datetime, limit: datetime) -> None:
        """Verified and closed after `at`, before `limit`: by who did it, or by time alone."""
        self._add(at, Kind.RETURNED, SYSTEM, {"since": at.isoformat()})
        alone = limit - at > VERIFIED_AFTER and self.chance(_LEFT_TO_CLOSE)
        who = SYSTEM if alone else self._who
        asked = self.between(*_VERIFIED_AFTER_MIN) * _MINUTE
        verified = at + (VERIFIED_AFTER if alone else min(asked, 0.8 * (limit - at)))
        self._add(verified, Kind.MOVED, who, {}, "verify")
        self._add(verified, Kind.MOVED, who, {}, "close")

    def cancel(self, at: datetime) -> None:
        """It was foretold and did not come."""
        self._add(at, Kind.MOVED, SYSTEM, {"reason": CancelReason.FALSE_ALARM}, "cancel")

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def _takes(self, minutes: float) -> timedelta:
        return float(self.rng.lognormal(np.log(minutes), _SPREAD)) * _MINUTE

    def _call(self, at: datetime, words: str) -> None:
        self.calls.append(PastCall(at, Channel.PHONE, words, self._kept.site_id, _SERVICE_DESK))

    def _move(self, at: datetime, name: str, note: str = "") -> None:
        self._add(at, Kind.MOVED, self._who, {"note": note} if note else {}, name)

    def _add(
        self, at: datetime, kind: Kind, actor: str, data: Mapping[str, Any], move: str = ""
    ) -> None:
        self.steps.append(Step(at, kind, actor, data, move))


_NETWORK_OUT = "Nothing of the site's network answers; its people look after it."
_SITE_CLOSED = "The site is closed until the morning."
_STILL = "It still does not work. When does somebody come?"
