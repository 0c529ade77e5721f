"""Two books over the same past: which alerts and tickets are new, gone and the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.replay.batches import PastBatch, batched
from alerts.replay.judge import replay
from alerts.replay.ledger import PastAlert
from alerts.replay.past import Past, groups
from alerts.rules import RuleBook
from domain.fault import Fault

ALWAYS = (
    "People did nothing in the replay: each ticket is closed a day after its fault was over.",
    "How often groups of devices fail by themselves is known from the replay's begin on.",
    "Devices are taken as they are today: their kind, model and site.",
)


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule would have begun to hold: by the book in force, and by the other."""

    rule: str
    now: int
    then: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes when the other book is put in force.

    Attributes:
        new, gone: alerts that only the other book, or only the one in force, would have opened.
        same: how many both would have.
        batches_now, batches_then: faults of one cause, that have one ticket together.
        new_tickets, gone_tickets: of alerts that both would have opened, those with which only one
            book would have opened a ticket, and of the others those that have one.
        notes: what the replay could not know.
    """

    since: datetime
    until: datetime
    device_months: float
    rules: list[RuleCount]
    new: list[PastAlert]
    gone: list[PastAlert]
    same: int
    batches_now: list[PastBatch]
    batches_then: list[PastBatch]
    tickets_now: int
    tickets_then: int
    new_tickets: list[PastAlert]
    gone_tickets: list[PastAlert]
    notes: list[str]

    def to_json(self, keys: dict[int, str]) -> dict[str, Any]:
        """For scripts; `keys` are the devices' names by their ids."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "device_months": round(self.device_months, 2),
            "rules": [{"rule": one.rule, "now": one.now, "then": one.then} for one in self.rules],
            "alerts": {
                "now": self.same + len(self.gone),
                "then": self.same + len(self.new),
                "same": self.same,
                "new": [as_json(one, keys) for one in self.new],
                "gone": [as_json(one, keys) for one in self.gone],
            },
            "batches": {
                "now": [batch_json(one) for one in self.batches_now],
                "then": [batch_json(one) for one in self.batches_then],
            },
            "tickets": {
                "now": self.tickets_now,
                "then": self.tickets_then,
                "new": [as_json(one, keys) for one in self.new_tickets],
                "gone": [as_json(one, keys) for one in self.gone_tickets],
            },
            "notes": self.notes,
        }


def compare(past: Past, now: RuleBook, then: RuleBook) -> Comparison:
    """Replays both books over `past`: the one in force, `now`, and the one to be tried, `then`."""
    before, after = replay(past, now), replay(past, then)
    shared = groups(past)
    batches_now, batches_then = (batched(each, shared, past.since) for each in (before, after))
    pairs, gone, new = _matched(before, after)
    lost = [one for one, other in pairs if one.ticket_at and not other.ticket_at]
    won = [other for one, other in pairs if other.ticket_at and not one.ticket_at]
    return Comparison(
        since=past.since,
        until=past.until,
        device_months=past.device_months,
        rules=_counted(before, after),
        new=new,
        gone=gone,
        same=len(pairs),
        batches_now=batches_now,
        batches_then=batches_then,
        tickets_now=_tickets(before, batches_now),
        tickets_then=_tickets(after, batches_then),
        new_tickets=[*won, *(one for one in new if one.ticket_at)],
        gone_tickets=[*lost, *(one for one in gone if one.ticket_at)],
        notes=[*past.notes, *ALWAYS],
    )


def as_json(alert: PastAlert, keys: dict[int, str]) -> dict[str, Any]:
    return {
        "device": keys[alert.fault.device_id],
        "component": alert.fault.component,
        "fault_class": alert.fault.fault_class.value,
        "rule": alert.rule,
        "severity": alert.severity.value,
        "message": str(alert.message),
        "opened_at": alert.opened_at.isoformat(),
        "returned_at": alert.returned_at.isoformat() if alert.returned_at else None,
        "ticket_at": alert.ticket_at.isoformat() if alert.ticket_at else None,
    }


def batch_json(batch: PastBatch) -> dict[str, Any]:
    return {
        "kind": batch.group[0],
        "key": batch.group[1],
        "cause": str(batch.cause),
        "severity": batch.severity.value,
        "recognised_at": batch.recognised_at.isoformat(),
        "ended_at": batch.ended_at.isoformat() if batch.ended_at else None,
        "faults": len(batch.members),
    }


def _matched(
    before: Sequence[PastAlert], after: Sequence[PastAlert]
) -> tuple[list[tuple[PastAlert, PastAlert]], list[PastAlert], list[PastAlert]]:
    """Pairs of alerts of the same fault that are open at the same time, and what is left of each."""
    waiting: defaultdict[Fault, list[PastAlert]] = defaultdict(list)
    for alert in before:
        waiting[alert.fault].append(alert)
    pairs, new = [], []
    for alert in after:
        found = next((one for one in waiting[alert.fault] if _meet(one, alert)), None)
        if found is None:
            new.append(alert)
        else:
            waiting[alert.fault].remove(found)
            pairs.append((found, alert))
    left = [alert for alerts in waiting.values() for alert in alerts]
    return pairs, sorted(left, key=lambda alert: alert.opened_at), new


def _meet(one: PastAlert, other: PastAlert) -> bool:
    ends_late = one.closed_at is None or one.closed_at > other.opened_at
    return ends_late and (other.closed_at is None or other.closed_at > one.opened_at)


def _counted(before: Iterable[PastAlert], after: Iterable[PastAlert]) -> list[RuleCount]:
    now, then = (
        Counter(held.rule for alert in alerts for held in alert.conditions)
        for alerts in (before, after)
    )
    return [RuleCount(rule, now[rule], then[rule]) for rule in sorted(now | then)]


def _tickets(alerts: Iterable[PastAlert], batches: Iterable[PastBatch]) -> int:
    own = sum(alert.ticket_at is not None for alert in alerts)
    return own + sum(batch.opens_ticket for batch in batches)
