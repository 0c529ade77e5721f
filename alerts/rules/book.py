"""The book of rules: what is in force, and which rule speaks for what."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from alerts.rules.kinds import ADAPTERS, kind_of
from alerts.rules.measured import ThresholdRule
from alerts.rules.rule import (
    ANY,
    AnomalyRule,
    DownRule,
    EventRule,
    PredictionRule,
    Rule,
    StateRule,
    Subject,
    SupplyRule,
)
from domain.fault import FaultClass
from domain.report import Severity

WORKS_AGAIN = frozenset({"ok", "operational", "restored"})
"""Codes by which a component says that it works again, whatever it said before."""

SHIPPED = "shipped"

RECORD = "record:"
"""Conditions that are called so hold because a failure is on record."""

R = TypeVar("R", bound=Rule)


class RuleBook:
    """Rules in the order in which they are asked: of several that could speak, the first one does.

    Never changes. `digest` is the same for the same rules in the same order; `source` says where
    what is not shipped comes from.
    """

    def __init__(self, rules: Iterable[Rule], source: str = SHIPPED) -> None:
        self.rules = tuple(rules)
        self.source = source
        self.by_name = {rule.name: rule for rule in self.rules}
        self.digest = hashlib.sha256(self._canonical().encode()).hexdigest()

    def _canonical(self) -> str:
        return json.dumps([as_json(rule) for rule in self.rules], sort_keys=True)

    def of_kind(self, kind: type[R]) -> tuple[R, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, kind))

    def down_rule(self, device: Subject) -> DownRule | None:
        return _first(self._down, device)

    def event_rule(
        self, code: str, severity: Severity, component: str, device: Subject
    ) -> EventRule | None:
        """The rule that speaks of such an event, one of its code before one of any code."""
        rules: tuple[EventRule, ...] = (*self._by_code.get(code, ()), *self._by_code.get(ANY, ()))
        for rule in rules:
            if rule.hears(component, severity, device):
                return rule
        return None

    def ended_by(self, code: str) -> Sequence[str]:
        """The names of the rules whose condition the event `code` of the component ends."""
        if code in WORKS_AGAIN:
            return self._told
        return self._ended_by.get(code, ())

    def begun_by(self, code: str) -> Sequence[StateRule]:
        """The rules for which the event `code` of a component begins a state."""
        return self._begun_by.get(code, ())

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
    def _down(self) -> tuple[DownRule, ...]:
        return self.of_kind(DownRule)

    @cached_property
    def _by_code(self) -> dict[str, list[EventRule]]:
        rules: defaultdict[str, list[EventRule]] = defaultdict(list)
        for rule in self.of_kind(EventRule):
            rules[rule.code].append(rule)
        return dict(rules)

    @cached_property
    def _ended_by(self) -> dict[str, list[str]]:
        names: defaultdict[str, list[str]] = defaultdict(list)
        told: tuple[EventRule | StateRule, ...] = (
            *self.of_kind(EventRule),
            *self.of_kind(StateRule),
        )
        for rule in told:
            for code in rule.cleared_by:
                names[code].append(rule.name)
        return dict(names)

    @cached_property
    def _begun_by(self) -> dict[str, list[StateRule]]:
        rules: defaultdict[str, list[StateRule]] = defaultdict(list)
        for rule in self.of_kind(StateRule):
            for code in rule.codes:
                rules[code].append(rule)
        return dict(rules)

    @cached_property
    def _told(self) -> list[str]:
        """The names of the rules that rest on what components say."""
        return [rule.name for rule in (*self.of_kind(EventRule), *self.of_kind(StateRule))]

    @cached_property
    def _classes(self) -> dict[str, FaultClass]:
        limits = self.of_kind(ThresholdRule)
        return {rule.metric: rule.fault_class for rule in reversed(limits)}

    def holds(self, condition: str, device: Subject) -> bool:
        """Whether a rule that is meant for the device may hold a condition of that name; what was
        written down of a failure is no rule's."""
        if condition.startswith(RECORD):
            return True
        rule = self.by_name.get(condition) or self._supplies.get(condition.rpartition(":")[0])
        return rule is not None and rule.fits(device)

    @cached_property
    def _supplies(self) -> dict[str, SupplyRule]:
        return {rule.name: rule for rule in self.of_kind(SupplyRule)}


def as_json(rule: Rule) -> dict[str, Any]:
    """The rule as its table in TOML would hold it, with its kind: for records and for people."""
    kind = kind_of(rule)
    values: dict[str, Any] = ADAPTERS[kind].dump_python(rule, mode="json", exclude_defaults=True)
    return {"kind": kind, **values}


def _first(rules: Iterable[R], device: Subject) -> R | None:
    return next((rule for rule in rules if rule.fits(device)), None)
