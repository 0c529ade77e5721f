"""The rules that Forecall ships with: frozen tables, one row a rule.

Codes are the canonical words of `domain.codes`. A code that no row names is judged by its severity alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from domain.fault import FaultClass
from domain.report import Severity
from domain.text import N_

DOWN = "down"
"""The rule of a device that went down."""

PREDICTION = "prediction"
"""The rule of a model that foretells a failure."""

ANOMALY = "anomaly"
"""The rule of a device that is unlike itself and its peers."""

ANOMALY_SEVERITY = Severity.WARNING
"""Less than CASE_SEVERITY: what is merely unusual is shown, and opens no ticket."""

ANOMALY_LASTS = timedelta(hours=13)
"""The fleet is looked at every 6 hours: what was not said again twice is over."""

CONSUMABLE = "consumable"
"""The rule of a supply that runs out, or a store that fills up, before somebody comes by."""

CASE_SEVERITY = Severity.ERROR
"""A sign at least this bad opens a ticket; a lesser one is shown and can be acknowledged."""

QUIET = timedelta(hours=24)
"""An event that is not repeated for so long speaks of the past."""

SETTLING = timedelta(hours=24)
"""After a failure or a repair of a component its predictions are not listened to for so long:
their windows still show the old part."""

CALM_SCORINGS = 2
"""So many scorings in a row below half the threshold end a prediction's condition."""

THRESHOLDS_EVERY = timedelta(minutes=1)
"""How often gauges are held against their limits."""

THRESHOLDS_LOOK_BACK = timedelta(hours=3)
"""A gauge that was last heard longer ago says nothing of the present."""

ALERT_KEPT = timedelta(hours=24)
"""A returned alert that nobody acknowledged and that has no ticket is closed after so long."""


@dataclass(frozen=True, slots=True)
class EventRule:
    """An error code of a component, and the codes that take it back."""

    code: str
    fault_class: FaultClass
    severity: Severity
    message: str
    cleared_by: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"event:{self.code}"


_PAPER_OK = frozenset({"paperOk", "paperFull"})
_STACKER_OK = frozenset({"stackerOk", "stackerEmptied", "stackerReplaced"})
_JAM_OK = frozenset({"jamOk", "jamCleared"})
_INK_OK = frozenset({"inkOk"})
_BIN_OK = frozenset({"binOk"})
_CONSUMABLE, _DEGRADED = FaultClass.CONSUMABLE, FaultClass.DEGRADED
_WARNING, _ERROR = Severity.WARNING, Severity.ERROR

