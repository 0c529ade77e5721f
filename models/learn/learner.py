"""The learners that a forecast blends, and the samples that they learn from.

Boosted trees are best where failures are many. Where they are few, randomised trees and a straight
line foretell far better: they need no bins, and see the rare values in which few failures differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from models.learn.calibration import logit
from models.learn.focus import most_telling
from pipeline.features.frames import Floats, Ints

ALLOWED_TYPES = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""The types that a stored forecast's estimators may hold beside those that skops trusts."""

Bools: TypeAlias = NDArray[np.bool_]
Values: TypeAlias = NDArray[np.float32]
Estimator: TypeAlias = Any
"""One of scikit-learn's classifiers; the library is not typed."""

_ROWS_TO_FOCUS = 6_000
_CHUNK = 20_000  # rows that are foretold at a time: copies of them stay small
_FEWEST_ROWS, _ROWS_A_POSITIVE = 3_000, 15  # beyond that, more of the same teaches little
_MOST_TREES, _FEWEST_TREES = 60, 30
_FEW, _SCARCE = 60, 20  # failures
_FEWEST_COLUMNS = 8
_SPLIT_FEATURES = 20  # that a randomised tree tries at each split


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a learner may afford, by how much there is to learn from.

    Attributes:
        failures: different ones among the positives.
        positives: decisions shortly before them.
    """

    failures: int
    positives: int

    @property
    def leaves(self) -> int:
        return int(np.clip(self.failures // 3, 4, 31))

    @property
    def columns(self) -> int | None:
        """How many to try where failures are scarce; None: they tell enough to read all."""
        return max(_FEWEST_COLUMNS, self.failures) if self.failures < _SCARCE else None

    @property
    def few(self) -> bool:
        return self.failures < _FEW

    @property
    def trees(self) -> int:
        return int(np.clip(self.failures, _FEWEST_TREES, _MOST_TREES))

    @property
    def fewest_in_leaf(self) -> int:
        """More than one failure's decisions: they are much alike, and no rule should rest on one."""
        return int(np.clip(1.5 * self.positives / max(1, self.failures), 5, 80))


Fit: TypeAlias = Callable[[Values, Bools, Sizes, float, int], Estimator]
"""(values, label, sizes, variant, seed) -> a fitted classifier."""


@dataclass(frozen=True, slots=True)
class Family:
    """A way to learn, in a few variants of which the rehearsal chooses one.

    Attributes:
        rows: so many decisions at most are learned from.
        variants: in increasing order of how closely they follow what they learn.
        staged: one fit of the last variant holds the others: its first so many rounds.
        seeds: so many fits of different samples are averaged in the end.
    """

    name: str
    fit: Fit
    rows: int
    variants: tuple[float, ...]
    staged: bool = False
    seeds: int = 1


def _boost(
    values: Values, label: Bools, sizes: Sizes, rounds: float, seed: int, rate: float = 0.07
) -> Estimator:
    known = np.where(np.isnan(values).all(axis=0), np.float32(0), values)  # it can't bin no values
    return HistGradientBoostingClassifier(
        max_iter=int(rounds),
        learning_rate=rate,
        max_features=0.2,  # of the features at each split: most say much the same as others
        max_leaf_nodes=sizes.leaves,
        max_bins=63,  # finer ones cost more than they tell
        min_samples_leaf=sizes.fewest_in_leaf,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    ).fit(known, label)


def _forest(values: Values, label: Bools, sizes: Sizes, leaf: float, seed: int) -> Estimator:
    return ExtraTreesClassifier(
        n_estimators=sizes.trees,
        min_samples_leaf=int(leaf),
        max_features=min(_SPLIT_FEATURES, max(1, values.shape[1] // 3)),
        random_state=seed,
    ).fit(values, label)


def _line(values: Values, label: Bools, _sizes: Sizes, strength: float, _seed: int) -> Estimator:
    line = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=strength, max_iter=300),
    )
    return line.fit(np.asarray(values, np.float64), label)


def _stump(values: Values, label: Bools, _sizes: Sizes, _variant: float, seed: int) -> Estimator:
    return DecisionTreeClassifier(max_depth=1, random_state=seed).fit(values, label)


