"""Whether a device is up: pure rules, so that they can be held against a slow oracle.

Silence is measured on the collector's clock: a device whose own clock is wrong is still heard. What
is newer is told by session and sequence number, not by the device's time, for the same reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from domain.device import Cause, DeviceState, ReportedState, Transition
from domain.report import Contact, DeviceReport

MISSED_INTERVALS = 3.0
"""A device that let so many of its own intervals pass without a word is down."""

_WARNED_INTERVALS = 1.5  # after a last will: one interval, and half of one for the way


class Status(Struct, frozen=True):
    """One row of `device_status`; `version` counts the transitions.

    Attributes:
        since: when `state` began.
        reported: the state that the device last claimed (`ReportedState`); empty: it never did.
        component: what the claimed state is owed to.
        boot_id: the session heard last, `seq` the newest of its messages; empty: polled.
        last_seen_at: when the collector last heard it; None: never.
        due_at: silent past this, it is down; None: no such promise (it is polled).
    """

    device_id: int
    collector: str
    state: DeviceState
    since: datetime
    reported: str = ""
    component: str = ""
    boot_id: str = ""
    seq: int = 0
    last_seen_at: datetime | None = None
    interval_s: float = 300.0
    due_at: datetime | None = None
    version: int = 0


class Step(Struct, frozen=True):
    """What a status becomes, and the transition if its state changed."""

    status: Status
    transition: Transition | None = None


def hear(status: Status, report: DeviceReport, collector: str, *, new_session: bool) -> Step:
    """The status after `report`, which `collector` brought and which is no duplicate.

    `new_session`: the report's boot was never heard of before. A report older than the status
    changes nothing. A last will is a hint: it only brings the deadline nearer.
    """
    if report.contact.is_will:
        return Step(_warned(status, report))
    if _is_stale(status, report, new_session):
        return Step(status)
    if not report.contact.reachable:
        at = _moment(status, report)
        return _change(status, DeviceState.DOWN, at, Cause.POLL_FAILED, report.contact.detail)
    return _judge(status, _refreshed(status, report, collector), report)


def telling(reports: Sequence[DeviceReport]) -> list[DeviceReport]:
    """The fewest reports that leave the same status as `reports`, which are of one session, in order.

    Of a run of reports that claim no state the first may bring the device back; of the others only
    the newest tells more, with the last promise and the last arrival among them.
    """
    told: list[DeviceReport] = []
    run: list[DeviceReport] = []
    for report in reports:
        if _is_plain(report.contact) and report.identity is not None:
            run.append(report)
        else:
            told += (*_ends(run), report)
            run = []
    return [*told, *_ends(run)]


def _is_plain(contact: Contact) -> bool:
    return contact.reachable and contact.reported is None and not contact.is_will


def _ends(run: Sequence[DeviceReport]) -> Sequence[DeviceReport]:
    if len(run) < 3:
        return run
    promises = [
        report.contact.interval_s for report in run if report.contact.interval_s is not None
    ]
    contact = Contact(interval_s=promises[-1] if promises else None)
    received_at = max(report.received_at for report in run[1:])
    return run[0], replace(run[-1], contact=contact, received_at=received_at)


def miss(status: Status, now: datetime, watching_since: datetime) -> Step:
    """The status at `now`, the collector having listened without a break since `watching_since`."""
    if status.state is DeviceState.DOWN or status.due_at is None or status.last_seen_at is None:
        return Step(status)
    interval = timedelta(seconds=status.interval_s)
    if now < max(status.due_at, watching_since + MISSED_INTERVALS * interval):
        return Step(status)
    at = max(status.last_seen_at, watching_since) + interval
    return _change(status, DeviceState.DOWN, at, Cause.MISSED_HEARTBEATS)


def lose_sight(status: Status, at: datetime, cause: Cause) -> Step:
    """The status when nobody listened after `at`: neither up nor down."""
    return _change(status, DeviceState.UNWATCHED, max(at, status.last_seen_at or at), cause)


def _warned(status: Status, report: DeviceReport) -> Status:
    if report.identity is None or report.identity.boot_id != status.boot_id:
        return status
    grace = timedelta(seconds=status.interval_s * _WARNED_INTERVALS)
    near = report.received_at + grace
    return replace(status, due_at=min(status.due_at or near, near))


def _is_stale(status: Status, report: DeviceReport, new_session: bool) -> bool:
    if report.identity is not None:
        if new_session and report.identity.boot_id != status.boot_id:
            return False
        if report.identity.boot_id == status.boot_id:
            return report.identity.seq <= status.seq
    elif report.contact.reachable:
        return False  # a poll is asked for: its answer can't be late
    return status.last_seen_at is not None and report.at < status.last_seen_at


def _refreshed(status: Status, report: DeviceReport, collector: str) -> Status:
    contact, identity = report.contact, report.identity
    interval_s = status.interval_s if contact.interval_s is None else contact.interval_s
    patience = timedelta(seconds=interval_s * MISSED_INTERVALS)
    return replace(
        status,
        collector=collector,
        reported=contact.reported.value if contact.reported else status.reported,
        component=contact.component if contact.reported else status.component,
        boot_id=identity.boot_id if identity else "",
        seq=identity.seq if identity else 0,
        last_seen_at=max(report.received_at, status.last_seen_at or report.received_at),
        interval_s=interval_s,
        due_at=report.received_at + patience if identity else None,
    )


def _judge(before: Status, status: Status, report: DeviceReport) -> Step:
    if status.reported and not ReportedState(status.reported).in_service:
        at, detail = _moment(before, report), report.contact.detail or status.reported
        return _change(status, DeviceState.DOWN, at, Cause.REPORTED, detail, status.component)
    cause = Cause.CONTACT if before.last_seen_at else Cause.FIRST_CONTACT
    return _change(status, DeviceState.UP, report.received_at, cause)


def _moment(status: Status, report: DeviceReport) -> datetime:
    """The report's own time, held between the last contact and its arrival."""
    return max(min(report.at, report.received_at), status.last_seen_at or status.since)


def _change(
    status: Status,
    state: DeviceState,
    at: datetime,
    cause: Cause,
    detail: str = "",
    component: str = "",
) -> Step:
    if status.state is state:
        return Step(status)
    at = max(at, status.since)
    changed = replace(status, state=state, since=at, version=status.version + 1)
    return Step(
        changed, Transition(status.device_id, status.state, state, at, cause, detail, component)
    )
