"""What is asked of a device as a whole: how much was heard of it, its age, its attributes."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Floats, Frames
from pipeline.features.vocabulary import Attribute
from pipeline.features.windows import Column, Rows, newest, waited


class DeviceWindows:
    """Silence, coverage and age. `heard` is (devices, buckets)."""

    def __init__(self, frames: Frames, heard: NDArray[np.bool_], rows: Rows) -> None:
        self._frames, self._rows, self._heard = frames, rows, heard
        self._count = Column(heard.astype(float), rows, rows.one_end)

    def silence(self, limit: int) -> Floats:
        """Whole buckets since anything was heard, `limit` at most."""
        return waited(newest(self._heard, self._rows), self._rows, limit)

    def coverage(self, window: int) -> Floats:
        share: Floats = self._count.sum(window) / window
        return share

    def age(self) -> Floats:
        age: Floats = self._rows.moment - self._frames.installed[self._rows.device]
        return age


class AttributeValues:
    """One attribute of each row's device as a number."""

    def __init__(self, frames: Frames, attribute: Attribute, rows: Rows) -> None:
        texts = frames.attributes.get(attribute.name, [""] * len(frames.device_ids))
        self._values = attribute_values(attribute, texts)[rows.device]

    def value(self) -> Floats:
        return self._values


def attribute_values(attribute: Attribute, texts: Sequence[str]) -> Floats:
    """(devices,) a text's place among the values, or its number; NaN where it has none."""
    if attribute.values:
        places = {value: float(place) for place, value in enumerate(attribute.values)}
        return np.array([places.get(text, np.nan) for text in texts], np.float64)
    return np.array([number(text) for text in texts], np.float64)


def number(text: str) -> float:
    """The finite number that `text` says; NaN where it says none."""
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if isfinite(value) else float("nan")
