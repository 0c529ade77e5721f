"""Why a device is unusual, in words: what it did in the last day against its own past or its peers."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from domain.reason import Reason
from domain.text import N_, Text, Value
from domain.vocabulary import metric
from models.reasons.units import a_day, changed, measure, span, times
from models.unusual.anomaly import LASTING, WINDOWS_A_DAY, Singles
from models.unusual.levels import TROUBLE

_MOST = 3
_NOTABLE = 1.5
_DAY_H = 24.0
_FEWEST_PAST = 2 * WINDOWS_A_DAY


@dataclass(frozen=True, slots=True)
class Told:
    """One subject of one device, over a day; NaN where unknown.

    Attributes:
        weight: its part of the component's score, squared.
        now, own, peers: what it was in the last day, is in its own past, and is with its peers:
            counts a day, or a mean.
    """

    subject: str
    counted: bool
    weight: float
    now: float
    own: float
    peers: float


def day_level(levels: Singles, counted: bool) -> Singles:
    """(...,) the last day of `levels` (windows, ...): counts a day, or a mean."""
    last = levels[-LASTING:]
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.isfinite(last).sum(axis=0)
        mean = np.nansum(last, axis=0) / np.where(known > 0, known, np.nan)
    return np.asarray(mean * (WINDOWS_A_DAY if counted else 1), np.float32)


def own_level(levels: Singles, counted: bool) -> float:
    """What is usual for one device, from its past `levels` (windows,); NaN with less than 2 days."""
    known = levels[np.isfinite(levels)]
    if len(known) < _FEWEST_PAST:
        return float("nan")
    days = known[len(known) % WINDOWS_A_DAY :].reshape(-1, WINDOWS_A_DAY)
    return float(np.median(days.sum(axis=1))) if counted else float(np.median(known))


def reasons(told: list[Told]) -> list[Reason]:
    """Up to three, the strongest first, with their shares of what makes the device unusual."""
    whole = sum(one.weight for one in told) or 1.0
    ordered = sorted(told, key=lambda one: -one.weight)[:_MOST]
    return [_reason(one, one.weight / whole) for one in ordered if one.weight > 0]


def _reason(told: Told, share: float) -> Reason:
    usual = told.own if isfinite(told.own) else told.peers
    if told.counted:
        shown = (_count(told, told.now), _count(told, usual))
    else:
        unit = metric(told.subject).unit
        shown = (measure(told.now, unit), measure(usual, unit))
    return Reason(_sentence(told, usual, *shown), share, *shown)


def _count(told: Told, value: float) -> Text:
    return a_day(value, "" if told.subject.endswith(TROUBLE) else metric(told.subject).unit)


def _sentence(told: Told, usual: float, now: Text, before: Text) -> Text:
    label = N_("warnings and errors")
    if not told.subject.endswith(TROUBLE):
        label = metric(told.subject).label
    words: dict[str, Value] = {"label": label, "value": now, "usual": before}
    if not isfinite(told.own):
        return Text(N_("{label}: {value}, and {usual} is usual for its peers"), words)
    if not told.counted:
        return Text(N_("{label} is {value}, and {usual} is usual for this device"), words)
    if usual <= 0:
        began: dict[str, Value] = {"label": label, "amount": now, "window": span(_DAY_H)}
        return Text(N_("{label}: {amount} over {window}, none before"), began)
    text = changed(label, told.now / usual, span(_DAY_H))
    if not (told.peers > 0 and told.now / told.peers >= _NOTABLE):
        return text
    peers = Text(N_("{times} times its peers"), {"times": times(told.now / told.peers)})
    return Text(N_("{first}; {second}"), {"first": text, "second": peers})
