"""The operator's page names what the tables have."""

from __future__ import annotations

from pathlib import Path

from alerts.rules import EVENT_RULES, THRESHOLD_RULES
from desk.lifecycle import MOVES
from domain.text import Text

PAGE = (Path(__file__).parents[2] / "docs" / "alerts-and-tickets.md").read_text("utf-8")


def test_every_rule_and_every_move_is_on_the_operators_page() -> None:
    codes = {code for rule in EVENT_RULES.values() for code in (rule.code, *rule.cleared_by)}
    gauges = {rule.metric for rule in THRESHOLD_RULES.values()}
    missing = [name for name in sorted(codes | gauges) if f"`{name}`" not in PAGE]
    missing += [move.label for move in MOVES.values() if move.label not in PAGE]
    assert missing == []


def test_every_message_can_be_filled_with_what_its_rule_gives() -> None:
    for rule in THRESHOLD_RULES.values():
        assert "{" not in str(Text(rule.message, {"value": 1.5, "limit": rule.raise_at}))
    for event_rule in EVENT_RULES.values():
        assert "{" not in event_rule.message
