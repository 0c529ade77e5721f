"""What happened after each decision, and which decisions are none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Floats, Ints, Marks
from pipeline.features.logs import STRIDE, device_key

REPAIR_LIMIT_H = 72.0
"""A failure whose repair nobody recorded counts as repaired after so long."""


def hours_to_next(marks: Marks, device: Ints, moment: Floats) -> Floats:
    """Hours from each moment to the next mark of the device after it; infinite where none comes."""
    keys = np.sort(device_key(marks.device, marks.at))
    now = device_key(device, moment)
    index = np.searchsorted(keys, now, side="right")
    upcoming = np.append(keys, np.inf)[index]
    same = upcoming < (device + 1) * STRIDE
    return np.where(same, upcoming - now, np.inf)


def hours_since_last(marks: Marks, device: Ints, moment: Floats) -> Floats:
    """Hours from the newest mark at or before each moment; infinite where there is none."""
    keys = np.sort(device_key(marks.device, marks.at))
    now = device_key(device, moment)
    index = np.searchsorted(keys, now, side="right")
    latest = np.insert(keys, 0, -np.inf)[index]
    same = latest >= device * STRIDE
    return np.where(same, now - latest, np.inf)


def failed(failures: Marks, device: Ints, moment: Floats, horizon_h: float) -> NDArray[np.bool_]:
    """The label: the component fails in (moment, moment + horizon]."""
    return hours_to_next(failures, device, moment) <= horizon_h


def broken(failures: Marks, maintenance: Marks, device: Ints, moment: Floats) -> NDArray[np.bool_]:
    """Whether the component has failed and is not repaired yet: nothing is left to foretell.

    At the moment of the failure it is broken, even where its repair carries the same time.
    """
    since_failure = hours_since_last(failures, device, moment)
    since_repair = hours_since_last(maintenance, device, moment)
    waiting: NDArray[np.bool_] = since_failure < REPAIR_LIMIT_H
    now: NDArray[np.bool_] = since_failure == 0
    return (waiting & (since_repair > since_failure)) | now


def replaced_in_time(
    failures: Marks, maintenance: Marks, device: Ints, moment: Floats, horizon_h: float
) -> NDArray[np.bool_]:
    """Whether the component was serviced within the horizon before it could fail: nobody knows
    whether it would have, so it teaches neither."""
    repair = hours_to_next(maintenance, device, moment)
    return (repair <= horizon_h) & (repair < hours_to_next(failures, device, moment))
