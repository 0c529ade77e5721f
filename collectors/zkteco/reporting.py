"""What a poll saw, in Forecall's words; and when the clock is polled next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from collectors.zkteco.findings import events, operations, same_clock
from collectors.zkteco.fleet import COLLECTOR, Answer, Outcome, PollTarget, Unanswered
from collectors.zkteco.job import Failure, Sighting
from collectors.zkteco.known import Known
from collectors.zkteco.trend import (
    Sample,
    days_to_full,
    drift_rate,
    failed_share,
    jumped,
    lengthened,
)
from domain.report import Contact, DeviceFacts, DeviceReport, MetricKind, RejectedMessage
from domain.vocabulary import metric

LONGEST_BACK_OFF = 2.0
"""A clock that stays away is polled every so many intervals: its return counts from then on."""

_RETRY_SHARE = 1 / 5  # of an interval: a first failure is looked into soon
_GOLDEN = 0.618034
_SPREAD = 0.1


def answered(target: PollTarget, sighting: Sighting, at: datetime, asked_at: datetime) -> Outcome:
    """The outcome of a poll that ended at `at` and asked for the clock's time at `asked_at`."""
    known = _known(target, sighting, asked_at)
    values = dict(_values(target, sighting, known))
    report = DeviceReport(
        device_key=target.device_key,
        at=at,
        received_at=at,
        contact=Contact(interval_s=target.interval_s),
        counters=_of_kind(MetricKind.COUNTER, values),
        gauges=_of_kind(MetricKind.GAUGE, values),
        events=list(events(target, sighting, known)),
        facts=_facts(sighting),
    )
    answer = Answer(
        report=report,
        serial=sighting.serial,
        known=known,
        log=sighting.log,
        operations=operations(target, sighting, at),
        rejected=list(_rejected(target, sighting, at)),
    )
    return Outcome(target, answer, at + spread(target, 1.0))


def _facts(sighting: Sighting) -> DeviceFacts:
    make = sighting.make
    if make is None:
        return DeviceFacts(serial=sighting.serial)
    return DeviceFacts(make.device_name, make.firmware, sighting.serial)


def _of_kind(kind: MetricKind, values: Mapping[str, float | None]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if value is not None and metric(name).kind is kind
    }


def failed(target: PollTarget, failure: Failure, began: datetime, now: datetime) -> Outcome:
    """The outcome of a poll that began at `began` and was given up at `now`.

    The first failure is confirmed by a second try, soon. Then the clock is unreachable since the
    first one, and is polled less often.
    """
    if target.failures == 0:
        unanswered = Unanswered(began, failure.reason, failure.message)
        return Outcome(target, unanswered, now + spread(target, _RETRY_SHARE))
    since = target.failing_since or began
    report = DeviceReport(
        device_key=target.device_key,
        at=since,
        received_at=now,
        contact=Contact(reachable=False, interval_s=target.interval_s, detail=failure.reason),
    )
    unanswered = Unanswered(began, failure.reason, failure.message, report)
    pause = 1.0 if target.failures == 1 else LONGEST_BACK_OFF
    return Outcome(target, unanswered, now + spread(target, pause))


def spread(target: PollTarget, intervals: float) -> timedelta:
    """So many intervals, a little more or less by device: polls that fell together drift apart."""
    share = 1 + _SPREAD * (target.device_id * _GOLDEN % 1 - 0.5)
    return timedelta(seconds=target.interval_s * intervals * share)


def _known(target: PollTarget, sighting: Sighting, asked_at: datetime) -> Known:
    before = target.known if same_clock(target, sighting) else Known()
    known = _of_logs(before, sighting)
    if sighting.make is not None:
        known = replace(known, firmware=sighting.make.firmware, mac=sighting.make.mac)
    now = Sample(
        round(asked_at.timestamp(), 1),
        _drift_s(target, sighting, asked_at),
        sighting.record_count,
        known.verified or 0,
        known.verify_failed or 0,
    )
    # A clock whose time was set, or jumped, begins a new line.
    broken = before.last is not None and jumped(before.last, now)
    return replace(known, last=now, history=lengthened(() if broken else known.history, now))


def _of_logs(known: Known, sighting: Sighting) -> Known:
    log, operations = sighting.log, sighting.operations
    if log is not None:
        known = replace(
            known,
            records=sighting.record_count,
            layout=log.layout,
            length=log.length,
            sha256=log.sha256,
            full=0 < sighting.record_capacity <= sighting.record_count,
            verified=log.verified,
        )
    if operations is not None:
        known = replace(
            known,
            operations=sighting.operation_count,
            operations_length=operations.length,
            operations_end=operations.end,
            verify_failed=operations.verify_failed,
            power_ons=operations.power_ons,
            clears=operations.clears,
            times_set=operations.times_set,
        )
    return known


def _values(
    target: PollTarget, sighting: Sighting, known: Known
) -> Iterator[tuple[str, float | None]]:
    yield "x.ConnectTime", sighting.connect_s
    yield "x.CommandTime", sighting.command_s
    yield "x.TransferRate", sighting.transfer_rate
    yield "x.UserCount", sighting.user_count
    yield "x.FingerCount", sighting.finger_count
    yield "x.RecordCount", sighting.record_count
    if sighting.record_capacity > 0:
        yield "x.RecordCapacity", sighting.record_capacity
        yield "x.LogFill", 100.0 * sighting.record_count / sighting.record_capacity
    yield "x.VerifiedCount", known.verified
    yield "x.VerifyFailedCount", known.verify_failed
    yield "x.PowerOnCount", known.power_ons
    yield "CommunicationErrorCount", target.errors
    if sighting.make is not None:
        yield "x.FreeFlash", sighting.make.free_flash
    if known.last is not None:
        yield "x.ClockDrift", known.last.drift_s
        yield "x.ClockDriftRate", drift_rate(known.history)
        yield "x.DaysToFull", days_to_full(known.history, known.last, sighting.record_capacity)
        yield "x.VerifyFailedShare", failed_share(known.history, known.last)


def _drift_s(target: PollTarget, sighting: Sighting, asked_at: datetime) -> float | None:
    """Seconds that the clock is ahead of `asked_at`. It shows whole seconds: half of one is added."""
    if sighting.local_time is None:
        return None
    expected = asked_at.astimezone(ZoneInfo(target.time_zone)).replace(tzinfo=None)
    return round((sighting.local_time - expected).total_seconds() + 0.5, 3)


def _rejected(target: PollTarget, sighting: Sighting, at: datetime) -> Iterator[RejectedMessage]:
    if sighting.log is not None and sighting.log.impossible:
        reason = f"no possible records, in layout {sighting.log.layout} of the attendance log"
        yield RejectedMessage(
            COLLECTOR, at, f"{target.address} {sighting.serial}", sighting.log.impossible, reason
        )
