"""A batch's readings as columns: no Python object a value on the way to COPY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.report import DeviceReport
from pipeline.registry import Registry
from pipeline.sessions import Stretch
from storage.arrays import write_arrays
from storage.copy import READING
from storage.database import Conn
from storage.literals import numbers
from storage.queries import load

MAX_AHEAD = timedelta(minutes=5)
MAX_BEHIND = timedelta(days=30)
"""A device's time outside this window around its arrival is not believed."""

_MOST_HOURS = 2**31  # since 1970

Moments = NDArray[np.datetime64]


def believed_time(report: DeviceReport) -> datetime:
    """The device's time of `report`, or its arrival when the device's clock is far off; in UTC."""
    believed = -MAX_AHEAD <= report.received_at - report.at <= MAX_BEHIND
    return (report.at if believed else report.received_at).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """When the reports of a batch were made and received: (reports,), in UTC, to the microsecond.

    Attributes:
        at: as `believed_time` has it.
        off: whether the device's own time was not believed.
    """

    at: Moments
    received: Moments
    off: NDArray[np.bool_]

    @classmethod
    def of(cls, reports: Sequence[DeviceReport]) -> Times:
        said = _moments([report.at.timestamp() for report in reports])
        received = _moments([report.received_at.timestamp() for report in reports])
        late = received - said
        off = (late < -np.timedelta64(MAX_AHEAD)) | (late > np.timedelta64(MAX_BEHIND))
        return cls(np.where(off, received, said), received, off)

    def days(self) -> set[date]:
        """Every day (UTC) that a report falls on."""
        return set(np.unique(self.at.astype("datetime64[D]")).tolist())


def _moments(seconds: Sequence[float]) -> Moments:
    return np.rint(np.array(seconds, float) * 1e6).astype(np.int64).view("datetime64[us]")


def write_readings(
    conn: Conn,
    registry: Registry,
    reports: Sequence[DeviceReport],
    stretches: Sequence[Stretch],
    times: Times,
) -> int:
    """Writes the readings of all reports of `stretches`, marks their hours as touched, and returns
    how many there were."""
    values: list[float] = []
    places: list[int] = []
    devices: list[int] = []
    shapes: list[NDArray[np.int16]] = []
    for stretch in stretches:
        for place in stretch.places:
            report = reports[place]
            counters, gauges = report.counters, report.gauges
            if counters or gauges:
                values += counters.values()
                values += gauges.values()
                shapes.append(registry.metrics((tuple(counters), tuple(gauges))))
                places.append(place)
                devices.append(stretch.device_id)
    if not values:
        return 0
    sizes = [len(shape) for shape in shapes]
    at, device = times.at[places], np.array(devices, np.int32)
    columns = (
        np.repeat(at, sizes),
        np.repeat(times.received[places], sizes),
        np.repeat(device, sizes),
        np.concatenate(shapes),
        np.array(values, np.float64),
    )
    _touch(conn, device, at)
    return write_arrays(conn, "reading", READING, columns)


def _touch(conn: Conn, device: NDArray[np.int32], at: Moments) -> None:
    hours = at.astype("datetime64[h]").astype(np.int64)
    touched = np.unique(device.astype(np.int64) * _MOST_HOURS + hours)
    devices, hours = np.divmod(touched, _MOST_HOURS)
    starts = np.datetime_as_string(hours.view("datetime64[h]"), unit="m", timezone="UTC")
    values = {
        "devices": numbers(devices.tolist()),
        "hours": "{" + ",".join(starts) + "}",
    }
    conn.execute(load("ingest")["touch"], values)
