"""A device held against those of its model, or of its site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Floats, Frames, Ints
from pipeline.features.windows import Column, Rows, standardised

_FEWEST = 3  # buckets of others


def group_keys(attributes: Mapping[str, Sequence[str]], grouping: str) -> list[str]:
    """The group that each device belongs to: devices of different kinds are no peers."""
    kinds, names = attributes["kind"], attributes[grouping]
    return [f"{kind}/{name}" for kind, name in zip(kinds, names, strict=True)]


class PeerWindows:
    """The windows of one metric held against those of the peers, oneself left out."""

    def __init__(
        self,
        level: Floats,
        measured: NDArray[np.bool_],
        rows: Rows,
        frames: Frames,
        grouping: str,
        metric: str,
    ) -> None:
        """`level`, `measured`: (devices, buckets), what each device stood at, and whether it did."""
        self._rows = rows
        one_end = rows.one_end
        level = np.where(measured, level, 0.0)
        self._own = [
            Column(part, rows, one_end) for part in (measured.astype(np.float64), level, level**2)
        ]
        peers = frames.peers
        assert peers is not None  # features_at looked
        sums = peers.sums.get((grouping, metric))
        self._known = sums is not None
        if sums is None:
            return
        places = peers.groups[grouping]
        keys = group_keys(frames.attributes, grouping)
        group: Ints = np.array([places.get(key, -1) for key in keys], np.int64)[rows.device]
        shift = round((peers.start - frames.start) / peers.bucket)
        end = np.clip(rows.end - shift, 0, sums.n.shape[1])
        self._apart = group < 0
        theirs = Rows(np.maximum(group, 0), rows.moment, end)
        one_end = theirs.one_end
        self._all = [Column(part, theirs, one_end) for part in (sums.n, sums.total, sums.squares)]

    def against(self, window: int) -> Floats:
        """(mean - the peers' mean) / the peers' spread; NaN with too few others."""
        if not self._known:
            return np.full(len(self._rows.moment), np.nan)
        own = [column.sum(window) for column in self._own]
        n, total, squares = (
            column.sum(window) - mine for column, mine in zip(self._all, own, strict=True)
        )
        enough = (n >= _FEWEST) & (own[0] > 0) & ~self._apart
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = total / n
            spread = np.sqrt(np.maximum(squares / n - mean**2, 0.0))
            value = standardised(own[1] / own[0] - mean, spread, mean)
        return np.where(enough, value, np.nan)
