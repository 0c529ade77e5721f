"""The pages on alerts say what the rules and tables have.

`python -m tests.alerts.test_docs` writes `docs/rules.md` anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from alerts.rules import read_book, shipped
from alerts.rules.kinds import KINDS, kind_of
from alerts.rules.measured import (
    AbsenceRule,
    ForecastRule,
    MeasuredRule,
    RateRule,
    ThresholdRule,
)
from alerts.rules.remarks import remarks
from alerts.rules.rule import EventRule, Rule, StateRule
from alerts.rules.words import as_span
from desk.lifecycle import MOVES

DOCS = Path(__file__).parents[2] / "docs"
RULES = DOCS / "rules.md"

_HEAD = """# Shipped rules
Written by `python -m tests.alerts.test_docs` from `alerts/rules/shipped/`; a test fails when they differ. What the kinds of
rule mean, and how to change them: [alerts.md](alerts.md#rules).
"""
_COLUMNS = "| rule | looks at | fault | severity | ends by | says |\n|---|---|---|---|---|---|\n"


def page() -> str:
    """The whole text of `docs/rules.md`."""
    parts = [_HEAD]
    for kind in KINDS:
        rows = [_row(rule) for rule in shipped().rules if kind_of(rule) == kind]
        parts.append(f"## {kind}\n{_COLUMNS}" + "".join(rows))
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    fault = getattr(rule, "fault_class", None)
    part = getattr(rule, "component", "") or "its component"
    where = f"{fault.value}, {part}" if fault else "as it is told"
    cells = (f"`{rule.name}`", _looks_at(rule), where, rule.severity.value, _ends(rule))
    return f"| {' | '.join(cells)} | {rule.message.template} |\n"


def _looks_at(rule: Rule) -> str:
    if isinstance(rule, EventRule):
        return f"`{rule.code}`" + (f" called {rule.said.value}" if rule.failed else "")
    if isinstance(rule, StateRule):
        return f"{_words(rule.codes)} for {as_span(rule.held_for)}"
    if isinstance(rule, AbsenceRule):
        return f"no {rule.signal} of `{rule.metric}` for {as_span(rule.quiet_for)}"
    if isinstance(rule, MeasuredRule):
        return f"{_value(rule)} {'above' if rule.above else 'below'} {rule.raise_at:g}"
    return "what is foretold or unusual" if kind_of(rule) != "down" else "silence, or its own word"


def _value(rule: MeasuredRule) -> str:
    size = f"`{rule.metric}`" + (", either way," if rule.absolute else "")
    if isinstance(rule, RateRule):
        per = f" per 100 `{rule.per}`" if rule.per else ""
        return f"growth of {size}{per} in {as_span(rule.window)}"
    if isinstance(rule, ForecastRule):
        return f"{size} in {as_span(rule.ahead)}, as in the last {as_span(rule.window)},"
    held = as_span(rule.held_for) if isinstance(rule, ThresholdRule) and rule.held_for else ""
    return f"{size} for {held}" if held else size


def _ends(rule: Rule) -> str:
    if isinstance(rule, EventRule):
        return ", ".join(filter(None, (_words(rule.cleared_by), as_span(rule.lasts))))
    if isinstance(rule, StateRule):
        return _words(rule.cleared_by)
    if isinstance(rule, MeasuredRule):
        return f"{'below' if rule.above else 'above'} {rule.clear_at:g}"
    return "the signal" if isinstance(rule, AbsenceRule) else "-"


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _examples() -> Iterator[str]:
    text = (DOCS / "alerts.md").read_text("utf-8")
    yield from re.findall(r"```toml\n(.*?)```", text, re.DOTALL)


def test_the_page_of_shipped_rules_is_what_is_shipped() -> None:
    assert RULES.read_text("utf-8") == page()


def test_the_examples_of_the_page_are_good_files_of_rules() -> None:
    examples = list(_examples())
    assert examples
    for example in examples:
        assert list(remarks(read_book(example))) == []


def test_every_kind_of_rule_and_every_key_is_on_the_page() -> None:
    text = (DOCS / "alerts.md").read_text("utf-8")
    keys = {field.name for kind in KINDS.values() for field in fields(kind)}
    shown = {key for key in keys if not key.startswith("message_")}
    missing = [word for word in sorted(shown | set(KINDS)) if f"`{word}`" not in text]
    assert missing == []


def test_every_move_is_on_the_operators_page() -> None:
    text = (DOCS / "tickets.md").read_text("utf-8")
    assert [move.label for move in MOVES.values() if move.label not in text] == []


if __name__ == "__main__":
    RULES.write_text(page(), encoding="utf-8")
