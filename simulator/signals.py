"""What a device measures while it is used and wears: one table, drawn from for history and live.

Rates are per hour of full use. Use follows the hours of the site's day; wear adds to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from domain.codes import Code
from domain.device import DeviceKind
from domain.report import Severity
from domain.vocabulary import DEVICE
from simulator.lives import usage_of
from simulator.stories import SUPPLY
from simulator.wear import Floats, Rise, seeded

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CounterSignal:
    """A counter: `idle` an hour in any case, `busy` at full use, `worn` at full use and wear 1.

    A `worn` below zero: what wear takes away.
    """

    metric: str
    component: str
    idle: float = 0.0
    busy: float = 0.0
    worn: float = 0.0


@dataclass(frozen=True, slots=True)
class GaugeSignal:
    """A gauge: `level`, plus `busy` at full use, plus `worn` at wear 1; `noise` is its deviation.

    `spread` is the deviation from device to device.
    """

    metric: str
    component: str
    level: float
    busy: float = 0.0
    worn: float = 0.0
    noise: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class StockSignal:
    """A gauge that a counter moves: from `most` down or from 0 up, until somebody handles it.

    It moves by `per_count` a count and is set back after moving by `span`; the forgetful tenth of
    the devices waits until `forgetful_span`. Who is not handled at all runs out, with `code`.
    """

    metric: str
    component: str
    counter: str
    per_count: float
    span: float
    forgetful_span: float
    most: float
    code: Code
    falls: bool = False


@dataclass(frozen=True, slots=True)
class EventSignal:
    """An event: `idle` an hour in any case, `worn` an hour at wear 1 (it grows with its square)."""

    component: str
    code: str
    severity: Severity
    idle: float
    worn: float


@dataclass(frozen=True, slots=True)
class Signals:
    """What devices of one kind measure, and how their parts' failures are called."""

    counters: tuple[CounterSignal, ...] = ()
    gauges: tuple[GaugeSignal, ...] = ()
    stocks: tuple[StockSignal, ...] = ()
    events: tuple[EventSignal, ...] = ()
    failure_codes: Mapping[str, Code] = field(default_factory=dict)


_PRINTER, _CARD, _BILL, _POWER = "receiptPrinter", "cardReader", "billAcceptor", "powerSupply"
_ANY_TERMINAL = Signals(
    counters=(
        CounterSignal("HoursPoweredCount", DEVICE, idle=1.0),
        CounterSignal("CommunicationErrorCount", DEVICE, idle=0.04, busy=0.05, worn=6),
        CounterSignal("ReceiptLinePrintedCount", _PRINTER, busy=420),
        CounterSignal("PaperCutCount", _PRINTER, busy=26),
        CounterSignal("FailedPaperCutCount", _PRINTER, busy=0.08, worn=7),
        CounterSignal("PrinterFaultCount", _PRINTER, busy=0.02, worn=2),
    ),
    gauges=(
        GaugeSignal("x.PrintHeadTemperature", _PRINTER, 31, 8, 16, noise=1.6, spread=2.5),
        GaugeSignal("x.SupplyVoltage", _POWER, 12.1, worn=-1.2, noise=0.08, spread=0.08),
    ),
    stocks=(
        StockSignal(
            "x.PaperRemaining",
            _PRINTER,
            "ReceiptLinePrintedCount",
            0.005,
            84,
            94,
            100,
            Code.PAPER_OUT,
            falls=True,
        ),
    ),
    events=(
        EventSignal(_PRINTER, Code.PAPER_JAM, Severity.WARNING, idle=0.0012, worn=0.5),
        EventSignal(_PRINTER, Code.USER_ERROR, Severity.WARNING, idle=0.0006, worn=1.5),
        EventSignal(_PRINTER, Code.PAPER_LOW, Severity.WARNING, idle=0.0, worn=0.4),
    ),
    failure_codes={_PRINTER: Code.MECHANICAL_FAILURE},
)
_POS = Signals(
    counters=(
        CounterSignal("GoodReadCount", _CARD, busy=22, worn=-22),
        CounterSignal("FailedReadCount", _CARD, busy=0.7, worn=9),
    ),
    events=(EventSignal(_CARD, Code.MEDIA_JAM, Severity.WARNING, idle=0.0008, worn=0.3),),
    failure_codes={_CARD: Code.READER_FAILURE},
)
_KIOSK = Signals(
    counters=(
        CounterSignal("x.BillAcceptedCount", _BILL, busy=17),
        CounterSignal("x.BillRejectedCount", _BILL, busy=0.9, worn=9),
        CounterSignal("x.BillJamCount", _BILL, busy=0.01, worn=1.2),
    ),
    stocks=(
        StockSignal(
            "x.BillsInStacker", _BILL, "x.BillAcceptedCount", 1, 700, 950, 1000, Code.STACKER_FULL
        ),
    ),
    events=(
        EventSignal(_BILL, Code.JAM_ACCEPTOR, Severity.WARNING, idle=0.0012, worn=0.5),
        EventSignal(_BILL, Code.FOREIGN_ITEM, Severity.WARNING, idle=0.0006, worn=1.5),
        EventSignal(_BILL, Code.STACKER_NEAR_FULL, Severity.WARNING, idle=0.0, worn=0.4),
    ),
    failure_codes={_BILL: Code.TRANSPORT_MOTOR},
)