_EVENT_RULES = (
    EventRule("paperOut", _CONSUMABLE, _ERROR, N_("The paper has run out"), _PAPER_OK),
    EventRule("paperLow", _CONSUMABLE, _WARNING, N_("The paper is running low"), _PAPER_OK),
    EventRule("stackerFull", _CONSUMABLE, _ERROR, N_("The stacker is full"), _STACKER_OK),
    EventRule(
        "stackerNearFull", _CONSUMABLE, _WARNING, N_("The stacker is nearly full"), _STACKER_OK
    ),
    EventRule(
        "stackerOpen",
        _CONSUMABLE,
        _ERROR,
        N_("The stacker is open or missing"),
        frozenset({"stackerClosed"}) | _STACKER_OK,
    ),
    EventRule(
        "coverOpen",
        _CONSUMABLE,
        _WARNING,
        N_("A cover is open"),
        frozenset({"coverClosed"}),
    ),
    EventRule("paperJam", _DEGRADED, _WARNING, N_("The paper jammed"), _JAM_OK | _PAPER_OK),
    EventRule("mediaJam", _DEGRADED, _WARNING, N_("A card jammed in the reader"), _JAM_OK),
    EventRule("jamAcceptor", _DEGRADED, _WARNING, N_("A bill jammed in the acceptor"), _JAM_OK),
    EventRule("jamStacker", _DEGRADED, _WARNING, N_("A bill jammed in the stacker"), _JAM_OK),
    EventRule("inkOut", _CONSUMABLE, _ERROR, N_("Ink, toner or ribbon has run out"), _INK_OK),
    EventRule("inkLow", _CONSUMABLE, _WARNING, N_("Ink, toner or ribbon is running low"), _INK_OK),
    EventRule("cartridgeRemoved", _CONSUMABLE, _ERROR, N_("The ink cartridge is missing"), _INK_OK),
    EventRule("binFull", _CONSUMABLE, _ERROR, N_("The bin of retained items is full"), _BIN_OK),
    EventRule(
        "binNearFull",
        _CONSUMABLE,
        _WARNING,
        N_("The bin of retained items is nearly full"),
        _BIN_OK,
    ),
    EventRule(
        "binMissing", _CONSUMABLE, _ERROR, N_("The bin of retained items is missing"), _BIN_OK
    ),
    EventRule("doorOpen", _CONSUMABLE, _WARNING, N_("A door is open"), frozenset({"doorClosed"})),
    EventRule("jamCoin", _DEGRADED, _WARNING, N_("A coin jammed"), _JAM_OK),
    EventRule("shutterJam", _DEGRADED, _ERROR, N_("The shutter is stuck"), _JAM_OK),
    EventRule("headDirty", _DEGRADED, _WARNING, N_("The print head wants cleaning")),
    EventRule("headHot", _DEGRADED, _WARNING, N_("The print head is too hot")),
    EventRule("lampFading", _DEGRADED, _WARNING, N_("A lamp is fading")),
    EventRule("foreignItem", _DEGRADED, _WARNING, N_("Something foreign lies in the part")),
    EventRule("outOfPlace", _DEGRADED, _WARNING, N_("The part is not in its place")),
    EventRule("commError", _DEGRADED, _ERROR, N_("The part does not answer as it should")),
    EventRule("partError", _DEGRADED, _WARNING, N_("The part reports an unexplained error")),
    EventRule("userError", _DEGRADED, _WARNING, N_("A person keeps the part from working")),
    EventRule("temperatureOff", _DEGRADED, _WARNING, N_("The part's temperature is out of range")),
    EventRule("voltageOff", _DEGRADED, _ERROR, N_("The part's supply voltage is out of range")),
    EventRule("batteryLow", _DEGRADED, _WARNING, N_("The part's battery is weak")),
    EventRule("cheated", _DEGRADED, _ERROR, N_("A manipulation attempt was reported")),
    EventRule("x.ClockOff", _DEGRADED, _WARNING, N_("Its messages carry a wrong time")),
    EventRule("x.SerialChanged", _DEGRADED, _ERROR, N_("Another clock answers at its address")),
    EventRule(
        "x.MacChanged", _DEGRADED, _WARNING, N_("Another network card answers at its address")
    ),
    EventRule("x.RecordsFell", _DEGRADED, _ERROR, N_("Its log holds fewer records than before")),
    EventRule("x.DataCleared", _DEGRADED, _WARNING, N_("Somebody cleared its data at the keypad")),
    EventRule("x.FactoryReset", _DEGRADED, _ERROR, N_("Somebody reset it to how it was delivered")),
    EventRule(
        "x.AdministratorsCleared",
        _DEGRADED,
        _WARNING,
        N_("Its administrators were cleared: anybody can change its settings"),
    ),
    EventRule("x.TimeZoneWrong", _DEGRADED, _WARNING, N_("It shows the time of another time zone")),
    EventRule(
        "x.ClockJumped",
        _DEGRADED,
        _WARNING,
        N_("Its time jumped when it lost power: its battery is empty"),
    ),
    EventRule(
        "x.NoPunches",
        _DEGRADED,
        _WARNING,
        N_("It answers, but nobody punches at hours when people usually do"),
        frozenset({"x.PunchesBack"}),
    ),
    EventRule(
        "x.RepeatedVerifyFailed",
        _DEGRADED,
        _WARNING,
        N_("It refused the same person again and again"),
    ),
    EventRule("x.TamperAlarm", _DEGRADED, _ERROR, N_("It was opened or taken off the wall")),
    EventRule("x.DoorForced", _DEGRADED, _ERROR, N_("Its door was forced open")),
    EventRule("x.DuressAlarm", _DEGRADED, _ERROR, N_("Somebody punched under duress")),
    EventRule("x.Alarm", _DEGRADED, _WARNING, N_("It gave an alarm")),
)

