"""How the values of features are distributed, and how far they have moved since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Floats

_BINS = 10
_LEAST_SHARE = 1e-4  # of a bin that is empty: the index stays finite
_DIGITS = 9  # enough to give a float32 back exactly


def describe(values: NDArray[np.float32], devices: int) -> dict[str, Any]:
    """The distribution of each column of `values` (rows, features), as JSON.

    A column is cut at its deciles; equal ones are one cut. A last bin holds what is unknown.
    `devices`: how many the rows are of.
    """
    cuts = [_cuts(column) for column in values.T]
    shares = [_shares(column, edges) for column, edges in zip(values.T, cuts, strict=True)]
    return {
        "devices": devices,
        "cuts": [edges.tolist() for edges in cuts],
        "shares": [[_short(value) for value in share] for share in shares],
    }


def psi(described: Mapping[str, Any], values: NDArray[np.float32]) -> Floats:
    """(features,) population stability index of `values` against what was described.

    The sum over bins of (now - then) * ln(now / then); below .1 nothing has moved, above .25 much
    has. Siddiqi, Credit Risk Scorecards, 2006.
    """
    return np.array(
        [
            _index(np.array(then), _shares(column, np.array(edges)))
            for column, edges, then in zip(
                values.T, described["cuts"], described["shares"], strict=True
            )
        ]
    )


def bins(described: Mapping[str, Any]) -> NDArray[np.int64]:
    """(features,) how many bins each column is cut into."""
    return np.array([len(shares) for shares in described["shares"]], np.int64)


def _cuts(column: NDArray[np.float32]) -> Floats:
    known = column[~np.isnan(column)].astype(np.float64)
    if not len(known):
        return np.zeros(0)
    deciles = np.quantile(known, np.arange(1, _BINS) / _BINS)
    return np.unique([_short(decile) for decile in deciles])  # as they will be stored


def _shares(column: NDArray[np.float32], cuts: Floats) -> Floats:
    unknown = np.isnan(column)
    # A value at a cut lies below it: so a value that most rows have makes a bin of its own.
    place = np.searchsorted(cuts, column.astype(np.float64), side="left")
    place[unknown] = len(cuts) + 1
    counts = np.bincount(place, minlength=len(cuts) + 2)
    return counts / max(1, len(column))


def _index(then: Floats, now: Floats) -> float:
    old, new = np.maximum(then, _LEAST_SHARE), np.maximum(now, _LEAST_SHARE)
    return float(np.sum((new - old) * np.log(new / old)))


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
