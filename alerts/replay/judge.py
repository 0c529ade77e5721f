"""Judges the past by a book, as the evaluator judges the present."""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import count

from alerts.identity import Pending, down_sign, event_sign
from alerts.measures import measured_sign, silence_sign
from alerts.replay.gauges import Gauged
from alerts.replay.hours import Crossed, Silence
from alerts.replay.ledger import Ledger, PastAlert
from alerts.replay.past import Foretold, Heard, Past, Supply, Unusual, heard
from alerts.rules import RuleBook
from alerts.rules.judge import Turn, judged, judged_reading, minute_after
from alerts.rules.measured import MeasuredRule
from alerts.rules.rule import StateRule
from alerts.series import Calm, gauge_sign, weighed
from alerts.sign import Origin, Sign
from alerts.states import Key, changes, state_sign
from alerts.watched import anomaly_sign, supply_sign
from domain.device import DeviceState
from domain.fault import Fault, FaultClass
from domain.vocabulary import DEVICE


def replay(past: Past, book: RuleBook) -> list[PastAlert]:
    """The alerts that `book` would have opened over `past`, in the order of their opening.

    Nothing is known of what held when the past begins: what is still said then counts from there.
    """
    judge = _Judge(book)
    for one in heard(past, book):
        judge.pass_time(one.at)
        judge.hear(one)
    judge.pass_time(past.until, including=True)
    return judge.ledger.alerts


