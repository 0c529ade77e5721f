"""The operator's page names what the tables have."""

from __future__ import annotations

from pathlib import Path

from alerts.rules import shipped
from alerts.rules.measured import ThresholdRule
from alerts.rules.rule import ANY, EventRule
from desk.lifecycle import MOVES

PAGE = (Path(__file__).parents[2] / "docs" / "alerts-and-tickets.md").read_text("utf-8")


def test_every_rule_and_every_move_is_on_the_operators_page() -> None:
    rules = shipped().of_kind(EventRule)
    codes = {code for rule in rules for code in (rule.code, *rule.cleared_by)} - {ANY}
    gauges = {rule.metric for rule in shipped().of_kind(ThresholdRule)}
    missing = [name for name in sorted(codes | gauges) if f"`{name}`" not in PAGE]
    missing += [move.label for move in MOVES.values() if move.label not in PAGE]
    assert missing == []
