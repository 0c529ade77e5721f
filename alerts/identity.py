"""Which fault a sign speaks of: the judgement that keeps one fault in one case."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from alerts.rules import RuleBook
from alerts.rules.rule import Subject
from alerts.sign import Origin, Sign
from domain.device import Cause, ReportedState
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.vocabulary import DEVICE, component

_SILENT = frozenset({Cause.MISSED_HEARTBEATS, Cause.POLL_FAILED})

_AWAY = frozenset({ReportedState.OFFLINE, ReportedState.POWER_OFF, ReportedState.NO_DEVICE})


@dataclass(frozen=True, slots=True)
class Pending:
    """One row of `pending_sign`: an event or a state change that the rules have not judged."""

    kind: str
    device_id: int
    at: datetime
    component: str
    code: str
    severity: str
    to_state: str
    cause: str
    detail: str
    device: Subject


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """What is already known to be wrong with a device."""

    component: str
    fault_class: FaultClass
    foretold: bool  # a failure is foretold and has not come yet
    active: bool


def down_sign(pending: Pending, open_alerts: Collection[OpenAlert], book: RuleBook) -> Sign | None:
    """The sign of a device that went down; joins what explains it among its open alerts."""
    rule = book.down_rule(pending.device)
    if rule is None:
        return None
    fault = _down_fault(pending, open_alerts)
    broken = fault.fault_class is FaultClass.BREAKDOWN
    values = {"detail": pending.detail, "cause": pending.cause}
    return Sign(
        fault=fault,
        origin=Origin.TRANSITION,
        rule=rule.name,
        severity=rule.severity_broken if broken else rule.severity,
        message=rule.message_of(pending.cause).text(values),
        at=pending.at,
        failed=True,
    )


def _down_fault(pending: Pending, open_alerts: Collection[OpenAlert]) -> Fault:
    if pending.cause in _SILENT:
        return _silence(pending.device_id, open_alerts)
    if pending.component:
        return Fault(pending.device_id, pending.component, FaultClass.BREAKDOWN)
    if pending.detail in _AWAY:
        return Fault(pending.device_id, DEVICE, FaultClass.UNREACHABLE)
    return _unnamed_breakdown(pending.device_id, open_alerts)


def _silence(device_id: int, open_alerts: Collection[OpenAlert]) -> Fault:
    # A device whose power supply was foretold to fail and that falls silent: that was it.
    for alert in open_alerts:
        if alert.foretold and component(alert.component).silences:
            return Fault(device_id, alert.component, alert.fault_class)
    return Fault(device_id, DEVICE, FaultClass.UNREACHABLE)


def _unnamed_breakdown(device_id: int, open_alerts: Collection[OpenAlert]) -> Fault:
    # The device says that it is broken, not where: a component known to be broken explains it.
    for alert in open_alerts:
        if alert.active and not alert.foretold and alert.fault_class is FaultClass.BREAKDOWN:
            return Fault(device_id, alert.component, FaultClass.BREAKDOWN)
    return Fault(device_id, DEVICE, FaultClass.BREAKDOWN)


def event_sign(pending: Pending, book: RuleBook) -> Sign | None:
    """The sign that an event is, if a rule speaks of its code or of its severity."""
    name = pending.component or DEVICE
    rule = book.event_rule(pending.code, Severity(pending.severity), name, pending.device)
    if rule is None:
        return None
    return Sign(
        fault=Fault(pending.device_id, name, rule.fault_class),
        origin=Origin.EVENT,
        rule=rule.name,
        severity=rule.severity,
        message=rule.message.text({"code": pending.code}),
        at=pending.at,
        failed=rule.failed,
        lasts=rule.lasts,
    )