BOOST = Family("boost", _boost, 14_000, (20, 35, 55, 80), staged=True, seeds=2)
BRISK = Family("brisk", partial(_boost, rate=0.15), 14_000, (8, 16, 26, 38), staged=True)
"""Boosted trees where failures are few: fewer rounds, of longer steps, cost half, and tell as much."""
FOREST = Family("forest", _forest, 6_000, (3,))
LINE = Family("line", _line, 8_000, (0.01, 0.1))
STUMP = Family("rule", _stump, 40_000, (1,))


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """An estimator and what to add to its logits, as it learned from a sample."""

    estimator: Estimator
    shift: float

    def logits(self, values: Values) -> Floats:
        """(rows,) log odds, of the whole and not of the sample."""
        parts = [_logits(self.estimator, values[part]) for part in chunks(len(values))]
        return np.concatenate(parts) + self.shift if parts else np.zeros(0)

    def staged(self, values: Values, rounds: Sequence[float]) -> list[Floats]:
        """The logits after each of `rounds`, of boosted trees."""
        found: list[list[Floats]] = [[] for _ in rounds]
        for part in chunks(len(values)):
            stages = enumerate(self.estimator.staged_decision_function(values[part]), start=1)
            wanted = [np.ravel(logits) for stage, logits in stages if stage in rounds]
            for place, logits in enumerate(wanted):
                found[place].append(logits + self.shift)
        return [np.concatenate(logits) if logits else np.zeros(0) for logits in found]


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What there is to learn from: some rows and columns of a matrix, labels and weights of the rows.

    Attributes:
        teaches: rows that may be learned from; all may be asked about.
    """

    values: Values
    index: Ints
    columns: Ints
    label: Bools
    weight: Floats
    teaches: Bools
    sizes: Sizes

    def rows(self, part: Ints) -> Values:
        """(len(part), len(columns)) what was known at those decisions."""
        return self.values[np.ix_(self.index[part], self.columns)]

    def learn(self, part: Ints, family: Family, variant: float, seed: int = 0) -> Learned:
        """A fit on a sample of `part`, of at most `family.rows`."""
        teaching = part[self.teaches[part]]
        kept, shift = thinned(self.label[teaching], self.weight[teaching], family.rows, seed)
        sample = teaching[kept]
        estimator = family.fit(self.rows(sample), self.label[sample], self.sizes, variant, seed)
        return Learned(estimator, shift)

    def focused(self, part: Ints, most: int | None) -> Lesson:
        """The same, of the `most` columns in which the failures of `part` differ most; None: of all."""
        if most is None:
            return self
        teaching = part[self.teaches[part]]
        kept, _ = thinned(self.label[teaching], self.weight[teaching], _ROWS_TO_FOCUS, 0)
        sample = teaching[kept]
        places = most_telling(self.rows(sample), self.label[sample], most)
        return replace(self, columns=self.columns[places])

    def can_teach(self, part: Ints) -> bool:
        """Whether `part` shows both outcomes."""
        label = self.label[part[self.teaches[part]]]
        return bool(label.any()) and not bool(label.all())


def thinned(label: Bools, weight: Floats, most: int, seed: int) -> tuple[Ints, float]:
    """(rows to learn from: at most `most`, up to half of them positives; logit shift).

    A model of thinned rows takes failures for likelier than they are; adding the shift to its logit
    undoes that. Rows are drawn by weight, so that the sample stands for the whole. (Weights
    in the fit would too, but make scikit-learn's binning hundreds of times slower.)
    """
    random = np.random.default_rng(seed)
    most = min(most, max(_FEWEST_ROWS, _ROWS_A_POSITIVE * int(label.sum())))
    positives = _drawn(np.flatnonzero(label), weight, most // 2, random)
    negatives = _drawn(np.flatnonzero(~label), weight, most - len(positives), random)
    share = [weight[label].sum() / len(positives), weight[~label].sum() / len(negatives)]
    return np.sort(np.concatenate([positives, negatives])), float(np.log(share[0] / share[1]))


def chunks(rows: int) -> Iterator[slice]:
    """Slices that cover `rows`."""
    for first in range(0, rows, _CHUNK):
        yield slice(first, first + _CHUNK)


def telling(values: Values, index: Ints) -> Ints:
    """The columns that are not the same in all rows of `index`: the others teach nothing."""
    lowest = np.full(values.shape[1], np.inf)
    highest = np.full(values.shape[1], -np.inf)
    unknown = np.zeros(values.shape[1], bool)
    for part in chunks(len(index)):
        here = values[index[part]]
        lowest, highest = (
            np.fmin(lowest, np.fmin.reduce(here)),
            np.fmax(highest, np.fmax.reduce(here)),
        )
        unknown |= np.isnan(here).any(axis=0)
    return np.flatnonzero((highest > lowest) | (unknown & np.isfinite(lowest)))


def _drawn(rows: Ints, weight: Floats, most: int, random: np.random.Generator) -> Ints:
    if len(rows) <= most:
        return rows
    chance = weight[rows] / weight[rows].sum()
    return random.choice(rows, most, replace=False, p=chance)


def _logits(estimator: Estimator, values: Values) -> Floats:
    if isinstance(estimator, ExtraTreesClassifier):
        return logit(_share(estimator, np.ascontiguousarray(values)))
    return logit(estimator.predict_proba(values)[:, 1].astype(np.float64))


def _share(forest: ExtraTreesClassifier, values: Values) -> Floats:
    """(rows,) the trees' mean answer: where no tree saw a failure the chance is small, not nil, as if
    one more tree had seen few. (The forest's own method does it by a pool of threads, each of
    which changes the warnings' filters of all.)"""
    total = np.full(len(values), 0.01)
    for tree in forest.estimators_:
        total += tree.tree_.predict(values)[:, 1]
    return total / (len(forest.estimators_) + 1)