def _joined(first: Signals, second: Signals) -> Signals:
    return Signals(
        first.counters + second.counters,
        first.gauges + second.gauges,
        first.stocks + second.stocks,
        first.events + second.events,
        {**first.failure_codes, **second.failure_codes},
    )


SIGNALS: Mapping[DeviceKind, Signals] = {
    DeviceKind.POS: _joined(_ANY_TERMINAL, _POS),
    DeviceKind.KIOSK: _joined(_ANY_TERMINAL, _KIOSK),
}

_BY_HOUR = np.array(
    [2, 1, 1, 1, 1, 3, 8, 25, 55, 70, 75, 85, 100, 90, 70, 65, 70, 90, 100, 95, 75, 50, 25, 8]
)  # fmt: skip
_QUIET_DAY = 0.7  # of the week's use
_FORGETFUL = 0.1


@dataclass(frozen=True, slots=True)
class Traits:
    """What tells a device from others of its kind; follows from its key."""

    usage: float
    minute: int
    forgetful: bool
    offsets: Mapping[str, float]


def traits(key: str, kind: DeviceKind) -> Traits:
    """The traits of the device `key`. `minute`: of the hour, at which it reports its counters."""
    rng = seeded(key, "traits")
    gauges = SIGNALS[kind].gauges if kind in SIGNALS else ()
    return Traits(
        usage=usage_of(key),
        minute=int(rng.integers(0, 55)),
        forgetful=bool(rng.random() < _FORGETFUL),
        offsets={gauge.metric: float(rng.normal(0, gauge.spread)) for gauge in gauges},
    )


def use(moments: Floats, time_zone: str, usage: float) -> Floats:
    """How much a device is used at `moments` (seconds since 1970): 0 not at all, 1 fully."""
    middle = datetime.fromtimestamp(float(moments[len(moments) // 2]), UTC)
    offset = middle.astimezone(ZoneInfo(time_zone)).utcoffset()
    local = moments + (offset.total_seconds() if offset else 0.0)
    hours = (local // 3600 % 24).astype(int)
    days = (local // 86400).astype(int)
    quiet = np.where(days % 7 == 1, _QUIET_DAY, 1.0)  # 1970-01-02 was a Friday
    activity: Floats = _BY_HOUR[hours] / 100 * usage * quiet
    return activity


def counter_steps(
    signal: CounterSignal, activity: Floats, wear: Floats, rng: np.random.Generator
) -> Counts:
    """By how much the counter grows in each hour."""
    if signal.idle == 1.0:
        return np.ones(len(activity), dtype=np.int64)
    rate = signal.idle + activity * np.maximum(signal.busy + signal.worn * wear, 0.0)
    return rng.poisson(rate)


def gauge_values(
    signal: GaugeSignal, offset: float, activity: Floats, wear: Floats, rng: np.random.Generator
) -> Floats:
    """What the gauge shows in each hour."""
    steady = signal.level + offset + signal.busy * activity + signal.worn * wear
    values: Floats = np.round(steady + rng.normal(0, signal.noise, len(activity)), 2)
    return values


def stock_values(
    signal: StockSignal, forgetful: bool, counter: Floats, rises: Iterable[Rise], moments: Floats
) -> Floats:
    """What the stock shows at `moments`, when its counter shows `counter`."""
    moved = counter * signal.per_count % (signal.forgetful_span if forgetful else signal.span)
    for rise in rises:
        if rise.story == SUPPLY and signal.metric in rise.signs:
            moved = np.maximum(moved, neglected(signal, rise, moments))
    values: Floats = np.round(signal.most - moved if signal.falls else moved, 1)
    return values


def neglected(signal: StockSignal, rise: Rise, moments: Floats) -> Floats:
    """How far the stock moves while nobody handles it: evenly, from as far before the rise as it
    takes to get there; 0 where it is handled."""
    onset, peak, end = (each.timestamp() for each in (rise.onset, rise.peak, rise.end))
    way = (signal.most - signal.span) * rise.height * (moments - onset) / (peak - onset)
    moved = np.clip(signal.span + way, 0.0, signal.most)
    over = moments >= (end if rise.fails else peak)
    return np.where(over, 0.0, moved)


def failure_code(kind: DeviceKind, rise: Rise) -> Code:
    """What a device says when a part of it has failed so."""
    signals = SIGNALS[kind]
    if rise.story == SUPPLY:
        return next(each.code for each in signals.stocks if each.component == rise.component)
    return signals.failure_codes[rise.component]


def event_counts(signal: EventSignal, wear: Floats, rng: np.random.Generator) -> Counts:
    """How often the event happens in each hour."""
    return rng.poisson(signal.idle + signal.worn * wear**2)
