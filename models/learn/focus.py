"""Few columns for few failures: those in which failures differ most.

Among hundreds of columns a handful of failures differ from the rest in many by chance, and a learner that
reads all of them hears little of the few that tell. Each column is asked alone: by how much does its
best single limit explain what failed (the gain in log likelihood, in nats).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Floats, Ints


def most_telling(values: NDArray[np.float32], label: NDArray[np.bool_], most: int) -> Ints:
    """The places of the `most` columns of `values` (rows, columns) that tell most, in their order."""
    if most >= values.shape[1]:
        return np.arange(values.shape[1])
    order = np.argsort(-gains(values, label), kind="stable")
    return np.sort(order[:most])


def gains(values: NDArray[np.float32], label: NDArray[np.bool_]) -> Floats:
    """(columns,) what the best limit on each column explains; 0 where all values are alike.

    Unknown values lie above every limit.
    """
    order = np.argsort(values, axis=0, kind="stable")  # NaN comes last
    ranked = np.take_along_axis(values, order, axis=0)
    below = np.cumsum(label[order], axis=0, dtype=np.float64)[:-1]
    rows, failed = float(len(label)), float(label.sum())
    count = np.arange(1.0, rows)[:, None]
    gain = _explained(below, count) + _explained(failed - below, rows - count)
    limit = (ranked[1:] != ranked[:-1]) & ~np.isnan(ranked[:-1])
    whole = _explained(np.array(failed), np.array(rows))
    found: Floats = np.where(limit, gain - whole, 0.0).max(axis=0, initial=0.0)
    return found


def _explained(failed: Floats, rows: Floats) -> Floats:
    """Log likelihood of so many failures among so many rows, at their own share."""
    share = failed / rows
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = np.where(failed > 0, failed * np.log(share), 0.0)
        spared = np.where(failed < rows, (rows - failed) * np.log1p(-share), 0.0)
    total: Floats = hit + spared
    return total
