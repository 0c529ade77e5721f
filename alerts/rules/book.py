"""The book of rules: what is in force, and which rule speaks for what."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from pydantic import TypeAdapter

from alerts.rules.rule import (
    ANY,
    AnomalyRule,
    DownRule,
    EventRule,
    PredictionRule,
    Rule,
    Subject,
    SupplyRule,
    ThresholdRule,
)
from domain.fault import FaultClass
from domain.report import Severity

WORKS_AGAIN = frozenset({"ok", "operational", "restored"})
"""Codes by which a component says that it works again, whatever it said before."""

R = TypeVar("R", bound=Rule)


class RuleBook:
    """Rules in the order in which they are asked: of several that could speak, the first one does.

    Never changes. `digest` is the same for the same rules in the same order.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self.by_name = {rule.name: rule for rule in self.rules}
        self.digest = hashlib.sha256(self._canonical().encode()).hexdigest()

    def _canonical(self) -> str:
        return json.dumps([as_json(rule) for rule in self.rules], sort_keys=True)

    def of_kind(self, kind: type[R]) -> tuple[R, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, kind))

    def down_rule(self, device: Subject) -> DownRule | None:
        return _first(self.of_kind(DownRule), device)

    def event_rule(
        self, code: str, severity: Severity, component: str, device: Subject
    ) -> EventRule | None:
        """The rule that speaks of such an event, one of its code before one of any code."""
        for rule in (*self._by_code.get(code, ()), *self._by_code.get(ANY, ())):
            if rule.hears(component, severity, device):
                return rule
        return None

    def ended_by(self, code: str) -> Sequence[str]:
        """The names of the rules whose condition the event `code` of the component ends."""
        if code in WORKS_AGAIN:
            return [rule.name for rule in self.of_kind(EventRule)]
        return self._ended_by.get(code, ())

    def class_of(self, metric: str) -> FaultClass | None:
        """The class of the faults that limits on the metric speak of; None: it has no limit."""
        return self._classes.get(metric)

    def prediction_rule(
        self, component: str, probability: float, device: Subject
    ) -> PredictionRule | None:
        for rule in self.of_kind(PredictionRule):
            wanted = not rule.components or component in rule.components
            if wanted and probability >= rule.at_least and rule.fits(device):
                return rule
        return None

    def anomaly_rule(self, component: str, device: Subject) -> AnomalyRule | None:
        for rule in self.of_kind(AnomalyRule):
            if (not rule.components or component in rule.components) and rule.fits(device):
                return rule
        return None

    def supply_rule(self, metric: str, device: Subject) -> SupplyRule | None:
        for rule in self.of_kind(SupplyRule):
            if (not rule.metrics or metric in rule.metrics) and rule.fits(device):
                return rule
        return None

    @cached_property
    def _by_code(self) -> dict[str, list[EventRule]]:
        rules: defaultdict[str, list[EventRule]] = defaultdict(list)
        for rule in self.of_kind(EventRule):
            rules[rule.code].append(rule)
        return dict(rules)

    @cached_property
    def _ended_by(self) -> dict[str, list[str]]:
        names: defaultdict[str, list[str]] = defaultdict(list)
        for rule in self.of_kind(EventRule):
            for code in rule.cleared_by:
                names[code].append(rule.name)
        return dict(names)

    @cached_property
    def _classes(self) -> dict[str, FaultClass]:
        limits = self.of_kind(ThresholdRule)
        return {rule.metric: rule.fault_class for rule in reversed(limits)}


def as_json(rule: Rule) -> dict[str, Any]:
    """The rule as what its table in TOML would hold, for records and for people."""
    values: dict[str, Any] = TypeAdapter(type(rule)).dump_python(rule, mode="json")
    return values


def _first(rules: Iterable[R], device: Subject) -> R | None:
    return next((rule for rule in rules if rule.fits(device)), None)
