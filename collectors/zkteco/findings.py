"""What a poll says that the one before it did not: events. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from collectors.operations import event_of
from collectors.zkteco.fleet import PollTarget
from collectors.zkteco.job import Sighting
from collectors.zkteco.known import Known
from collectors.zkteco.oplog import Operation
from collectors.zkteco.trend import jumped, zone_offset_s
from domain.report import DeviceReport, EventReport, Severity

_OLDEST_OPERATION = timedelta(days=29)
"""An operation that comes later than that says nothing of the clock as it is."""


def same_clock(target: PollTarget, sighting: Sighting) -> bool:
    """Whether the clock that answered is the one that did before, or the first."""
    return target.serial in ("", sighting.serial)


def events(target: PollTarget, sighting: Sighting, known: Known) -> Iterator[EventReport]:
    """What is new, `known` being what is known after this poll."""
    if not same_clock(target, sighting):
        yield EventReport("device", "x.SerialChanged", Severity.ERROR, "", sighting.serial)
        return
    before = target.known
    yield from _records(sighting, known, before)
    yield from _make(known, before)
    yield from _time(known, before)


def operations(target: PollTarget, sighting: Sighting, at: datetime) -> list[DeviceReport]:
    """The entries of its operation log behind the known ones: one report a moment of theirs.

    What stood in the log when the clock was first polled is no news, and may be of another site.
    """
    before = target.known
    first = before.power_ons is None or (before.operations > 0 and not before.operations_end)
    if sighting.operations is None or first or not same_clock(target, sighting):
        return []
    moments: dict[datetime, list[EventReport]] = {}
    for operation in sighting.operations.fresh:
        moment = _moment(operation, ZoneInfo(target.time_zone), at)
        if at - moment <= _OLDEST_OPERATION:
            found = event_of(operation.code, operation.values)
            moments.setdefault(moment, []).append(found)
    return [
        DeviceReport(device_key=target.device_key, at=moment, received_at=at, events=found)
        for moment, found in moments.items()
    ]


def _moment(operation: Operation, zone: ZoneInfo, latest: datetime) -> datetime:
    """When it was; a clock that is ahead, or shows no possible day, writes of the present."""
    if operation.local_time is None:
        return latest
    return min(operation.local_time.replace(tzinfo=zone), latest)


def _records(sighting: Sighting, known: Known, before: Known) -> Iterator[EventReport]:
    if sighting.record_count >= before.records:
        return
    if _emptied(sighting, known, before):
        yield EventReport("attendanceLog", "x.RecordsCleared", Severity.INFO)
    else:  # it may have lost punches
        yield EventReport("attendanceLog", "x.RecordsFell", Severity.ERROR)


def _emptied(sighting: Sighting, known: Known, before: Known) -> bool:
    """Whether the clock's operations explain that its log shrank, or were wiped along with it."""
    cleared = (known.clears or 0) > (before.clears or 0)
    return cleared or sighting.operation_count < before.operations


def _make(known: Known, before: Known) -> Iterator[EventReport]:
    if before.firmware not in ("", known.firmware):
        yield EventReport("device", "x.FirmwareChanged", Severity.INFO, "", known.firmware)
    if before.mac not in ("", known.mac):
        yield EventReport("device", "x.MacChanged", Severity.WARNING, "", known.mac)


def _time(known: Known, before: Known) -> Iterator[EventReport]:
    """A wrong time zone; or a jump that nobody made, when it lost power: its battery is empty."""
    last, now = before.last, known.last
    if now is None:
        return
    offset = zone_offset_s(now.drift_s)
    if offset and (last is None or zone_offset_s(last.drift_s) != offset):
        raw = f"{offset / 3600:+g} h"
        yield EventReport("realTimeClock", "x.TimeZoneWrong", Severity.WARNING, "", raw)
    elif last is not None and jumped(last, now) and _lost_power(known, before):
        yield EventReport("realTimeClock", "x.ClockJumped", Severity.WARNING)


def _lost_power(known: Known, before: Known) -> bool:
    """Whether it was switched on since the last poll, and its time not set."""
    if known.power_ons is None or before.power_ons is None:
        return False
    return known.power_ons > before.power_ons and known.times_set == before.times_set
