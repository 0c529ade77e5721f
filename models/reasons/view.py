"""What the words of a group of features are made from and into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.text import Text, Value
from domain.vocabulary import metric
from models.reasons.units import NOTHING
from pipeline.features.definitions import Feature, Statistic

TREND, LEVEL, PAST, DETAIL = 4.0, 3.0, 2.0, 1.0
"""Weights of heads: how something changed tells more than how high it is."""


@dataclass(frozen=True, slots=True)
class View:
    """One group's features of one row.

    Attributes:
        values, usual: of each feature, and what is usual in the fleet; NaN where unknown.
        service_h: hours since the subject's component was serviced; NaN: not on record.
    """

    features: Sequence[Feature]
    values: NDArray[np.float32]
    usual: NDArray[np.float32]
    service_h: float = float("nan")

    @property
    def subject(self) -> str:
        return self.features[0].subject

    def each(self, statistic: Statistic) -> list[tuple[float, float, float]]:
        """(window in hours, value, usual) of each known feature of `statistic`, by window."""
        return sorted(
            (float(feature.window_h), float(value), float(usual))
            for feature, value, usual in zip(self.features, self.values, self.usual, strict=True)
            if feature.statistic is statistic and isfinite(value)
        )


@dataclass(frozen=True, slots=True)
class Clause:
    """What one statistic says.

    Attributes:
        weight: the weightiest head leads, the weightiest tails follow.
        tail: what goes on about another head, and about this one unless it `echoes` it.
        value, usual: the row of the table behind the sentence.
    """

    weight: float
    head: Text | None
    tail: Text | None = None
    value: Text = NOTHING
    usual: Text = NOTHING
    echoes: bool = False


Words: TypeAlias = Callable[[View, Statistic], Clause | None]


def text(template: str, **values: Value) -> Text:
    """A sentence with its values."""
    return Text(template, values)


def label_of(view: View) -> str:
    """What the view's metric is called."""
    return metric(view.subject).label
