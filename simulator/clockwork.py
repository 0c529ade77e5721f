"""What goes on inside a simulated attendance clock, hour by hour: people, restarts, drift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from domain.attendance import Punch
from simulator.wear import ORIGIN, Floats, Life, seeded, wear

POWER, SENSOR, TIME = "powerSupply", "fingerprintSensor", "realTimeClock"
METRICS = (
    "x.ConnectTime",
    "x.CommandTime",
    "x.ClockDrift",
    "x.PowerOnCount",
    "x.VerifyFailedCount",
    "x.VerifiedCount",
    "CommunicationErrorCount",
    "x.UserCount",
    "x.FingerCount",
    "x.RecordCount",
    "x.RecordCapacity",
    "x.LogFill",
)
"""What is measured of a clock."""

_CAPACITY, _SMALLER_LOGS = 2000, {"SimClock F18": 1200}
"""Records that a log holds, and that of some models; small, as are the sites."""

_NEGLECTED = 0.2  # of the clocks: nobody clears the log before it is full and punches are lost
_CLEARED_AT = (0.3, 0.75)  # of a full log, where somebody does, once its records were fetched
_FULL_DAYS = (1, 6)  # for so many days a neglected log stands full
_WEEKDAYS_THERE, _SATURDAY_THERE = 0.93, 0.35  # share of the people
_PUNCHES_A_DAY = 2 * (5 * _WEEKDAYS_THERE + _SATURDAY_THERE) / 7  # of each of them, on average

RESTARTS_IDLE, RESTARTS_WORN = 0.002, 0.9  # an hour
_POOR_SHARE, _POOR_H, _RESTARTS_POOR = 0.07, 12.0, 0.35  # of the days; hours; an hour
_DAYS = 20_000
UNREAD_BUSY, UNREAD_WORN = 0.15, 2.5  # fingers not recognised, an hour of full use
LOSES_WORN_S = 6.0  # what a worn battery adds to the drift, an hour
_JUMP_S = 9.0  # deviation of the jump in time that a restart leaves behind
_SET_BEYOND_S = 55.0  # a clock further off than this is set by somebody
_IN, _OUT = 0, 1
BY_FINGER, BY_CARD = 1, 4
"""Verify types of a punch."""


@dataclass(frozen=True, slots=True)
class ClockTraits:
    """What tells a clock from others; follows from its key and model.

    Attributes:
        capacity: records that its log holds; what is punched beyond is lost.
        cleared_every: days from one clearing of the log to the next.
        phase: days from `ORIGIN` to the first clearing.
    """

    users: int
    slope_s_per_h: float
    latency_s: float
    minute: int
    capacity: int
    cleared_every: int
    phase: int


def clock_traits(key: str, model: str) -> ClockTraits:
    """The traits of the clock `key`. Of a fifth the log runs full before anybody clears it."""
    rng = seeded(key, "clock traits")
    users = int(rng.integers(8, 25))
    neglected = rng.random() < _NEGLECTED
    slope, latency = float(rng.normal(0, 0.03)), float(rng.uniform(0.002, 0.006))
    minute = int(rng.integers(0, 60))
    capacity = _SMALLER_LOGS.get(model, _CAPACITY)
    to_full = capacity / (users * _PUNCHES_A_DAY)
    early = to_full * float(rng.uniform(*_CLEARED_AT))
    late = to_full + int(rng.integers(*_FULL_DAYS))
    every = round(late if neglected else early)
    phase = int(rng.integers(every))
    return ClockTraits(users, slope, latency, minute, capacity, every, phase)


@dataclass(frozen=True, slots=True)
class ClockHours:
    """What befalls a clock in each of some hours; arrays of equal length.

    Attributes:
        restarts: it lost power for a moment so often; each leaves an entry in the operation log.
        jumps_s: what restarts and a weak battery added to its drift.
        verify_failed: fingers not recognised; each an entry in the operation log.
    """

    restarts: npt.NDArray[np.int64]
    jumps_s: Floats
    verify_failed: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClockWear:
    """The wear of a clock's parts in each of some hours, as far as each part's sign shows it."""

    power: Floats
    sensor: Floats
    battery: Floats


def clock_wear(life: Life, moments: Floats) -> ClockWear:
    """How worn the parts of the clock with this `life` are at `moments` (seconds since 1970)."""
    return ClockWear(
        wear(life.rises, POWER, moments, "x.PowerOnCount"),
        wear(life.rises, SENSOR, moments, "x.VerifyFailedCount"),
        wear(life.rises, TIME, moments, "x.ClockDrift"),
    )


def mains(site: str, moments: Floats) -> Floats:
    """How often an hour the site's poor mains make all its clocks restart, at `moments`."""
    poor, begins = _poor_days(site)
    hours = (moments - ORIGIN.timestamp()) / 3600
    day = (hours // 24).astype(np.int64)
    here = poor[day] & (hours % 24 >= begins[day]) & (hours % 24 < begins[day] + _POOR_H)
    return np.where(here, _RESTARTS_POOR, 0.0)


@lru_cache(maxsize=1000)
def _poor_days(site: str) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Of each day since `ORIGIN`: whether the mains are poor, and from which hour on."""
    rng = seeded(site, "mains")
    return rng.random(_DAYS) < _POOR_SHARE, rng.uniform(0, 24 - _POOR_H, _DAYS)


def clock_hours(
    activity: Floats, worn: ClockWear, mains: Floats, rng: np.random.Generator
) -> ClockHours:
    """Draws the hours of a clock that is used and worn so much, with restarts from `mains`."""
    restarts = rng.poisson(RESTARTS_IDLE + RESTARTS_WORN * worn.power + mains)
    return ClockHours(
        restarts=restarts,
        jumps_s=rng.normal(0, _JUMP_S, len(restarts)) * np.sqrt(restarts)
        + LOSES_WORN_S * worn.battery,
        verify_failed=rng.poisson(activity * (UNREAD_BUSY + UNREAD_WORN * worn.sensor)),
    )


def drifted(drift_s: float, of: ClockTraits, jump_s: float) -> float:
    """The drift an hour later; somebody sets a clock that is far off."""
    later = drift_s + of.slope_s_per_h + jump_s
    return 0.0 if abs(later) > _SET_BEYOND_S else later


def log_start(of: ClockTraits, moment: datetime, time_zone: str) -> datetime:
    """When, before `moment`, the clock's log was last cleared: a midnight of its site."""
    zone = ZoneInfo(time_zone)
    day = moment.astimezone(zone).date()
    since = ((day - ORIGIN.date()).days - of.phase) % of.cleared_every
    return datetime.combine(day - timedelta(days=since), time(), zone).astimezone(UTC)


def punches_on(key: str, day: date, users: int) -> Iterator[Punch]:
    """The punches of one day on the clock `key`, in order: the same whenever they are asked for."""
    if day.weekday() == 6:
        return
    rng = seeded(key, f"punches {day}")
    there = rng.random(users) < (_WEEKDAYS_THERE if day.weekday() < 5 else _SATURDAY_THERE)
    comes = rng.normal(8.1 * 3600, 900, users)
    goes = rng.normal(17.4 * 3600, 1500, users)
    by_card = rng.random(users) < 0.1
    seconds = np.concatenate([comes, goes])
    midnight = datetime.combine(day, time())
    for n in np.argsort(seconds, kind="stable"):
        user = int(n) % users
        if there[user]:
            yield Punch(
                user_ref=str(1001 + user),
                local_time=midnight + timedelta(seconds=int(seconds[n])),
                status=BY_CARD if by_card[user] else BY_FINGER,
                punch=_IN if n < users else _OUT,
            )


def moment_of(punch: Punch, time_zone: str) -> datetime:
    """When the punch was made."""
    return punch.local_time.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def log_between(
    key: str, users: int, time_zone: str, start: datetime, end: datetime
) -> list[Punch]:
    """The punches on the clock `key` with start < moment <= end, in order."""
    zone = ZoneInfo(time_zone)
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    found: list[Punch] = []
    while day <= last:
        found += [
            punch
            for punch in punches_on(key, day, users)
            if start < moment_of(punch, time_zone) <= end
        ]
        day += timedelta(days=1)
    return found
