"""What a clock's operation log speaks of, in Forecall's words; polled and pushing clocks share it.

Types and alarm reasons are the vendor's (PUSH protocol, appendices 3 and 5). A type that stands for
daily use (a menu opened, a finger enrolled, a verification failed) makes no event: it is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.report import EventReport, Severity
from domain.vocabulary import DEVICE

POWER_ON, POWER_OFF, VERIFY_FAILED, ALARM, RECORDS_DELETED = 0, 1, 2, 3, 23
CLEARING = frozenset({13, 22, RECORDS_DELETED, 105})
"""Types after which the attendance log may be shorter: data cleared, reset, records deleted."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The canonical event of an operation."""

    code: str
    severity: Severity = Severity.INFO
    component: str = DEVICE


_LOG, _CLOCK = "attendanceLog", "realTimeClock"
_NETWORK, _SERVER = Meaning("x.NetworkChanged"), Meaning("x.ServerChanged", Severity.WARNING)

OPERATIONS: Mapping[int, Meaning] = {
    POWER_ON: Meaning("x.PowerOn", component="powerSupply"),
    POWER_OFF: Meaning("x.PowerOff", component="powerSupply"),
    5: Meaning("x.SettingsChanged"),
    9: Meaning("x.UserDeleted"),
    13: Meaning("x.DataCleared", Severity.WARNING),
    21: Meaning("x.TimeSet", component=_CLOCK),
    22: Meaning("x.FactoryReset", Severity.WARNING),
    RECORDS_DELETED: Meaning("x.RecordsCleared", component=_LOG),
    24: Meaning("x.AdministratorsCleared", Severity.WARNING),
    32: Meaning("x.Duress", Severity.WARNING),
    38: Meaning("x.DataRestored", Severity.WARNING),
    43: Meaning("x.RecordsCleared", component=_LOG),  # after they were copied to a USB disk
    56: Meaning("x.FactoryReset", Severity.WARNING),
    **dict.fromkeys((76, 77, 78, 79), _NETWORK),
    **dict.fromkeys((82, 83), _SERVER),
    92: Meaning("x.FirmwareUpgraded"),
    105: Meaning("x.RecordsCleared", component=_LOG),
}
"""Operation type -> event. A type that is not here makes none."""

ALARMS: Mapping[int, Meaning] = {
    50: Meaning("x.DoorClosed"),
    51: Meaning("x.DoorOpened"),
    54: Meaning("x.DoorForced", Severity.WARNING),
    55: Meaning("x.Tampered", Severity.ERROR),
    58: Meaning("x.RepeatedInvalidVerification", Severity.WARNING),
    65535: Meaning("x.AlarmCancelled"),
}
"""Reason of an operation of type `ALARM` -> event."""

_OTHER_ALARM = Meaning("x.Alarm", Severity.WARNING)


def event_of(kind: int, reason: int | None = None, *, dialect: str) -> EventReport | None:
    """The event of an operation of type `kind`; None for daily use and for unknown types.

    `reason`: of an alarm, the operation's second object. The raw code is `kind`, or `3:reason`.
    """
    raw = str(kind)
    if kind == ALARM:
        meaning: Meaning | None = ALARMS.get(-1 if reason is None else reason, _OTHER_ALARM)
        raw = raw if reason is None else f"{kind}:{reason}"
    else:
        meaning = OPERATIONS.get(kind)
    if meaning is None:
        return None
    return EventReport(meaning.component, meaning.code, meaning.severity, dialect, raw)
