"""The cases that the simulated past would have had at the desk: what failed, was foretold, or fell silent.

Each follows from the simulator's truth, through the shipped alert rules: a failure's case opens when the
rules would have heard of it and is repaired when the part was. A failure is foretold only where its signs
had become visible by then. What is not over at the end of the past has no case: it is the live desk's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.identity import OpenAlert, Pending, down_sign, event_sign
from alerts.rules import shipped
from alerts.sign import Origin, Sign
from alerts.steps import SYSTEM
from desk.calls import TITLE, Channel, fault_called
from desk.cases import TICKET_ORIGIN, advice, told
from desk.ledger import Opening
from desk.past import PastCase
from domain.device import Cause, DeviceKind, DeviceState
from domain.fault import CausedBy, Fault, FaultClass, Finding
from domain.report import Severity
from domain.text import N_, Text
from forecall.demo_work import Kept, Work
from simulator import stories
from simulator.evidence import visible_from
from simulator.history import Spell
from simulator.lives import usage_of
from simulator.signals import failure_code
from simulator.wear import CURVE, Life, Rise, seeded

_HORIZON = timedelta(hours=24)
_LEAST_LEAD = timedelta(hours=2)
_LEAST_REST = timedelta(minutes=15)  # from a repair to the end of the case
_HEARD_AFTER = timedelta(seconds=20)
_FORETOLD = 0.3  # of the failures that could be; of those that a planned repair prevented, all
_FALSE_ALARMS = 0.35  # of what showed and subsided
_PLANNED = "replaced"
"""The service that prevented a failure."""

_REPLACED = 0.7  # of parts that wore out; the others are repaired
_NOTICED = 0.3  # of the time that a part is broken passes until somebody calls about it
_SURE, _UNSURE = (0.5, 0.95), (0.35, 0.7)  # what predictions say, of near and of distant failures
_MENDED_AFAR = frozenset({stories.NETWORK, stories.FIRMWARE, stories.SUPPLY})
_RENEWED = frozenset({stories.SHOCK, stories.POWER_CUT, stories.DRIFT, stories.SILENT})
_CAUSES: Mapping[str, CausedBy] = {
    stories.MISUSE: CausedBy.USER,
    stories.SUPPLY: CausedBy.USER,
    stories.NETWORK: CausedBy.OUTSIDE,
    stories.POWER_CUT: CausedBy.OUTSIDE,
}
"""What drove the time of a case, by the story of its failure; of all others it was the device."""

_INVENTED = N_("Simulated: this case belongs to the demo's invented past")
_KEEPER = N_("{name} looks after this site and is on shift")
_WORDS = {
    "receiptPrinter": "The printer does not print any more.",
    "billAcceptor": "It takes no bills.",
    "cardReader": "Cards are not read.",
    "fingerprintSensor": "It does not know our fingers any more.",
    "realTimeClock": "The time on the clock is wrong.",
}
_DEAD = "The device is dead; the screen stays dark."


@dataclass(frozen=True, slots=True)
class _Happening:
    """What becomes a case.

    Attributes:
        begin, until: from the opening to the repair.
        sign: what it is heard by when it fails; None: by a call, or it does not fail.
        rise: None: nothing was heard of a device that was in order.
        foretold: a prediction opens the case.
    """

    fault: Fault
    begin: datetime
    until: datetime
    sign: Sign | None
    rise: Rise | None = None
    foretold: bool = False


def cases_of(
    kept: Kept, life: Life, spells: Sequence[Spell], start: datetime, end: datetime
) -> Iterator[PastCase]:
    """The cases of a device that began and ended between `start` and `end`."""
    found = [*_of_rises(kept, life.rises), *_of_spells(kept, life, spells)]
    within = [one for one in found if start <= one.begin and one.until + _LEAST_REST < end]
    for one, limit in _apart(sorted(within, key=lambda one: one.begin), end):
        yield _Telling(kept, one, limit - _HEARD_AFTER).case()


def _apart(found: Sequence[_Happening], end: datetime) -> Iterator[tuple[_Happening, datetime]]:
    """Of each fault one case at a time, the earlier one first; with by when it has to be closed."""
    over: dict[Fault, datetime] = {}
    for place, one in enumerate(found):
        if one.begin < over.get(one.fault, one.begin):
            continue
        over[one.fault] = one.until + _LEAST_REST
        later = (other.begin for other in found[place + 1 :] if other.fault == one.fault)
        yield one, min((at for at in later if at >= over[one.fault]), default=end)


def _of_rises(kept: Kept, rises: Iterable[Rise]) -> Iterator[_Happening]:
    for rise in rises:
        told_at = _foretold_at(kept, rise)
        breakdown = Fault(kept.device_id, rise.component, FaultClass.BREAKDOWN)
        if rise.fails:
            yield _failure(kept, rise, told_at)
        elif told_at is not None:
            yield _Happening(breakdown, told_at, rise.peak, None, rise, foretold=True)


def _failure(kept: Kept, rise: Rise, told_at: datetime | None) -> _Happening:
    sign = _sign(kept, rise, foretold=told_at is not None)
    if sign is not None:
        begin = rise.peak + _HEARD_AFTER if told_at is None else told_at
        return _Happening(sign.fault, begin, rise.end, sign, rise, told_at is not None)
    fault = fault_called(kept.device_id, rise.component)
    begin = rise.peak + _NOTICED * (rise.end - rise.peak)
    return _Happening(fault, begin, rise.end, None, rise)


def _of_spells(kept: Kept, life: Life, spells: Iterable[Spell]) -> Iterator[_Happening]:
    """The silences of a device that was in order, and had its power."""
    explained = {rise.peak for rise in life.halts()}
    explained |= {outage.start for outage in life.outages if outage.power}
    for spell in spells:
        if spell.start not in explained:
            sign = _down(kept, spell.start, spell.cause, spell.detail)
            yield _Happening(sign.fault, spell.start + _HEARD_AFTER, spell.end, sign)


def _foretold_at(kept: Kept, rise: Rise) -> datetime | None:
    """When a prediction speaks of a rise: not before it shows, and not a day before its failure."""
    if rise.story == stories.SUPPLY:
        return None  # that is a matter of counting, not of models
    rng = seeded(kept.device.key, f"foretold {rise.component} {rise.peak.timestamp():.0f}")
    if rise.service != _PLANNED and rng.random() > (_FORETOLD if rise.fails else _FALSE_ALARMS):
        return None
    of_clock = kept.device.kind is DeviceKind.CLOCK
    usage = 1.0 if of_clock else usage_of(kept.device.key)
    visible = visible_from(kept.device, usage, kept.site.time_zone, rise)
    if visible is None:
        return None
    first = max(visible, _fails_at(kept, rise) - _HORIZON)
    room = rise.peak - _LEAST_LEAD - first
    return None if room < timedelta(0) else first + float(rng.random()) * room


def _fails_at(kept: Kept, rise: Rise) -> datetime:
    """When the part fails, or would have without its planned repair."""
    if rise.service != _PLANNED:
        return rise.peak
    story = next(
        one
        for one in stories.STORIES[kept.device.kind]
        if (one.name, one.component) == (rise.story, rise.component)
    )
    way: float = (rise.height / story.strength) ** (1 / CURVE)
    return rise.onset + (rise.peak - rise.onset) / way


def _sign(kept: Kept, rise: Rise, *, foretold: bool) -> Sign | None:
    """By what the rules hear of a failure; None: not at all."""
    if rise.told:
        code = failure_code(kept.device.kind, rise)
        said = _pending(kept, "event", rise.peak, component=rise.component, code=code)
        return event_sign(said, shipped())
    if not rise.silences:
        return None
    polled = kept.device.kind is DeviceKind.CLOCK
    cause = Cause.POLL_FAILED if polled else Cause.MISSED_HEARTBEATS
    known = OpenAlert(rise.component, FaultClass.BREAKDOWN, foretold=True, active=True)
    return _down(kept, rise.peak, cause, "refused" if polled else "", [known] if foretold else [])


def _down(
    kept: Kept, at: datetime, cause: Cause, detail: str, known: Sequence[OpenAlert] = ()
) -> Sign:
    sign = down_sign(_pending(kept, "transition", at, cause=cause, detail=detail), known, shipped())
    assert sign is not None, "the shipped rules hear of every device that is down"
    return sign


def _pending(
    kept: Kept,
    kind: str,
    at: datetime,
    *,
    component: str = "",
    code: str = "",
    cause: str = "",
    detail: str = "",
) -> Pending:
    severity = Severity.CRITICAL if code else ""
    state = DeviceState.DOWN if cause else ""
    told_of = (kind, kept.device_id, at, component, code, severity, state, cause, detail)
    return Pending(*told_of, kept.subject)


@dataclass(frozen=True, slots=True)
class _Telling:
    """One case on its way to the desk; it has to be closed by `limit`."""

    kept: Kept
    what: _Happening
    limit: datetime

    def case(self) -> PastCase:
        what = self.what
        work = Work(self.kept, seeded(self.kept.device.key, f"case {what.begin.timestamp():.0f}"))
        work.note(what.begin, Text(_INVENTED))
        if what.rise is None:
            self._outage(work)
        elif what.rise.fails:
            self._failure(work, what.rise)
        elif what.rise.service:
            self._looked_at(work, what.rise)
        else:
            work.take_up(what.begin, what.until)
            work.cancel(what.until)
        return PastCase(self._opening(work), what.begin, SYSTEM, work.steps, work.calls)

    def _outage(self, work: Work) -> None:
        what = self.what
        work.watch(what.begin, what.until)
        work.found(what.until, None, CausedBy.OUTSIDE)
        work.end(what.until, self.limit)

    def _failure(self, work: Work, rise: Rise) -> None:
        what, since = self.what, max(self.what.begin, rise.peak + _HEARD_AFTER)
        if what.foretold and what.sign is not None:
            work.take_up(what.begin, rise.peak)
            work.fail(what.sign, since)
        words = _WORDS.get(rise.component, _DEAD)
        work.called(since, what.until, words, first=what.sign is None)
        cause = _CAUSES.get(rise.story, CausedBy.DEVICE)
        if rise.story in _MENDED_AFAR:
            work.from_afar(since, what.until, new=not what.foretold)
        elif work.visits(what.sign, since, what.until, _move(work, rise), new=not what.foretold):
            cause = CausedBy.STAFF
        work.found(what.until, Finding.FAILED, cause)
        work.end(what.until, self.limit)

    def _looked_at(self, work: Work, rise: Rise) -> None:
        """It was foretold, and somebody went there before any failure."""
        what, worn = self.what, rise.service == _PLANNED
        work.visit(what.begin, what.until, "replace" if worn else "repair")
        finding = Finding.WORN if worn else Finding.NO_FAULT_FOUND
        work.found(what.until, finding, CausedBy.DEVICE)
        work.end(what.until, self.limit)

    def _opening(self, work: Work) -> Opening:
        what = self.what
        if what.foretold:
            return self._heard(self._prediction(work))
        return self._called(work) if what.sign is None else self._heard(what.sign)

    def _prediction(self, work: Work) -> Sign:
        what, subject = self.what, self.kept.subject
        probability = work.between(*(_SURE if what.until - what.begin < _HORIZON else _UNSURE))
        rule = shipped().prediction_rule(what.fault.component, probability, subject)
        assert rule is not None, "the shipped rules foretell every part"
        hours = round(_HORIZON / timedelta(hours=1))
        told_of = {"hours": hours, "percent": round(100 * probability)}
        return Sign(
            fault=what.fault,
            origin=Origin.PREDICTION,
            rule=rule.name,
            severity=rule.severity,
            message=rule.message.text(told_of),
            at=what.begin,
            lasts=_HORIZON,
            probability=round(probability, 2),
        )

    def _heard(self, sign: Sign) -> Opening:
        foretells = sign.origin is Origin.PREDICTION
        return Opening(
            fault=sign.fault,
            alert_id=None,
            origin=TICKET_ORIGIN[sign.origin],
            severity=sign.severity,
            title=sign.message,
            assignee_id=self.kept.engineer_id,
            repeat_of=None,
            predicted_at=self.what.begin if foretells else None,
            failed_at=sign.at if sign.failed else None,
            more=told(sign) | advice(sign.fault) | self._why(),
        )

    def _called(self, work: Work) -> Opening:
        fault = self.what.fault
        return Opening(
            fault=fault,
            alert_id=None,
            origin=Channel.PHONE,
            severity=Severity.ERROR,
            title=Text(TITLE[Channel.PHONE], {"words": work.calls[0].words}),
            assignee_id=self.kept.engineer_id,
            repeat_of=None,
            predicted_at=None,
            failed_at=None,
            more=advice(fault) | self._why(),
            site_id=self.kept.site_id,
        )

    def _why(self) -> dict[str, Any]:
        why = Text(_KEEPER, {"name": self.kept.engineer_name})
        return {"why_assigned": why.to_json()}


def _move(work: Work, rise: Rise) -> str:
    """Whether the part is replaced or repaired."""
    if rise.story == stories.WEAR:
        return "replace" if work.chance(_REPLACED) else "repair"
    return "replace" if rise.story in _RENEWED else "repair"