class _Judge:
    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self.ledger = Ledger()
        self._waits: dict[Key, tuple[datetime, Pending, StateRule]] = {}
        self._due: list[tuple[datetime, int, Key]] = []
        self._nth = count()

    def pass_time(self, until: datetime, *, including: bool = False) -> None:
        """What becomes due before something is heard: states that have lasted, signs not repeated."""
        while self._due and (self._due[0][0] <= until):
            looked_at, _, key = heapq.heappop(self._due)
            wait = self._waits.get(key)
            if wait is not None and minute_after(wait[0]) == looked_at:
                del self._waits[key]
                due_at, event, rule = wait
                self.ledger.expire(looked_at, including=False)
                sign = state_sign(rule, key[0], key[1], event.code, due_at)
                self.ledger.hear(sign, looked_at)
        self.ledger.expire(until, including=including)

    def hear(self, one: Heard) -> None:
        said, now = one.said, one.at
        if isinstance(said, Pending):
            self._pending(said, now)
        elif isinstance(said, Foretold):
            self._foretold(said, now)
        elif isinstance(said, Gauged):
            self._gauged(said, now)
        elif isinstance(said, Crossed):
            self._crossed(said, now)
        elif isinstance(said, Silence):
            self._silence(said, now)
        elif isinstance(said, Unusual):
            self._unusual(said, now)
        else:
            self._supply(said, now)

    def _pending(self, said: Pending, now: datetime) -> None:
        if said.kind == "event":
            self._event(said, now)
        elif said.to_state == DeviceState.DOWN:
            known = [alert.known(now) for alert in self.ledger.of_device(said.device_id, now)]
            self._say(down_sign(said, known, self.book), now)
        elif said.to_state == DeviceState.UP:
            for alert in self.ledger.of_device(said.device_id, now):
                if any(held.origin is Origin.TRANSITION for held in alert.holds.values()):
                    self.ledger.over(alert, None, now)

    def _event(self, said: Pending, now: datetime) -> None:
        self._states(said)
        sign = event_sign(said, self.book)
        if sign is not None:
            self.ledger.hear(sign, now)
            return
        ended, part = self.book.ended_by(said.code), said.component or DEVICE
        for alert, rules in self.ledger.holding(said.device_id, part, ended, now):
            self.ledger.over(alert, rules, now)

    def _states(self, event: Pending) -> None:
        found = changes(self.book, [event])
        for key in found.ended:
            self._waits.pop(key, None)
        for key, (begins, rule) in found.begun.items():
            if key not in self._waits:
                due_at = begins.at + rule.held_for
                self._waits[key] = due_at, begins, rule
                heapq.heappush(self._due, (minute_after(due_at), next(self._nth), key))

    def _foretold(self, said: Foretold, now: datetime) -> None:
        row = said.row
        if row["probability"] >= row["threshold"]:
            answer = weighed(row | {"held_by": None}, self.book)
            self._say(answer if isinstance(answer, Sign) else None, now)
            return
        fault = Fault(row["device_id"], row["component"], FaultClass.BREAKDOWN)
        alert = self.ledger.alert(fault, now)
        for rule, held in list(alert.holds.items()) if alert else []:
            if alert is None or held.origin is not Origin.PREDICTION:
                continue
            answer = weighed(row | {"held_by": 0, "held_rule": rule, "calm": held.calm}, self.book)
            if isinstance(answer, Calm):
                held.calm = answer.scorings
                if answer.enough:
                    self.ledger.over(alert, [rule], now)

    def _gauged(self, said: Gauged, now: datetime) -> None:
        rule = said.rule
        held = self._held(rule, said.device_id, now)
        turn = judged_reading(rule, said.newest, said.since, held=held)
        sign = gauge_sign(rule, said.device_id, said.newest) if turn is Turn.RAISED else None
        self._turn(rule, said.device_id, turn, sign, now)

    def _crossed(self, said: Crossed, now: datetime) -> None:
        rule = said.rule
        turn = judged(rule, said.value, held=self._held(rule, said.device_id, now))
        sign = measured_sign(rule, said.device_id, said.value, said.at)
        self._turn(rule, said.device_id, turn, sign, now)

    def _turn(
        self,
        rule: MeasuredRule,
        device_id: int,
        turn: Turn | None,
        sign: Sign | None,
        now: datetime,
    ) -> None:
        if turn is Turn.RAISED:
            self._say(sign, now)
        elif turn is Turn.OVER:
            self._end(Fault(device_id, rule.component, rule.fault_class), rule.name, now)

    def _silence(self, said: Silence, now: datetime) -> None:
        rule = said.rule
        fault = Fault(said.device_id, rule.component, rule.fault_class)
        if not said.raised:
            self._end(fault, rule.name, now)
        elif self.ledger.held(fault, rule.name, now) is None:
            self.ledger.hear(silence_sign(rule, said.device_id, said.heard, said.at), now)

    def _unusual(self, said: Unusual, now: datetime) -> None:
        row = said.row
        worse = any(
            alert.fault.component == row["component"]
            and alert.fault.fault_class is not FaultClass.DEGRADED
            and alert.holds
            for alert in self.ledger.of_device(row["device_id"], now)
        )
        if not worse:
            self._say(anomaly_sign(row, self.book), now)

    def _supply(self, said: Supply, now: datetime) -> None:
        row = said.row
        fault_class = self.book.class_of(row["metric"]) or FaultClass.CONSUMABLE
        if row["short"]:
            self._say(supply_sign(row | {"fault_class": fault_class}, self.book), now)
            return
        alert = self.ledger.alert(Fault(row["device_id"], row["component"], fault_class), now)
        ended = f":{row['metric']}"
        for rule, held in list(alert.holds.items()) if alert else []:
            if alert and held.origin is Origin.CONSUMABLE and rule.endswith(ended):
                self.ledger.over(alert, [rule], now)

    def _held(self, rule: MeasuredRule, device_id: int, now: datetime) -> bool:
        fault = Fault(device_id, rule.component, rule.fault_class)
        return self.ledger.held(fault, rule.name, now) is not None

    def _say(self, sign: Sign | None, now: datetime) -> None:
        if sign is not None:
            self.ledger.hear(sign, now)

    def _end(self, fault: Fault, rule: str, now: datetime) -> None:
        alert = self.ledger.alert(fault, now)
        if alert is not None:
            self.ledger.over(alert, [rule], now)
