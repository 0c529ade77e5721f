"""Why simulated parts fail: one story a row, with the signs it gives before and how strong they are.

How often things fail here is invented; a few stories give no sign at all, so that no model can foretell
everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.codes import Code
from domain.device import DeviceKind

WEAR, SHOCK, POWER_CUT, DRIFT, CONTAMINATION = "wear", "shock", "powerCut", "drift", "contamination"
NETWORK, FIRMWARE, SILENT, MISUSE = "network", "firmware", "silent", "misuse"
SUPPLY = "supply"
"""Nobody refilled it in time, and it ran out."""

BUGGY_FIRMWARE = "3.0.7"
"""The version of POS terminals that hangs now and then; no other does."""


@dataclass(frozen=True, slots=True)
class Story:
    """One way in which a component fails.

    Attributes:
        signs: metrics and event codes in which it shows beforehand.
        mean_days: mean time between such failures, of a device in usual use.
        ramp_h: shortest and longest time from the first sign to the failure; zeros: no sign.
        shape: Weibull's, of the time between failures; 1: chance alone, above 1: age counts.
        by_use: devices that are used twice as much live half as long.
        strength: share of the full effect on the signs that is reached at the failure.
        false_starts: share of lives in which the signs once rise and subside without a failure.
        planned: share of failures that a planned repair prevents, while their signs rise.
        cleaned: what ends a false start is recorded as a cleaning.
        abrupt: the signs are there at once; else they begin slowly and end fast.
        halts: the device is out of service while the component is broken.
        firmware: only devices of this version; empty: all.
        befalls: share of the devices that it befalls at all.
        repair_h: shortest and mean time from the failure to the repair.
    """

    name: str
    component: str
    signs: frozenset[str]
    mean_days: float
    ramp_h: tuple[float, float] = (36.0, 48.0)
    shape: float = 1.0
    by_use: bool = False
    strength: float = 1.0
    false_starts: float = 0.0
    planned: float = 0.0
    cleaned: bool = False
    abrupt: bool = False
    halts: bool = True
    firmware: str = ""
    befalls: float = 1.0
    repair_h: tuple[float, float] = (2.0, 5.0)


@dataclass(frozen=True, slots=True)
class PowerCuts:
    """A site's power goes, for all its devices at once; some power supplies die of it later.

    Attributes:
        mean_days: between two cuts of a site.
        length_h: shortest and longest cut.
        share: of the site's devices whose power supply dies.
        ramp_h: shortest and longest time from the cut to such a failure.
    """

    mean_days: float = 75.0
    length_h: tuple[float, float] = (0.5, 3.0)
    share: float = 0.06
    ramp_h: tuple[float, float] = (6.0, 40.0)


POWER_CUTS = PowerCuts()

_NEGLECTED = 0.3  # of the devices: now and then nobody refills or empties them in time
_NO_SIGN = (0.0, 0.0)
_PRINTER, _CARD, _BILL, _POWER = "receiptPrinter", "cardReader", "billAcceptor", "powerSupply"
_DEVICE, _SENSOR, _TIME = "device", "fingerprintSensor", "realTimeClock"
_NONE: frozenset[str] = frozenset()


def _surge(sign: str) -> Story:
    """What a power cut leaves behind; how often follows from `POWER_CUTS`."""
    return Story(
        POWER_CUT, _POWER, frozenset({sign}), 0.0, POWER_CUTS.ramp_h, strength=0.35, abrupt=True
    )


SURGES: Mapping[DeviceKind, Story] = {
    DeviceKind.CLOCK: _surge("x.PowerOnCount"),
    DeviceKind.POS: _surge("x.SupplyVoltage"),
    DeviceKind.KIOSK: _surge("x.SupplyVoltage"),
}

_CLOCK = (
    Story(
        WEAR, _POWER, frozenset({"x.PowerOnCount", "x.ClockDrift"}), 50.0,
        shape=1.4, false_starts=0.2, planned=0.08,
    ),
    Story(SHOCK, _POWER, _NONE, 900.0, _NO_SIGN, strength=0.0),
    Story(
        DRIFT, _TIME, frozenset({"x.ClockDrift"}), 320.0, (240.0, 480.0),
        shape=3.0, planned=0.15, halts=False, repair_h=(12.0, 40.0),
    ),
    Story(
        CONTAMINATION, _SENSOR, frozenset({"x.VerifyFailedCount"}), 320.0, (96.0, 240.0),
        by_use=True, false_starts=0.6, planned=0.1, cleaned=True, halts=False,
        repair_h=(6.0, 24.0),
    ),
)  # fmt: skip
_ANY_TERMINAL = (
    Story(
        WEAR, _PRINTER,
        frozenset({"FailedPaperCutCount", "PrinterFaultCount", "x.PrintHeadTemperature", Code.PAPER_JAM}),
        105.0, shape=1.8, by_use=True, false_starts=0.25, planned=0.1,
    ),
    Story(
        CONTAMINATION, _PRINTER, frozenset({"x.PrintHeadTemperature", "PrinterFaultCount"}),
        500.0, (120.0, 216.0), by_use=True, strength=0.5, false_starts=0.5, planned=0.1,
        cleaned=True,
    ),
    Story(MISUSE, _PRINTER, frozenset({Code.USER_ERROR}), 550.0, (2.0, 8.0), false_starts=0.9),
    Story(SHOCK, _PRINTER, _NONE, 1300.0, _NO_SIGN, strength=0.0),
    Story(
        SUPPLY, _PRINTER, frozenset({"x.PaperRemaining", Code.PAPER_LOW}), 75.0, (12.0, 30.0),
        by_use=True, false_starts=0.6, befalls=_NEGLECTED, repair_h=(1.0, 4.0),
    ),
    Story(
        DRIFT, _POWER, frozenset({"x.SupplyVoltage"}), 900.0, (72.0, 168.0), shape=2.5, planned=0.1
    ),
    Story(NETWORK, _DEVICE, frozenset({"CommunicationErrorCount"}), 750.0, (12.0, 24.0), false_starts=0.5),
)  # fmt: skip
_POS = (
    Story(
        CONTAMINATION, _CARD, frozenset({"FailedReadCount", Code.MEDIA_JAM}), 260.0, (60.0, 144.0),
        by_use=True, false_starts=0.5, planned=0.1, cleaned=True,
    ),
    Story(
        SILENT, _CARD, frozenset({"GoodReadCount"}), 650.0, (5.0, 20.0), abrupt=True, halts=False
    ),
    Story(
        FIRMWARE, _DEVICE, frozenset({"CommunicationErrorCount"}), 250.0, (48.0, 96.0),
        shape=4.0, strength=0.6, firmware=BUGGY_FIRMWARE, repair_h=(1.0, 2.0),
    ),
)  # fmt: skip
_KIOSK = (
    Story(
        WEAR, _BILL,
        frozenset({"x.BillRejectedCount", "x.BillJamCount", Code.JAM_ACCEPTOR}), 95.0,
        shape=1.8, by_use=True, false_starts=0.25, planned=0.1,
    ),
    Story(
        CONTAMINATION, _BILL, frozenset({"x.BillRejectedCount"}), 450.0, (72.0, 144.0),
        by_use=True, strength=0.5, false_starts=0.6, planned=0.1, cleaned=True,
    ),
    Story(MISUSE, _BILL, frozenset({Code.FOREIGN_ITEM}), 600.0, (3.0, 10.0), false_starts=0.9),
    Story(SHOCK, _BILL, _NONE, 1300.0, _NO_SIGN, strength=0.0),
    Story(
        SUPPLY, _BILL, frozenset({"x.BillsInStacker", Code.STACKER_NEAR_FULL}), 90.0, (12.0, 40.0),
        by_use=True, false_starts=0.6, befalls=_NEGLECTED, repair_h=(1.0, 4.0),
    ),
)  # fmt: skip

STORIES: Mapping[DeviceKind, tuple[Story, ...]] = {
    DeviceKind.CLOCK: _CLOCK,
    DeviceKind.POS: (*_ANY_TERMINAL, *_POS),
    DeviceKind.KIOSK: (*_ANY_TERMINAL, *_KIOSK),
}
