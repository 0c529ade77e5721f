"""The kinds of rule, by the words that head their tables in TOML."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from alerts.rules.measured import AbsenceRule, ForecastRule, RateRule, ThresholdRule
from alerts.rules.rule import (
    AnomalyRule,
    DownRule,
    EventRule,
    PredictionRule,
    Rule,
    StateRule,
    SupplyRule,
)

KINDS: dict[str, type[Rule]] = {
    "down": DownRule,
    "event": EventRule,
    "state": StateRule,
    "threshold": ThresholdRule,
    "rate": RateRule,
    "absence": AbsenceRule,
    "forecast": ForecastRule,
    "supply": SupplyRule,
    "prediction": PredictionRule,
    "anomaly": AnomalyRule,
}

ADAPTERS: dict[str, TypeAdapter[Any]] = {word: TypeAdapter(kind) for word, kind in KINDS.items()}
"""What reads and writes the tables of each kind."""

NAMED_AFTER = {
    "event": "code",
    "threshold": "metric",
    "rate": "metric",
    "absence": "metric",
    "forecast": "metric",
}
"""A rule without a name is called after its kind and the value of this key."""


def kind_of(rule: Rule) -> str:
    return next(word for word, kind in KINDS.items() if type(rule) is kind)
