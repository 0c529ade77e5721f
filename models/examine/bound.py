"""What nobody can pass: the PR-AUC of who is told of every sign the moment it begins, and what becomes of it.

Such an oracle gives certainty to each decision within the horizon of a failure whose first sign is
there, and to all others the same chance: it can't tell those apart that nothing tells apart. Of N
decisions with P positive ones, of which a share r lies after a first sign, its average precision is
`r + (1 - r) P / N`. A second one is told only once the signs are *visible* (`simulator/evidence.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.truth import Outcome, Truth


@dataclass(frozen=True, slots=True)
class Bound:
    """One component's bounds, beside what its model reached; None where nothing failed.

    Attributes:
        component: as it is judged: `component`, or `kind/component`.
        oracle: who knows each first sign; a model passes it by luck alone.
        visible: who knows what is visible: what a very good model reaches.
    """

    component: str
    model: float | None
    oracle: float | None
    visible: float | None


def bounds(
    truth: Iterable[Truth], horizon: timedelta, judged: Mapping[str, Mapping[str, Any]]
) -> tuple[Bound, ...]:
    """The bounds of each component of `judged`: its `decisions`, `positives` and `pr_auc`, by name.

    `truth` is of the period that was judged.
    """
    failed = [row for row in truth if row.outcome is Outcome.FAILED]
    return tuple(
        _bound(name, [row for row in failed if _is_of(row, name)], horizon, figures)
        for name, figures in sorted(judged.items())
    )


def _is_of(row: Truth, name: str) -> bool:
    kind, _, component = name.rpartition("/")
    return row.component == component and kind in ("", row.kind)


def _bound(
    name: str, rows: Sequence[Truth], horizon: timedelta, figures: Mapping[str, Any]
) -> Bound:
    decisions, positives = figures.get("decisions"), figures.get("positives")
    if not rows or not decisions or not positives:
        return Bound(name, figures.get("pr_auc"), None, None)
    chance = float(positives) / float(decisions)

    def reached(sign: Callable[[Truth], datetime | None]) -> float:
        told = sum(_told(row, sign(row), horizon) for row in rows) / len(rows)
        return round(told + (1 - told) * chance, 4)

    return Bound(
        name,
        figures.get("pr_auc"),
        reached(lambda row: row.first_sign),
        reached(lambda row: row.visible_from),
    )


def _told(row: Truth, sign: datetime | None, horizon: timedelta) -> float:
    """The share of the decisions within the horizon of a failure that come after its sign."""
    return min(1.0, max(0.0, (row.at - sign) / horizon)) if sign else 0.0
