"""ZKTeco's operation log (OPLOG) in Forecall's words: clocks that are polled and clocks that push
keep the same one."""

from __future__ import annotations

from collections.abc import Sequence

from domain.report import EventReport, Severity
from domain.vocabulary import DEVICE

DIALECT = "oplog"

POWER_ON, POWER_OFF, VERIFY_FAILED, ALARM, TIME_SET = 0, 1, 2, 3, 21
CLEARING = frozenset({13, 22, 23})
"""Operations that empty the attendance log: all data, everything, the records."""

_INFO, _WARNING, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR
_SENSOR, _POWER, _LOG, _TIME = "fingerprintSensor", "powerSupply", "attendanceLog", "realTimeClock"

_OPERATIONS: dict[int, tuple[str, str, Severity]] = {
    POWER_ON: (_POWER, "x.PowerOn", _INFO),
    POWER_OFF: (_POWER, "x.PowerOff", _INFO),
    VERIFY_FAILED: (_SENSOR, "x.VerifyFailed", _INFO),
    4: (DEVICE, "x.MenuEntered", _INFO),
    5: (DEVICE, "x.SettingsChanged", _INFO),
    6: (DEVICE, "x.UserEnrolled", _INFO),
    9: (DEVICE, "x.UserDeleted", _INFO),
    13: (_LOG, "x.DataCleared", _WARNING),
    TIME_SET: (_TIME, "x.TimeSet", _INFO),
    22: (DEVICE, "x.FactoryReset", _ERROR),
    23: (_LOG, "x.RecordsDeleted", _INFO),
    24: (DEVICE, "x.AdministratorsCleared", _WARNING),
    32: (DEVICE, "x.DuressAlarm", _ERROR),
    76: (DEVICE, "x.NetworkChanged", _INFO),
    77: (DEVICE, "x.NetworkChanged", _INFO),
    78: (DEVICE, "x.NetworkChanged", _INFO),
    79: (DEVICE, "x.NetworkChanged", _INFO),
    82: (DEVICE, "x.ServerChanged", _INFO),
    83: (DEVICE, "x.ServerChanged", _INFO),
    92: (DEVICE, "x.FirmwareUpgraded", _INFO),
}
_ALARMS: dict[int, tuple[str, str, Severity]] = {
    50: (DEVICE, "x.DoorClosed", _INFO),
    51: (DEVICE, "x.DoorOpened", _INFO),
    54: (DEVICE, "x.DoorForced", _ERROR),
    55: (DEVICE, "x.TamperAlarm", _ERROR),
    58: (_SENSOR, "x.RepeatedVerifyFailed", _WARNING),
}
_SOME_ALARM = (DEVICE, "x.Alarm", _WARNING)


def event_of(code: int, values: Sequence[int] = ()) -> EventReport:
    """What an operation of the type `code` is called; `values` are its parameters, in order.

    The first parameter of an alarm is its kind; one that no table knows is `x.Alarm`. Another
    operation that no table knows keeps its number as its code.
    """
    if code == ALARM:
        kind = values[0] if values else 0
        raw, (component, name, severity) = f"{code}:{kind}", _ALARMS.get(kind, _SOME_ALARM)
    else:
        raw = str(code)
        component, name, severity = _OPERATIONS.get(code, (DEVICE, raw, _INFO))
    return EventReport(component, name, severity, DIALECT, raw)
