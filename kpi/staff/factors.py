"""What drove the service time: the device, the user, the staff, the surroundings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.fault import CausedBy
from kpi.staff.cases import CaseFacts

_DRAWS = 1000
_SEED = 0  # the same cases give the same interval
_H = 3600.0


@dataclass(frozen=True, slots=True)
class Factor:
    """One of them. Shares 0 to 1, of the cases on which somebody said what caused them.

    Attributes:
        low, high: 95 % interval of `time`, by drawing the cases anew.
    """

    cause: CausedBy
    cases: int
    time: float
    low: float
    high: float


def factors(cases: Sequence[CaseFacts]) -> tuple[list[Factor], int]:
    """The share of each cause in the time from opening to closing, in the order of `CausedBy`; and of
    how many cases nobody said it."""
    told = [case for case in cases if case.caused_by is not None]
    unsaid = len(cases) - len(told)
    if not told:
        return [], unsaid
    hours = np.array([(case.closed_at - case.opened_at).total_seconds() / _H for case in told])
    causes = list(CausedBy)
    of_cause = np.array([[case.caused_by is cause for case in told] for cause in causes], float)
    draws = np.random.default_rng(_SEED).multinomial(
        len(told), np.full(len(told), 1 / len(told)), _DRAWS
    )
    time = of_cause @ hours / hours.sum()
    drawn = (draws * hours) @ of_cause.T
    low, high = np.quantile(drawn / drawn.sum(axis=1, keepdims=True), [0.025, 0.975], axis=0)
    counts = of_cause.sum(axis=1)
    found = [
        Factor(cause, int(counts[row]), float(time[row]), float(low[row]), float(high[row]))
        for row, cause in enumerate(causes)
    ]
    return found, unsaid
