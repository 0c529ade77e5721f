"""How counters grow: resets, rollovers, replaced parts.

A counter's reading is a total. What one reading adds after another:

- it did not fall: the difference;
- it fell from the last sixteenth below 2^16 or 2^32 into the first sixteenth: a rollover, so what was
  left to the limit, plus the reading;
- it fell to half or less: a reset to zero, so the reading itself;
- it fell less than that: a correction or a disorder, so nothing;
- the part was replaced in between: nothing, since the new part has a total of its own.

The first reading of all adds nothing. When in doubt the rule counts too little rather than too much. The
same rule stands in SQL as the function `counter_step`, by which rollups are computed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROLLOVERS = (2.0**16, 2.0**32)
_NEAR = 1 / 16
_RESET_BELOW = 1 / 2


def steps(before: Floats, after: Floats) -> Floats:
    """What `after` adds to `before`, pair by pair: equally long arrays; NaN before: nothing."""
    grown = after - before
    fallen = np.where(after <= before * _RESET_BELOW, after, 0.0)
    for limit in ROLLOVERS:
        rolled = (before < limit) & (before >= limit * (1 - _NEAR)) & (after <= limit * _NEAR)
        fallen = np.where(rolled, limit - before + after, fallen)
    return np.where(np.isnan(before), 0.0, np.where(after >= before, grown, fallen))


def deltas(values: Floats, replaced: NDArray[np.bool_] | None = None) -> Floats:
    """What each reading of one counter adds, in the order of time; as long as `values`.

    `replaced`: whether the part was replaced between a reading and the one before it.
    """
    if len(values) == 0:
        return values.copy()
    before = np.concatenate([[np.nan], values[:-1]])
    grown = steps(before, values)
    return grown if replaced is None else np.where(replaced, 0.0, grown)
