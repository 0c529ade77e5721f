"""What is allowed in a rule and yet likely to be a slip."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.rules.book import RuleBook
from alerts.rules.measured import AbsenceRule, MeasuredRule, RateRule
from alerts.rules.rule import ANY, EventRule, Rule, StateRule, parted
from domain.codes import CODES
from domain.device import DeviceKind
from domain.vocabulary import COMPONENTS, is_known_metric


def remarks(book: RuleBook) -> Iterator[str]:
    """Words that no table of Forecall knows: they may be a customer's own, or misspelt."""
    for rule in book.rules:
        for what, words, known in _words(rule):
            for word in sorted(set(words) - known):
                yield f"rule {rule.name!r}: no {what} is known as {word!r}"


def _words(rule: Rule) -> Iterator[tuple[str, list[str], set[str]]]:
    wanted, refused = parted(rule.kinds)
    yield "kind of device", [*wanted, *refused], {kind.value for kind in DeviceKind}
    if isinstance(rule, EventRule | StateRule):
        codes = [rule.code] if isinstance(rule, EventRule) else [*rule.codes]
        # What begins with x. is what Forecall itself finds: it stands where it is found.
        said = [code for code in (*codes, *rule.cleared_by) if not code.startswith("x.")]
        yield "code", said, set(CODES) | {ANY}
        yield "component", [*rule.components], set(COMPONENTS)
    if isinstance(rule, MeasuredRule | AbsenceRule):
        metrics = [rule.metric]
        if isinstance(rule, RateRule) and rule.per:
            metrics.append(rule.per)
        yield "metric", metrics, {name for name in metrics if is_known_metric(name)}
        yield "component", [rule.component], set(COMPONENTS)
