"""A data set without decisions: what its marks are added to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from models.data.dataset import Dataset
from pipeline.features.frames import HOUR, marks


def tiny_dataset(start: datetime, device_ids: Sequence[int], end: datetime) -> Dataset:
    """Of devices that nothing was asked about and nothing happened to."""
    devices = len(device_ids)
    hours = (end - start) / HOUR
    return Dataset(
        start,
        hours,
        devices,
        np.zeros(0, np.int64),
        np.zeros(0),
        (),
        np.zeros((0, 0), np.float32),
        marks([]),
        marks([]),
        np.full(devices, hours),
        np.ones(devices),
        np.array(device_ids, np.int64),
    )
