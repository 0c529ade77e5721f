"""From records to lives: when a part, or a device, began to work, and when it failed or was last seen well.

A part's life begins when it is put in: with the device, as a replacement, or mended after a failure (a
repair is taken to make it as good as new). A device's life without a failure begins with its
installation and after each failure of any of its parts. Nothing is known of the time in which a device
was not in the fleet, and a failure that its user or something outside caused ends a life as if
somebody had taken it away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np

from kpi.life.records import DeviceFacts, Failed, Mended, Records
from kpi.life.survival import Lives

UNMENDED = timedelta(hours=72)
"""A failure without a recorded repair is taken to be mended after so long, as predictions do."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Life:
    """[born, ended); failed: it ended by a failure of its own."""

    born: datetime
    ended: datetime
    failed: bool


def part_lives(records: Records, devices: Sequence[DeviceFacts], component: str) -> Lives:
    """Of one component of each of `devices`; `Lives.device` is the place in `devices`."""
    return _gathered(
        (
            place,
            records.stays.get(device.id, []),
            lives_of(
                born_with(device),
                records.failures.get((device.id, component), []),
                records.mends_of(device.id, component),
                records.end,
            ),
        )
        for place, device in enumerate(devices)
    )


def device_lives(records: Records, devices: Sequence[DeviceFacts]) -> Lives:
    """Without a failure of any part; `Lives.device` is the place in `devices`."""
    ids = {device.id: place for place, device in enumerate(devices)}
    failures: list[list[Failed]] = [[] for _ in devices]
    mends: list[list[Mended]] = [[] for _ in devices]
    for (device_id, _), found in records.failures.items():
        if device_id in ids:
            failures[ids[device_id]] += found
    for (device_id, _), done in records.mends.items():
        if device_id in ids:
            mends[ids[device_id]] += done
    return _gathered(
        (
            place,
            records.stays.get(device.id, []),
            lives_of(
                born_with(device),
                sorted(failures[place], key=_when),
                sorted(mends[place], key=_when),
                records.end,
                planned=False,
            ),
        )
        for place, device in enumerate(devices)
    )


def born_with(device: DeviceFacts) -> datetime | None:
    """When a device and its first parts began; None: not known."""
    if device.installed_on is None:
        return None
    return datetime.combine(device.installed_on, time(), UTC)


def lives_of(
    born: datetime | None,
    failures: Sequence[Failed],
    mends: Sequence[Mended],
    end: datetime,
    *,
    planned: bool = True,
) -> Iterator[Life]:
    """The lives of one part until `end`, one after the other.

    `born` None: the first one's beginning is not known, and it is left out. `planned`: work on what had
    not failed begins a new life too.
    """
    alive, broken_at = born, None
    done: list[Failed | Mended] = [*failures, *mends]
    for one in sorted(done, key=_when):
        if broken_at is not None and one.at >= broken_at + UNMENDED:
            alive, broken_at = broken_at + UNMENDED, None
        if isinstance(one, Failed):
            if broken_at is None:
                if alive is not None:
                    yield Life(alive, one.at, one.ours)
                alive, broken_at = None, one.at
        elif broken_at is not None or planned:
            if alive is not None:
                yield Life(alive, one.at, False)
            alive, broken_at = one.at, None
    if broken_at is not None and broken_at + UNMENDED < end:
        alive = broken_at + UNMENDED
    if alive is not None:
        yield Life(alive, end, False)


def _gathered(
    found: Iterable[tuple[int, list[tuple[datetime, datetime]], Iterable[Life]]],
) -> Lives:
    rows = [
        (place, *stretch)
        for place, stays, lives in found
        for life in lives
        for stretch in _watched(life, stays)
    ]
    device, entry, left, failed = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Lives(
        np.array(device, np.int64),
        np.array(entry, np.float64),
        np.array(left, np.float64),
        np.array(failed, bool),
    )


def _watched(
    life: Life, stays: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[float, float, bool]]:
    """The parts of a life in which the device was in the fleet: entry, exit, failed."""
    for since, until in stays:
        begin, end = max(life.born, since), min(life.ended, until)
        if end > begin:
            yield (
                (begin - life.born) / _DAY,
                (end - life.born) / _DAY,
                life.failed and end == life.ended,
            )


def _when(one: Failed | Mended) -> datetime:
    return one.at
