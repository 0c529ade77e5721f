"""The codes of events that Forecall knows: one word for what many protocols say in their own ways.

A code that is not here is kept as it is and judged by its event's severity alone. What Forecall itself
finds of a device, such as `x.ClockOff`, is no protocol's code and stands where it is found.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from domain.report import Severity

_INFO, _WARNING = Severity.INFO, Severity.WARNING
_ERROR, _CRITICAL = Severity.ERROR, Severity.CRITICAL


class Code(StrEnum):
    """A canonical code, how bad it is where its device does not say, and what it means.

    Severities as in docs/mqtt.md: `warning`: to be watched; `error`: it needs a hand; `critical`: the
    part no longer does its work.
    """

    severity: Severity
    meaning: str

    def __new__(cls, value: str, severity: Severity, meaning: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.severity = severity
        member.meaning = meaning
        return member

    OK = "ok", _INFO, "it is in order"
    OPERATIONAL = "operational", _INFO, "it is in operation"
    RESTORED = "restored", _INFO, "it works again"

    PAPER_OUT = "paperOut", _ERROR, "the paper has run out"
    PAPER_LOW = "paperLow", _WARNING, "the paper is running low"
    PAPER_OK = "paperOk", _INFO, "there is paper"
    PAPER_FULL = "paperFull", _INFO, "the paper is full"
    PAPER_JAM = "paperJam", _WARNING, "the paper jammed"
    INK_OUT = "inkOut", _ERROR, "ink, toner or ribbon has run out"
    INK_LOW = "inkLow", _WARNING, "ink, toner or ribbon is running low"
    INK_OK = "inkOk", _INFO, "there is ink, toner or ribbon"
    CARTRIDGE_REMOVED = "cartridgeRemoved", _ERROR, "the ink cartridge is missing"
    HEAD_DIRTY = "headDirty", _WARNING, "the print head wants cleaning"
    HEAD_HOT = "headHot", _WARNING, "the print head is too hot"
    CUTTER_FAILURE = "cutterFailure", _CRITICAL, "the cutter does not cut"
    COVER_OPEN = "coverOpen", _WARNING, "a cover is open"
    COVER_CLOSED = "coverClosed", _INFO, "the cover is closed"
    LAMP_FADING = "lampFading", _WARNING, "a lamp is fading"
    LAMP_FAILURE = "lampFailure", _CRITICAL, "a lamp has failed"

    STACKER_FULL = "stackerFull", _ERROR, "the stacker is full"
    STACKER_NEAR_FULL = "stackerNearFull", _WARNING, "the stacker is nearly full"
    STACKER_OPEN = "stackerOpen", _ERROR, "the stacker is open or missing"
    STACKER_CLOSED = "stackerClosed", _INFO, "the stacker is in place"
    STACKER_OK = "stackerOk", _INFO, "the stacker has room"
    STACKER_EMPTIED = "stackerEmptied", _INFO, "the stacker was emptied"
    STACKER_REPLACED = "stackerReplaced", _INFO, "the stacker was replaced"
    BIN_FULL = "binFull", _ERROR, "the bin of retained items is full"
    BIN_NEAR_FULL = "binNearFull", _WARNING, "the bin of retained items is nearly full"
    BIN_MISSING = "binMissing", _ERROR, "the bin of retained items is missing"
    BIN_OK = "binOk", _INFO, "the bin of retained items has room"
    DOOR_OPEN = "doorOpen", _WARNING, "a door is open"
    DOOR_CLOSED = "doorClosed", _INFO, "the door is closed"

    JAM_ACCEPTOR = "jamAcceptor", _WARNING, "a bill jammed in the acceptor"
    JAM_STACKER = "jamStacker", _WARNING, "a bill jammed in the stacker"
    JAM_COIN = "jamCoin", _WARNING, "a coin jammed"
    MEDIA_JAM = "mediaJam", _WARNING, "a card or document jammed"
    SHUTTER_JAM = "shutterJam", _ERROR, "the shutter is stuck"
    JAM_OK = "jamOk", _INFO, "the jam is gone"
    JAM_CLEARED = "jamCleared", _INFO, "the jam was cleared"
    CHEATED = "cheated", _ERROR, "a manipulation attempt"
    FOREIGN_ITEM = "foreignItem", _WARNING, "something that does not belong there"
    OUT_OF_PLACE = "outOfPlace", _WARNING, "the part is not in its place"
    COMM_ERROR = "commError", _ERROR, "the part does not answer as it should"
    PART_ERROR = "partError", _WARNING, "an error that the part does not explain"
    USER_ERROR = "userError", _WARNING, "a person keeps it from working"
    TEMPERATURE_OFF = "temperatureOff", _WARNING, "the temperature is out of range"
    VOLTAGE_OFF = "voltageOff", _ERROR, "the supply voltage or current is out of range"
    BATTERY_LOW = "batteryLow", _WARNING, "the battery is weak"

    FAILURE = "failure", _CRITICAL, "it has failed"
    MECHANICAL_FAILURE = "mechanicalFailure", _CRITICAL, "the mechanism has failed"
    READER_FAILURE = "readerFailure", _CRITICAL, "the reader has failed"
    STACK_MOTOR = "stackMotor", _CRITICAL, "the stacker's motor or mechanism has failed"
    TRANSPORT_MOTOR = "transportMotor", _CRITICAL, "the transport motor has failed"
    TRANSPORT_SPEED = "transportSpeed", _CRITICAL, "the transport runs at a wrong speed"
    ALIGN_MOTOR = "alignMotor", _CRITICAL, "the aligning mechanism has failed"
    SOLENOID = "solenoid", _CRITICAL, "a solenoid has failed"
    CASHBOX_NOT_READY = "cashboxNotReady", _CRITICAL, "the cash box is not ready"
    HEAD_REMOVED = "headRemoved", _CRITICAL, "the acceptor's head was taken off"
    SENSOR_FAILURE = "sensorFailure", _CRITICAL, "a sensor has failed"
    GATE_FAILURE = "gateFailure", _CRITICAL, "a gate has failed"
    MEMORY_FAILURE = "memoryFailure", _CRITICAL, "its memory has failed"
    CLOCK_FAILURE = "clockFailure", _CRITICAL, "its clock has failed"
    FIRMWARE_FAILURE = "firmwareFailure", _CRITICAL, "its firmware has failed"
    PART_OFFLINE = "partOffline", _CRITICAL, "the part is off or can't be reached"
    PART_MISSING = "partMissing", _CRITICAL, "the part is missing"

    BILL_REJECTED = "billRejected", _INFO, "a bill was not accepted"
    BILL_RETURNED = "billReturned", _INFO, "a bill was given back"
    COIN_REJECTED = "coinRejected", _INFO, "a coin was not accepted"
    READ_FAILED = "readFailed", _INFO, "a card or document could not be read"
    MEDIA_RETAINED = "mediaRetained", _INFO, "a card or document was kept"
    DRAWER_OPEN = "drawerOpen", _INFO, "the drawer is open"
    DRAWER_CLOSED = "drawerClosed", _INFO, "the drawer is closed"
    STARTED = "started", _INFO, "the part was started or reset"
    IDLE = "idle", _INFO, "the part waits for work"
    BUSY = "busy", _INFO, "the part is at work"
    PAUSED = "paused", _INFO, "the part waits"
    DISABLED = "disabled", _INFO, "the part was told not to work"


CODES: dict[str, Code] = {code.value: code for code in Code}