EVENT_RULES: dict[str, EventRule] = {rule.code: rule for rule in _EVENT_RULES}

BREAKDOWN_EVENT = "event:critical"
"""The rule of a critical event that no row names: its component has broken down."""

WORKS_AGAIN = frozenset({"ok", "operational", "restored"})
"""Codes by which a component says that it works again, whatever it said before."""


def rules_ended_by(code: str) -> list[str]:
    """The names of the event rules whose condition `code` ends."""
    if code in WORKS_AGAIN:
        return [BREAKDOWN_EVENT, *(rule.name for rule in _EVENT_RULES)]
    return [rule.name for rule in _EVENT_RULES if code in rule.cleared_by]


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """A limit on a gauge, with a second one that the value must pass on its way back.

    Attributes:
        above: True: too high is bad; False: too low.
        absolute: the value's size counts, not its sign.
    """

    metric: str
    component: str
    fault_class: FaultClass
    severity: Severity
    message: str
    raise_at: float
    clear_at: float
    above: bool = True
    absolute: bool = False

    @property
    def name(self) -> str:
        return f"threshold:{self.metric}"


_THRESHOLD_RULES = (
    ThresholdRule(
        "x.LogFill",
        "attendanceLog",
        _DEGRADED,
        _ERROR,
        N_("The log is {value} % full; when it is full, punches are lost"),
        raise_at=90,
        clear_at=80,
    ),
    ThresholdRule(
        "x.ClockDrift",
        "realTimeClock",
        _DEGRADED,
        _WARNING,
        N_("Its time is off by {value} s; up to {limit} s is allowed"),
        raise_at=120,
        clear_at=60,
        absolute=True,
    ),
    ThresholdRule(
        "x.DaysToFull",
        "attendanceLog",
        _DEGRADED,
        _WARNING,
        N_("The log is full in {value} days; when it is full, punches are lost"),
        raise_at=14,
        clear_at=21,
        above=False,
    ),
    ThresholdRule(
        "x.ClockDriftRate",
        "realTimeClock",
        _DEGRADED,
        _WARNING,
        N_("Its time runs off by {value} s a day; up to {limit} s is allowed"),
        raise_at=10,
        clear_at=5,
        absolute=True,
    ),
    ThresholdRule(
        "x.VerifyFailedShare",
        "fingerprintSensor",
        _DEGRADED,
        _WARNING,
        N_("{value} % of the fingers are not recognised; up to {limit} % is allowed"),
        raise_at=30,
        clear_at=20,
    ),
    ThresholdRule(
        "x.PaperRemaining",
        "receiptPrinter",
        _CONSUMABLE,
        _WARNING,
        N_("{value} % of the paper is left"),
        raise_at=10,
        clear_at=20,
        above=False,
    ),
    ThresholdRule(
        "x.SupplyVoltage",
        "powerSupply",
        _DEGRADED,
        _WARNING,
        N_("The supply voltage is {value} V; at least {limit} V is needed"),
        raise_at=11,
        clear_at=11.4,
        above=False,
    ),
    ThresholdRule(
        "x.PrintHeadTemperature",
        "receiptPrinter",
        _DEGRADED,
        _WARNING,
        N_("The print head is at {value} °C; up to {limit} °C is allowed"),
        raise_at=75,
        clear_at=65,
    ),
)

THRESHOLD_RULES: dict[str, ThresholdRule] = {rule.name: rule for rule in _THRESHOLD_RULES}
