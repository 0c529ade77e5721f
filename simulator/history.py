"""What simulated devices measured and went through in the past, an hour a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from domain.device import Cause, DeviceKind
from domain.report import Severity
from simulator import clockwork
from simulator.fleet import Device
from simulator.signals import (
    SIGNALS,
    Signals,
    counter_steps,
    event_counts,
    failure_code,
    gauge_values,
    stock_values,
    traits,
    use,
)
from simulator.wear import Floats, Life, Rise, seeded, wear

Mask = npt.NDArray[np.bool_]

__HOUR_S = 3600.0
_WORKS_AGAIN = "restored"
_COMMANDS_TO_CONNECT = 2
_CLOCK_ACTIVITY = 1.0
_QUIET_S, _BUSY_S, _BUSY_SHARE = 0.004, 0.15, 0.1
_DRIFT_NOISE_S = 3.0


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one metric; `moments` in seconds since 1970, ascending, one an hour at most."""

    moments: Floats
    values: Floats


@dataclass(frozen=True, slots=True)
class PastEvent:
    at: datetime
    component: str
    code: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Repair:
    at: datetime
    component: str
    action: str


@dataclass(frozen=True, slots=True)
class Spell:
    """The device was down from `start` to `end`."""

    start: datetime
    end: datetime
    cause: Cause
    detail: str
    component: str


@dataclass(frozen=True, slots=True)
class Happenings:
    """What befell a device and what was done to it, as in `DeviceHistory`."""

    failures: tuple[Rise, ...]
    repairs: tuple[Repair, ...]
    spells: tuple[Spell, ...]


@dataclass(frozen=True, slots=True)
class DeviceHistory:
    """One device's past. `spells` are in order and do not touch each other.

    Attributes:
        repairs: of failures, and what else somebody did to a component.
    """

    series: Mapping[str, Series]
    events: tuple[PastEvent, ...]
    failures: tuple[Rise, ...]
    repairs: tuple[Repair, ...]
    spells: tuple[Spell, ...]


def device_history(
    device: Device, time_zone: str, life: Life, start: datetime, end: datetime
) -> DeviceHistory:
    """The past of `device` from `start` to `end`; `life` must cover it."""
    hours = np.arange(start.timestamp(), end.timestamp(), __HOUR_S)
    rng = seeded(device.key, f"history {end:%Y-%m-%d}")
    if device.kind is DeviceKind.CLOCK:
        series = _clock_series(device, time_zone, life, hours, rng)
        events: list[PastEvent] = []
    else:
        series, events = _terminal_past(device, time_zone, life, hours, rng)
        events += _failure_events(life, device.kind)
    found = happenings(device.kind, life, start, end)
    return DeviceHistory(
        series,
        tuple(sorted((e for e in events if start <= e.at < end), key=lambda event: event.at)),
        found.failures,
        found.repairs,
        found.spells,
    )


def happenings(kind: DeviceKind, life: Life, start: datetime, end: datetime) -> Happenings:
    """What befell a device of `kind` from `start` to `end`, without what it measured."""
    return Happenings(
        tuple(rise for rise in life.failures() if start <= rise.peak < end),
        tuple(repair for repair in _repairs(life) if start <= repair.at < end),
        tuple(_spells(kind, life, start, end)),
    )


def _repairs(life: Life) -> Iterator[Repair]:
    for rise in life.rises:
        if served := rise.repair():
            yield Repair(served[0], rise.component, served[1])


def _terminal_past(
    device: Device, time_zone: str, life: Life, hours: Floats, rng: np.random.Generator
) -> tuple[dict[str, Series], list[PastEvent]]:
    signals, of = SIGNALS[device.kind], traits(device.key, device.kind)
    moments = hours + of.minute * 60
    lit = ~_any_within(life.dark(), moments)
    activity = use(moments, time_zone, of.usage) * ~_halted(life, moments)
    values = _counters(signals, life, moments, activity, lit, rng)
    for gauge in signals.gauges:
        level = wear(life.rises, gauge.component, moments, gauge.metric)
        values[gauge.metric] = gauge_values(gauge, of.offsets[gauge.metric], activity, level, rng)
    for stock in signals.stocks:
        counted = values[stock.counter]
        values[stock.metric] = stock_values(stock, of.forgetful, counted, life.rises, moments)
    series = {name: Series(moments[lit], each[lit]) for name, each in values.items()}
    return series, _events(signals, life, moments, rng)


