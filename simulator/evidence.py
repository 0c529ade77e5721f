"""How much the signs of a rise say against chance, hour by hour.

The measure is the expected log likelihood ratio (Kullback-Leibler divergence, in nats) between the part as
it wears and the same part if it were sound: for a Poisson rate b that grew from a,
`b ln(b/a) - b + a`; for a normal value moved by d with deviation s, `d² / 2s²`. Nobody who reads the
device's data can know more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from domain.device import DeviceKind
from simulator import clockwork
from simulator.fleet import Device
from simulator.signals import SIGNALS, neglected, use
from simulator.stories import SUPPLY
from simulator.wear import Floats, Rise, wear

VISIBLE_NATS = 5.0
"""From here on the signs are 150 times likelier with wear than by chance: they are visible."""

_HOUR_S = 3600.0
_DRIFT_NOISE_S = 3.0 * 2**0.5  # of the difference of two readings
_LEAST_RATE = 1e-3
_STOCK_NOISE = 0.03  # of a full stock: so far from its usual turn some are handled, too


def visible_from(device: Device, usage: float, time_zone: str, rise: Rise) -> datetime | None:
    """When the rise has become visible; None when it never does before its peak."""
    first = rise.onset.timestamp()
    hours = np.arange(first, rise.peak.timestamp(), _HOUR_S)
    if not len(hours):
        return None
    seen = np.cumsum(_nats(device.kind, use(hours, time_zone, usage), rise, hours))
    enough = np.flatnonzero(seen >= VISIBLE_NATS)
    if not len(enough):
        return None
    moment = rise.onset + timedelta(hours=float(enough[0]) + 1)  # an hour counts when it is over
    return moment if moment <= rise.peak else None


def _nats(kind: DeviceKind, activity: Floats, rise: Rise, hours: Floats) -> Floats:
    if kind is DeviceKind.CLOCK:
        return _of_clock(activity, rise, hours)
    return _of_terminal(kind, activity, rise, hours)


def _of_clock(activity: Floats, rise: Rise, hours: Floats) -> Floats:
    def level(component: str, sign: str) -> Floats:
        return wear([rise], component, hours, sign)

    restarts = clockwork.RESTARTS_WORN * level(clockwork.POWER, "x.PowerOnCount")
    unread = clockwork.UNREAD_WORN * level(clockwork.SENSOR, "x.VerifyFailedCount")
    lost = clockwork.LOSES_WORN_S * level(clockwork.TIME, "x.ClockDrift")
    return (
        _grown(np.full(len(hours), clockwork.RESTARTS_IDLE), restarts)
        + _grown(clockwork.UNREAD_BUSY * activity, unread * activity)
        + _moved(lost, _DRIFT_NOISE_S)
    )


def _of_terminal(kind: DeviceKind, activity: Floats, rise: Rise, hours: Floats) -> Floats:
    signals, nats = SIGNALS[kind], np.zeros(len(hours))
    for counter in signals.counters:
        level = wear([rise], counter.component, hours, counter.metric)
        nats += _grown(counter.idle + activity * counter.busy, activity * counter.worn * level)
    for gauge in signals.gauges:
        level = wear([rise], gauge.component, hours, gauge.metric)
        nats += _moved(gauge.worn * level, gauge.noise)
    for stock in signals.stocks:
        if rise.story == SUPPLY and stock.metric in rise.signs:
            beyond = neglected(stock, rise, hours) - stock.span
            nats += _moved(np.maximum(beyond, 0.0) / stock.most, _STOCK_NOISE)
    for event in signals.events:
        level = wear([rise], event.component, hours, event.code)
        nats += _grown(np.full(len(hours), event.idle), event.worn * level**2)
    return nats


def _grown(sound: Floats, added: Floats) -> Floats:
    low = np.maximum(sound, _LEAST_RATE)
    high = np.maximum(sound + added, _LEAST_RATE)
    return np.where(added != 0, high * np.log(high / low) - high + low, 0.0)


def _moved(by: Floats, noise: float) -> Floats:
    return by**2 / (2 * noise**2)
