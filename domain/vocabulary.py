"""Components and metrics that Forecall knows by name. Names it does not know are kept as they are.

Statistics take UnifiedPOS names; where UnifiedPOS has none they take an `x.` name. Components take
the names of XFS4IoT's device classes.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.report import MetricKind
from domain.statistics import GAUGES, STATISTICS
from domain.text import N_

DEVICE = "device"
"""The component that stands for the whole device."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part that can fail.

    Attributes:
        silences: whether its failure makes the whole device fall silent.
        first_steps: what to try from afar before anyone travels.
        part: the spare part to take along.
    """

    name: str
    label: str
    silences: bool
    first_steps: str
    part: str


_COMPONENTS = (
    Component(
        DEVICE,
        N_("whole device"),
        True,
        N_("Ask on site whether it has power and network; have it restarted."),
        N_("backup device"),
    ),
    Component(
        "receiptPrinter",
        N_("receipt printer"),
        False,
        N_(
            "Ask on site to open the cover, clear the paper path and close it firmly; print a test page."
        ),
        N_("printer mechanism with cutter"),
    ),
    Component(
        "billAcceptor",
        N_("bill acceptor"),
        False,
        N_("Reset the acceptor from afar; ask on site to empty the stacker and wipe the sensors."),
        N_("bill acceptor head"),
    ),
    Component(
        "coinAcceptor",
        N_("coin acceptor"),
        False,
        N_("Reset the acceptor from afar; ask on site to clear the coin path and empty the box."),
        N_("coin acceptor"),
    ),
    Component(
        "cardReader",
        N_("card reader"),
        False,
        N_("Restart the reader's service; ask on site to pass a cleaning card."),
        N_("card reader"),
    ),
    Component(
        "cashDrawer",
        N_("cash drawer"),
        False,
        N_("Ask on site to check the drawer's cable and that nothing blocks it."),
        N_("cash drawer"),
    ),
    Component(
        "barcodeScanner",
        N_("barcode scanner"),
        False,
        N_("Restart the scanner's service; ask on site to wipe its window and check its cable."),
        N_("barcode scanner"),
    ),
    Component(
        "powerSupply",
        N_("power supply"),
        True,
        N_("Ask on site to check the socket and the adapter; watch for further restarts."),
        N_("power adapter"),
    ),
    Component(
        "fingerprintSensor",
        N_("fingerprint sensor"),
        False,
        N_("Ask on site to wipe the sensor with a dry cloth; enable card or PIN meanwhile."),
        N_("fingerprint sensor module"),
    ),
    Component(
        "realTimeClock",
        N_("real-time clock"),
        False,
        N_("Compare its time zone setting; set its time once and watch the drift."),
        N_("clock battery"),
    ),
    Component(
        "attendanceLog",
        N_("attendance log"),
        False,
        N_(
            "Check that every record is stored here, then clear the log with the customer's consent."
        ),
        N_("none"),
    ),
)

COMPONENTS: dict[str, Component] = {component.name: component for component in _COMPONENTS}


def component(name: str) -> Component:
    """The component of that name; one that Forecall doesn't know gets general advice."""
    known = COMPONENTS.get(name)
    if known is not None:
        return known
    return Component(
        name, name, False, N_("Check the component from afar before a visit."), N_("the component")
    )


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured quantity. `unit` is empty for plain counts."""

    name: str
    kind: MetricKind
    unit: str
    component: str
    label: str


_C, _G = MetricKind.COUNTER, MetricKind.GAUGE

_METRICS = (
    Metric("HoursPoweredCount", _C, "h", DEVICE, N_("hours powered")),
    Metric("CommunicationErrorCount", _C, "", DEVICE, N_("communication errors")),
    Metric("ReceiptLinePrintedCount", _C, "", "receiptPrinter", N_("receipt lines printed")),
    Metric("PaperCutCount", _C, "", "receiptPrinter", N_("paper cuts")),
    Metric("FailedPaperCutCount", _C, "", "receiptPrinter", N_("failed paper cuts")),
    Metric("PrinterFaultCount", _C, "", "receiptPrinter", N_("printer faults")),
    Metric("x.PrintHeadTemperature", _G, "°C", "receiptPrinter", N_("print head temperature")),
    Metric("x.PaperRemaining", _G, "%", "receiptPrinter", N_("paper remaining")),
    Metric("GoodReadCount", _C, "", "cardReader", N_("cards read")),
    Metric("FailedReadCount", _C, "", "cardReader", N_("card reads failed")),
    Metric("x.BillAcceptedCount", _C, "", "billAcceptor", N_("bills accepted")),
    Metric("x.BillRejectedCount", _C, "", "billAcceptor", N_("bills rejected")),
    Metric("x.BillJamCount", _C, "", "billAcceptor", N_("bill jams")),
    Metric("x.BillsInStacker", _G, "", "billAcceptor", N_("bills in the stacker")),
    Metric("x.CoinsInHopper", _G, "", "coinAcceptor", N_("coins in the hopper")),
    Metric("x.CoinsInBox", _G, "", "coinAcceptor", N_("coins in the box")),
    Metric("x.SupplyVoltage", _G, "V", "powerSupply", N_("supply voltage")),
    Metric("x.PowerOnCount", _C, "", "powerSupply", N_("power-ons")),
    Metric("x.ConnectTime", _G, "s", DEVICE, N_("connect time")),
    Metric("x.CommandTime", _G, "s", DEVICE, N_("command time")),
    Metric("x.ClockDrift", _G, "s", "realTimeClock", N_("clock drift")),
    Metric("x.ClockDriftRate", _G, "s/d", "realTimeClock", N_("clock drift a day")),
    Metric("x.TransferRate", _G, "B/s", DEVICE, N_("transfer rate")),
    Metric("x.FreeFlash", _G, "B", DEVICE, N_("free flash memory")),
    Metric("x.UserCount", _G, "", DEVICE, N_("users")),
    Metric("x.FingerCount", _G, "", DEVICE, N_("fingerprints")),
    Metric("x.RecordCount", _G, "", "attendanceLog", N_("records in the log")),
    Metric("x.RecordCapacity", _G, "", "attendanceLog", N_("capacity of the log")),
    Metric("x.DaysToFull", _G, "d", "attendanceLog", N_("days until the log is full")),
    Metric("x.LogFill", _G, "%", "attendanceLog", N_("log filled")),
    Metric("x.VerifiedCount", _C, "", "fingerprintSensor", N_("verifications")),
    Metric(
        "x.VerifyFailedShare", _G, "%", "fingerprintSensor", N_("share of failed verifications")
    ),
    Metric("x.VerifyFailedCount", _C, "", "fingerprintSensor", N_("failed verifications")),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _METRICS}


def metric(name: str) -> Metric:
    """The metric of that name; one that Forecall doesn't know is a gauge of the whole device.

    A statistic of UnifiedPOS that has no row of its own is shown by its name.
    """
    known = METRICS.get(name)
    if known is None and name in STATISTICS:
        kind = _G if name in GAUGES else _C
        known = Metric(name, kind, "", STATISTICS[name], name)
    return known or Metric(name, _G, "", DEVICE, name)


def is_known_metric(name: str) -> bool:
    """Whether `metric(name)` knows more of it than its name."""
    return name in METRICS or name in STATISTICS
