"""By which rhythm a device is visited, told from the visits that are on record."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.features.frames import marks
from pipeline.features.logs import Cadence
from pipeline.features.windows import Rows

FLEET_H = 360.0


@pytest.mark.parametrize(
    ("gaps", "rhythm"),
    [
        ([360, 720, 360, 1080], 360),  # some visits left no record
        ([720, 1080, 720, 2520], 360),  # none of them is the rhythm itself
        ([720, 720, 720], 720),  # a device that is seen half as often as the others
        ([912, 1340, 360, 720, 1080], 360),  # it was visited otherwise before
        ([168, 170, 335, 166], 167.75),  # nobody comes to the minute
        ([500, 590, 410], 500),  # no rhythm: the median
        ([600], FLEET_H),  # too few to tell
    ],
)
def test_visits_without_a_record_do_not_hide_the_rhythm(gaps: list[float], rhythm: float) -> None:
    visits = np.cumsum([0.0, *gaps])
    told = marks([("part", 0, float(at), float(at)) for at in visits])
    now = visits[-1:] + 100.0
    cadence = Cadence(told, Rows(np.zeros(1, np.int64), now, now.astype(np.int64)), 1.0, FLEET_H)
    assert cadence.gap() == pytest.approx([rhythm])
    assert cadence.due() == pytest.approx([rhythm - 100.0])
