"""What a model knows of its fleet: the subjects of its features, fixed when it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any

ANY = "*"
"""As an event: every one of severity error or critical. As a component: whichever it is."""

SEASON_H = 168.0
"""After so many hours the life of a device repeats itself: a week."""


class Window(IntEnum):
    """The roles of windows, from the shortest to the longest."""

    NOW = 0
    SHORT = 1
    DAY = 2
    DAYS = 3
    WEEK = 4  # also the past that a device's present is held against
    LONG = 5
    LONGER = 6


_FINE = (3, 12, 24, 72, 168, 720, 2160)  # buckets; an hour each, these are 3 hours to 90 days
_COARSE = (2, 4, 7, 14, 30, 90, 365)  # a day each, these are 2 days to a year
_COARSE_FROM_H = 3.0
_CARRY = (72, 3)  # buckets: fine, coarse


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of `devices`; a text's value is its place in `values`, a number has none."""

    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The subjects that a model knows, and what else fixes its columns.

    Attributes:
        bucket_h: how long a column of its frames lasts.
        events: codes as `component:code`; `*` stands for every error.
        severities: `component:severity`; of the component `*`, whichever it is.
        sequences: `first>then`, two codes each.
        serviced, replaced, failing: components that were; `*` stands for any.
        gaps: of each of `serviced`: the fleet's usual hours from one service to the next; 0: unknown.
        limits: of each gauge the lowest and the highest usual value.
        usage: the counter that tells how much a device is used; empty: none does.
        peers: which of `model` and `site` devices are compared within.
    """

    bucket_h: float = 1.0
    gauges: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()
    serviced: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    gaps: tuple[float, ...] = ()
    limits: tuple[tuple[float, float], ...] = ()
    usage: str = ""
    peers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Vocabulary:
        """Raises KeyError or TypeError where `data` was not made by `to_json`."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list | tuple) else value
            for name, value in data.items()
        }
        attributes = (Attribute(each["name"], tuple(each["values"])) for each in data["attributes"])
        limits = ((float(low), float(high)) for low, high in data["limits"])
        return Vocabulary(**given | {"attributes": tuple(attributes), "limits": tuple(limits)})

    @property
    def bucket(self) -> timedelta:
        return timedelta(hours=self.bucket_h)

    @property
    def limits_of(self) -> Mapping[str, tuple[float, float]]:
        """The limits of each gauge that has any."""
        return dict(zip(self.gauges, self.limits, strict=False))

    def gap_of(self, component: str) -> float:
        """The fleet's usual hours between services of `component`; 0: unknown."""
        return dict(zip(self.serviced, self.gaps, strict=False)).get(component, 0.0)

    def window_h(self, role: Window) -> float:
        return windows_h(self.bucket_h)[role]

    @property
    def lookback_h(self) -> float:
        """How many hours of rollups the features look back, with what is carried into them."""
        reach = max(self.window_h(Window.WEEK), SEASON_H + self.window_h(Window.DAY))
        return reach + carry(self.bucket_h) * self.bucket_h + 2 * self.bucket_h

    @property
    def event_lookback_h(self) -> float:
        """How many hours of events the features look back."""
        return self.window_h(Window.LONG)


def windows_h(bucket_h: float) -> tuple[float, ...]:
    """The length of each window, by its role: so many hours for buckets of that length."""
    buckets = _FINE if bucket_h < _COARSE_FROM_H else _COARSE
    return tuple(count * bucket_h for count in buckets)


def carry(bucket_h: float) -> int:
    """For so many buckets a gauge's last value stands while its device is heard without saying it
    again: many devices send a gauge only when it changes."""
    return _CARRY[0] if bucket_h < _COARSE_FROM_H else _CARRY[1]
