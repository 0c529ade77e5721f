"""Whether groups of lives differ by more than chance: the log-rank test. Pure.

Mantel 1966 and Peto and Peto 1972; stratified, and with late entries, as in Klein and Moeschberger,
Survival Analysis, 2nd edition, 7.3 to 7.5: like is compared with like, and failures are expected of
those who were watched at that age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kpi.life.survival import Floats, Ints, Lives
from kpi.uptime.reliability import poisson_interval


@dataclass(frozen=True, slots=True)
class Against:
    """One group against all others of its strata.

    Attributes:
        lives, devices: how many of them.
        failures, expected: seen, and what there would be if the group were like the others.
        ratio, low, high: of these two, with the 95 % interval of a Poisson count; None where none
            was expected.
        p: of so large a difference by chance; 1 where nothing can be compared.
    """

    lives: int
    devices: int
    failures: int
    expected: float
    ratio: float | None
    low: float | None
    high: float | None
    p: float


@dataclass(frozen=True, slots=True)
class LogRank:
    """All groups at once.

    Attributes:
        groups: by the groups' numbers.
        chi2, freedom, p: of no difference between any of them.
    """

    groups: tuple[Against, ...]
    chi2: float
    freedom: int
    p: float


def log_rank(lives: Lives, group: Ints, stratum: Ints) -> LogRank:
    """Compares groups 0, 1, ... of lives, each within its stratum; both (lives,)."""
    count = int(group.max(initial=-1)) + 1
    expected, variance = np.zeros(count), np.zeros((count, count))
    for number in np.unique(stratum):
        here = stratum == number
        more = _within(lives.where(here), group[here], count)
        expected, variance = expected + more[0], variance + more[1]
    seen = np.bincount(group[lives.failed], minlength=count).astype(np.float64)
    off = seen - expected
    freedom = int(np.linalg.matrix_rank(variance)) if count else 0
    chi2 = float(off @ np.linalg.pinv(variance, hermitian=True) @ off) if count else 0.0
    return LogRank(
        tuple(
            _against(
                lives, group == one, *(float(x[one]) for x in (expected, off, variance.diagonal()))
            )
            for one in range(count)
        ),
        chi2,
        freedom,
        _tail(chi2, freedom),
    )


def _within(lives: Lives, group: Ints, count: int) -> tuple[Floats, Floats]:
    """Of one stratum: failures expected of each group (groups,), and their covariance."""
    ages = np.unique(lives.exit[lives.failed])
    watched = np.array([lives.where(group == one).at_risk(ages) for one in range(count)], float)
    total, failures = lives.at_risk(ages).astype(float), lives.failures(ages).astype(float)
    share = watched / total
    weight = failures * (total - failures) / np.maximum(total - 1, 1)
    variance = np.diag((share * weight).sum(axis=1)) - (share * weight) @ share.T
    return (share * failures).sum(axis=1), variance


def _against(
    lives: Lives,
    rows: np.ndarray[tuple[int], np.dtype[np.bool_]],
    expected: float,
    off: float,
    variance: float,
) -> Against:
    failures = int(lives.failed[rows].sum())
    low, high = poisson_interval(failures)
    known = expected > 0
    return Against(
        lives=int(rows.sum()),
        devices=len(np.unique(lives.device[rows])),
        failures=failures,
        expected=expected,
        ratio=failures / expected if known else None,
        low=low / expected if known else None,
        high=high / expected if known else None,
        p=_tail(off**2 / variance, 1) if variance > 1e-9 else 1.0,
    )


def _tail(chi2: float, freedom: int) -> float:
    """How likely so high a chi-square is by chance."""
    from scipy.special import chdtrc  # half a second to load: only for who asks

    return float(chdtrc(freedom, chi2)) if freedom else 1.0


def holm(chances: Sequence[float]) -> list[float]:
    """p values corrected so that of all tests together one in twenty is wrong by chance, at most
    (Holm 1979)."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    corrected, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = highest
    return corrected


def discoveries(chances: Sequence[float]) -> list[float]:
    """p values corrected so that of what is found so many, as a share, are false (Benjamini and
    Hochberg 1995)."""
    order = sorted(range(len(chances)), key=chances.__getitem__, reverse=True)
    corrected, lowest = [0.0] * len(chances), 1.0
    for rank, place in enumerate(order):
        lowest = min(lowest, chances[place] * len(chances) / (len(chances) - rank))
        corrected[place] = lowest
    return corrected