def _counters(
    signals: Signals,
    life: Life,
    moments: Floats,
    activity: Floats,
    lit: Mask,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    counted = {}
    for signal in signals.counters:
        worn = wear(life.rises, signal.component, moments, signal.metric)
        steps = counter_steps(signal, activity, worn, rng) * lit
        counted[signal.metric] = np.cumsum(steps).astype(np.float64)
    return counted


def _events(
    signals: Signals, life: Life, moments: Floats, rng: np.random.Generator
) -> list[PastEvent]:
    works = ~_halted(life, moments)
    found: list[PastEvent] = []
    for signal in signals.events:
        worn = wear(life.rises, signal.component, moments, signal.code)
        counts = event_counts(signal, worn, rng) * works
        for hour in np.repeat(moments, counts):
            at = datetime.fromtimestamp(float(hour + rng.uniform(0, __HOUR_S)), UTC)
            found.append(PastEvent(at, signal.component, signal.code, signal.severity))
    return found


def _failure_events(life: Life, kind: DeviceKind) -> list[PastEvent]:
    found: list[PastEvent] = []
    for rise in [rise for rise in life.failures() if rise.told]:
        code = failure_code(kind, rise)
        found.append(PastEvent(rise.peak, rise.component, code, code.severity))
        found.append(PastEvent(rise.end, rise.component, _WORKS_AGAIN, Severity.INFO))
    return found


def _clock_series(
    device: Device, time_zone: str, life: Life, hours: Floats, rng: np.random.Generator
) -> dict[str, Series]:
    of = clockwork.clock_traits(device.key, device.model)
    moments = hours + of.minute * 60
    dark = _any_within(life.dark(), moments)
    activity = use(moments, time_zone, _CLOCK_ACTIVITY) * ~dark
    mains = clockwork.mains(device.site, moments)
    drawn = clockwork.clock_hours(activity, clockwork.clock_wear(life, moments), mains, rng)
    records, by_finger = _record_counts(device.key, of, time_zone, moments)
    heard = ~(dark | _cut_off(life, moments))
    values = {
        "x.ConnectTime": of.latency_s * _COMMANDS_TO_CONNECT + _machine_noise(len(hours), rng),
        "x.CommandTime": of.latency_s + _machine_noise(len(hours), rng),
        "x.ClockDrift": np.round(
            _drifts(of, drawn.jumps_s) + rng.normal(0, _DRIFT_NOISE_S, len(hours))
        ),
        "x.PowerOnCount": np.cumsum(drawn.restarts * ~dark + _returns(dark)).astype(np.float64),
        "x.VerifyFailedCount": np.cumsum(drawn.verify_failed).astype(np.float64),
        "x.VerifiedCount": by_finger,
        "CommunicationErrorCount": np.cumsum(~heard).astype(np.float64),
        "x.UserCount": np.full(len(moments), float(of.users)),
        "x.FingerCount": np.full(len(moments), float(of.users)),
        "x.RecordCount": records,
        "x.RecordCapacity": np.full(len(moments), float(of.capacity)),
        "x.LogFill": np.round(100 * records / of.capacity, 2),
    }
    return {name: Series(moments[heard], each[heard]) for name, each in values.items()}


def _drifts(of: clockwork.ClockTraits, jumps_s: Floats) -> Floats:
    drift, drifts = 0.0, np.empty(len(jumps_s))
    for hour, jump in enumerate(jumps_s):
        drift = drifts[hour] = clockwork.drifted(drift, of, float(jump))
    return drifts


def _machine_noise(hours: int, rng: np.random.Generator) -> Floats:
    """What the poller's own machine adds to a time in seconds: little, now and then much."""
    busy = rng.random(hours) < _BUSY_SHARE
    return rng.exponential(_QUIET_S, hours) + busy * rng.exponential(_BUSY_S, hours)


def _record_counts(
    key: str, of: clockwork.ClockTraits, time_zone: str, moments: Floats
) -> tuple[Floats, Floats]:
    """How many records the log holds at `moments`, and how many of them a finger made."""
    first = datetime.fromtimestamp(float(moments[0]), UTC)
    last = datetime.fromtimestamp(float(moments[-1]), UTC)
    begin = clockwork.log_start(of, first, time_zone)
    punches = clockwork.log_between(key, of.users, time_zone, begin, last)
    at = [clockwork.moment_of(punch, time_zone).timestamp() for punch in punches]
    finger = [punch.status == clockwork.BY_FINGER for punch in punches]
    cleared = [
        clockwork.log_start(of, datetime.fromtimestamp(float(hour), UTC), time_zone).timestamp()
        for hour in moments
    ]
    start = np.searchsorted(at, cleared, side="right")
    end = np.minimum(np.searchsorted(at, moments, side="right"), start + of.capacity)
    by_finger = np.concatenate([[0], np.cumsum(finger)])
    return (end - start).astype(np.float64), (by_finger[end] - by_finger[start]).astype(np.float64)


def _returns(dark: Mask) -> Mask:
    """Whether the device has its power again just now."""
    returns: Mask = np.concatenate([[False], dark[:-1] & ~dark[1:]])[: len(dark)]
    return returns


def _halted(life: Life, moments: Floats) -> Mask:
    """Whether the device is out of service."""
    broken = [(rise.peak, rise.end) for rise in life.halts()]
    return _any_within(broken + life.dark(), moments)


def _cut_off(life: Life, moments: Floats) -> Mask:
    return _any_within([(outage.start, outage.end) for outage in life.outages], moments)


def _any_within(spans: list[tuple[datetime, datetime]], moments: Floats) -> Mask:
    inside = np.zeros(len(moments), dtype=np.bool_)
    for start, end in spans:
        inside |= (moments >= start.timestamp()) & (moments < end.timestamp())
    return inside


def _spells(kind: DeviceKind, life: Life, start: datetime, end: datetime) -> list[Spell]:
    found = [_failure_spell(kind, rise) for rise in life.halts()]
    cause = Cause.POLL_FAILED if kind is DeviceKind.CLOCK else Cause.MISSED_HEARTBEATS
    detail = "timeout" if kind is DeviceKind.CLOCK else ""
    found += [Spell(outage.start, outage.end, cause, detail, "") for outage in life.outages]
    apart: list[Spell] = []
    for spell in sorted(found, key=lambda each: each.start):
        inside = start <= spell.start and spell.end < end
        if inside and (not apart or apart[-1].end < spell.start):
            apart.append(spell)
    return apart


def _failure_spell(kind: DeviceKind, rise: Rise) -> Spell:
    if kind is DeviceKind.CLOCK:  # a clock without power can't say so
        return Spell(rise.peak, rise.end, Cause.POLL_FAILED, "refused", "")
    if rise.silences:
        return Spell(rise.peak, rise.end, Cause.MISSED_HEARTBEATS, "", "")
    detail = failure_code(kind, rise)
    return Spell(rise.peak, rise.end, Cause.REPORTED, detail, rise.component)
