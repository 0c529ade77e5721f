"""Alerts and their conditions in memory: what the board of the store would have held.

People do nothing here, and of batches nothing is known yet (`alerts.replay.batches`). An alert ends when its last
condition is over and ALERT_KEPT has passed since its last sign; its ticket, when it has one, with it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from alerts.identity import OpenAlert
from alerts.rules import ALERT_KEPT, CASE_SEVERITY
from alerts.sign import Origin, Sign
from domain.fault import Fault
from domain.report import Severity
from domain.text import Text


@dataclass(slots=True)
class Condition:
    """What a rule held, from when it was judged until it was over (None: it held at the end)."""

    rule: str
    origin: Origin
    failed: bool
    since: datetime
    until: datetime | None = None
    expires_at: datetime | None = None
    calm: int = 0


@dataclass(slots=True)
class PastAlert:
    """An alert that would have been opened. `ticket_at`: when it would have opened a ticket."""

    fault: Fault
    opened_at: datetime
    severity: Severity
    message: Text
    rule: str
    last_sign_at: datetime
    ticket_at: datetime | None = None
    probability: float | None = None
    foretold_until: datetime | None = None
    holds: dict[str, Condition] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    returned_at: datetime | None = None
    closed_at: datetime | None = None

    def over_by(self, now: datetime) -> bool:
        return not self.holds and now >= self.last_sign_at + ALERT_KEPT

    def known(self, now: datetime) -> OpenAlert:
        failed = any(one.failed for one in self.holds.values())
        foretold = self.foretold_until is not None and self.foretold_until > now and not failed
        return OpenAlert(self.fault.component, self.fault.fault_class, foretold, bool(self.holds))


class Ledger:
    """The open alerts, by fault, and all that there were."""

    def __init__(self) -> None:
        self.alerts: list[PastAlert] = []
        self._open: defaultdict[int, dict[Fault, PastAlert]] = defaultdict(dict)
        self._expiring: list[tuple[datetime, int, Fault, str]] = []
        self._nth = count()

    def hear(self, sign: Sign, now: datetime) -> None:
        """Puts a sign on its fault's alert."""
        alert = self.alert(sign.fault, now)
        if alert is None:
            alert = PastAlert(
                sign.fault, now, sign.severity, sign.message, sign.rule, last_sign_at=sign.at
            )
            self.alerts.append(alert)
            self._open[sign.fault.device_id][sign.fault] = alert
        condition = alert.holds.get(sign.rule)
        fresh = condition is None
        if condition is None:
            condition = Condition(sign.rule, sign.origin, sign.failed, now)
            alert.holds[sign.rule] = condition
            alert.conditions.append(condition)
        self._renew(alert, condition, sign)
        if fresh and sign.severity.rank >= alert.severity.rank:
            alert.severity, alert.message, alert.rule = sign.severity, sign.message, sign.rule
        if alert.ticket_at is None and fresh and sign.severity.rank >= CASE_SEVERITY.rank:
            alert.ticket_at = now

    def _renew(self, alert: PastAlert, condition: Condition, sign: Sign) -> None:
        condition.calm, condition.expires_at = 0, sign.expires_at
        alert.returned_at = None
        alert.last_sign_at = max(alert.last_sign_at, sign.at)
        alert.foretold_until = sign.foretold_until or alert.foretold_until
        alert.probability = sign.probability or alert.probability
        if sign.expires_at is not None:
            entry = (sign.expires_at, next(self._nth), sign.fault, sign.rule)
            heapq.heappush(self._expiring, entry)

    def over(self, alert: PastAlert, rules: Collection[str] | None, now: datetime) -> None:
        """Ends the conditions of such rules; None: all."""
        for rule in [*alert.holds] if rules is None else rules:
            condition = alert.holds.pop(rule, None)
            if condition is not None:
                condition.until = alert.returned_at = now

    def expire(self, until: datetime, *, including: bool) -> None:
        """Ends what was not repeated in time."""
        while self._expiring and (
            self._expiring[0][0] < until or (including and self._expiring[0][0] == until)
        ):
            at, _, fault, rule = heapq.heappop(self._expiring)
            alert = self._open[fault.device_id].get(fault)
            condition = alert.holds.get(rule) if alert else None
            if alert is not None and condition is not None and condition.expires_at == at:
                self.over(alert, [rule], at)

    def alert(self, fault: Fault, now: datetime) -> PastAlert | None:
        """The fault's open alert."""
        alert = self._open[fault.device_id].get(fault)
        if alert is not None and alert.over_by(now):
            alert.closed_at = max(alert.returned_at or now, alert.last_sign_at + ALERT_KEPT)
            del self._open[fault.device_id][fault]
            return None
        return alert

    def of_device(self, device_id: int, now: datetime) -> list[PastAlert]:
        """The device's open alerts, as the judgement asks them: the likeliest, then the newest."""
        found = (self.alert(fault, now) for fault in list(self._open[device_id]))
        return sorted(
            (alert for alert in found if alert is not None),
            key=lambda alert: (alert.probability or -1.0, alert.last_sign_at),
            reverse=True,
        )

    def held(self, fault: Fault, rule: str, now: datetime) -> Condition | None:
        alert = self.alert(fault, now)
        return alert.holds.get(rule) if alert else None

    def holding(
        self, device_id: int, component: str, rules: Iterable[str], now: datetime
    ) -> Iterator[tuple[PastAlert, list[str]]]:
        """The component's open alerts that hold any of the rules' conditions, with those."""
        wanted = set(rules)
        for alert in self.of_device(device_id, now):
            found = [rule for rule in alert.holds if rule in wanted]
            if alert.fault.component == component and found:
                yield alert, found
