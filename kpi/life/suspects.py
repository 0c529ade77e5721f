"""Devices that fail too often: what is known of each, and what is odd."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from kpi.life.lemons import Oddness, Watched, oddness
from kpi.life.lives import born_with
from kpi.life.records import DeviceFacts, Records
from models.unusual.levels import last_window, read_past
from storage.database import Conn

USE = (
    "ReceiptLinePrintedCount",
    "x.BillAcceptedCount",
    "GoodReadCount",
    "x.VerifiedCount",
)
"""Counters of what people do at a device."""

_USE_OVER = timedelta(weeks=4)
_DAY = timedelta(days=1)
_YEAR = 365.25 * _DAY
_LEAST_DAYS = 1.0
_MOST_USE = 20.0  # against others: beyond, a counter is broken


@dataclass(frozen=True, slots=True)
class Suspect:
    """A device, and how it compares with what was expected of it."""

    device: DeviceFacts
    watched: Watched
    oddness: Oddness


def suspects(records: Records, use: Mapping[int, float]) -> list[Suspect]:
    """Every device that was watched, the oddest first. `use`: see `read_use`."""
    failed: dict[int, list[datetime]] = defaultdict(list)
    for (device_id, _), failures in records.failures.items():
        failed[device_id] += [one.at for one in failures if one.ours]
    found = []
    for kind in sorted({device.kind for device in records.devices}):
        known = [
            (device, one)
            for device in records.devices
            if device.kind == kind
            and (one := _watched(records, device, failed[device.id], use.get(device.id)))
        ]
        odd = oddness([one for _, one in known])
        found += [Suspect(*pair, each) for pair, each in zip(known, odd, strict=True)]
    return sorted(found, key=lambda one: (one.oddness.q, -one.oddness.low, one.device.key))


def read_use(conn: Conn, records: Records) -> dict[int, float]:
    """How much each device is used against the others of its model, of the last four weeks: 1 as much
    as the median one. Devices that count nothing are left out."""
    until = last_window(records.end)
    found: dict[int, float] = {}
    for kind in sorted({device.kind for device in records.devices}):
        devices = [device for device in records.devices if device.kind == kind]
        ids = np.array([device.id for device in devices], np.int64)
        past = read_past(conn, kind, "levels", ids, USE, (until - _USE_OVER, until))
        if len(past.values):
            found |= _relative(devices, past.values)
    return found


def _relative(
    devices: Sequence[DeviceFacts], values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> dict[int, float]:
    known = np.isfinite(values)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    models = np.array([device.model for device in devices])
    against = np.full(mean.shape, np.nan)
    for model in np.unique(models):
        rows = models == model
        some = np.where(mean[rows] > 0, mean[rows], np.nan)
        for column in range(mean.shape[1]):
            if np.isfinite(some[:, column]).any():
                against[rows, column] = some[:, column] / np.nanmedian(some[:, column])
    return {
        device.id: float(np.clip(np.nanmean(row), 1 / _MOST_USE, _MOST_USE))
        for device, row in zip(devices, against, strict=True)
        if np.isfinite(row).any()
    }


def _watched(
    records: Records, device: DeviceFacts, failed: Sequence[datetime], use: float | None
) -> Watched | None:
    stays = records.stays.get(device.id, [])
    days = sum((until - since) / _DAY for since, until in stays)
    if days < _LEAST_DAYS:
        return None
    return Watched(
        model=device.model,
        failures=sum(since <= at < until for at in failed for since, until in stays),
        days=days,
        age_years=_age(device, stays),
        use=use,
    )


def _age(device: DeviceFacts, stays: list[tuple[datetime, datetime]]) -> float | None:
    born = born_with(device)
    if born is None:
        return None
    middle = stays[0][0] + (stays[-1][1] - stays[0][0]) / 2
    return max((middle - born) / _YEAR, 0.0)
