"""The simulated fleet in the store: who owns it, what it is, and its past."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np

from alerts.board import SYSTEM
from desk.contracts.writing import take_in
from desk.past import PastCase, keep
from domain.clock import ManualClock, ScaledClock
from domain.device import Cause, DeviceKind, DeviceState
from domain.errors import ConfigurationError
from domain.vocabulary import metric
from forecall.config import MAX_DEMO_DEVICES, Settings
from forecall.demo_cases import cases_of
from forecall.demo_contracts import contracts
from forecall.demo_work import Kept
from pipeline.counters import deltas
from simulator.fleet import Device, Fleet, plan_fleet
from simulator.history import Series, Spell, device_history, happenings
from simulator.lives import life_of
from simulator.script import MARGIN, plan_script
from simulator.wear import Life
from storage.arrays import write_arrays
from storage.clock import install_simulated_clock
from storage.copy import DEVICE_EVENT, READING, copy_rows
from storage.database import Conn, Database, Row
from storage.engine import detect
from storage.queries import load

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of it that is done (0 to 1)."""

FULL_SPEED, FULL_SPEED_DEVICES = 300.0, 400
"""Up to so many devices the demo runs at full speed; beyond, the messages a second stay the same."""

RAW_DAYS = 7
"""Raw readings of the past are kept for so many days; the rollups for all of it."""

_CLOSED_MONTHS = 2
_FULL_HISTORY_DEVICES, _LEAST_HISTORY_DAYS = 400, 14
_BATCH = 25  # devices a COPY
_COLLECTORS = {DeviceKind.CLOCK: "zkteco", DeviceKind.POS: "mqtt", DeviceKind.KIOSK: "mqtt"}
_ROLLUP = {
    "hour": "timestamptz",
    "device_id": "int4",
    "metric_id": "int2",
    "n": "int4",
    **dict.fromkeys(
        ("total", "squares", "low", "high", "first", "last", "growth", "before"), "float8"
    ),
}
_TRANSITION = {
    "device_id": "int4",
    **dict.fromkeys(("from_state", "to_state"), "text"),
    "at": "timestamptz",
    **dict.fromkeys(("cause", "detail", "component"), "text"),
    "version": "int8",
    "recorded_at": "timestamptz",
}
_FAILURE = {
    "device_id": "int4",
    "component": "text",
    "at": "timestamptz",
    "recorded_at": "timestamptz",
    "source": "text",
}
_MAINTENANCE = {**_FAILURE, "action": "text"}
_SOURCE = "history"
_SUPERIORS = {
    "liu-yang": "chen-wei",
    "zhang-min": "chen-wei",
    "ana-costa": "chen-wei",
    "reza-karimi": "sara-ahmadi",
    "sara-ahmadi": "chen-wei",
}
"""Whom the demo's engineers report to, so that what runs late has somewhere to go."""


def demo_speed(settings: Settings) -> float:
    """How many simulated seconds pass in one."""
    if settings.demo_speed is not None:
        return settings.demo_speed
    devices = settings.demo_clocks + settings.demo_terminals
    return FULL_SPEED * min(1.0, FULL_SPEED_DEVICES / devices)


def history_span(settings: Settings) -> timedelta:
    """How much past is made; less of it for a large fleet."""
    devices = settings.demo_clocks + settings.demo_terminals
    share = min(1.0, _FULL_HISTORY_DEVICES / devices)
    shared = max(_LEAST_HISTORY_DAYS, round(settings.demo_history_days * share))
    return timedelta(days=min(settings.demo_history_days, shared))


def is_built(database: Database) -> bool:
    """Whether the store holds a demo already."""
    with database.transaction() as conn:
        row = conn.execute(load("demo")["devices"]).fetchone()
    return bool(row and row["simulated"])


def build_demo(database: Database, settings: Settings, end: datetime, progress: Progress) -> None:
    """Makes the fleet and its past up to `end`, all of it or, on any error, nothing.

    Raises ConfigurationError when more devices are wanted than a demo carries, or the store holds
    real ones: the two must not mix.
    """
    if settings.demo_clocks + settings.demo_terminals > MAX_DEMO_DEVICES:
        raise ConfigurationError(
            f"demo_clocks, demo_terminals: at most {MAX_DEMO_DEVICES} devices together"
        )
    _refuse_real_devices(database)
    fleet = plan_fleet(settings.demo_clocks, settings.demo_terminals, end.date())
    with database.transaction() as conn:
        start = end - history_span(settings)
        detect(conn).ensure(conn, start, end)
        _Builder(conn, fleet, start, end, demo_speed(settings)).build(progress)
        clock = ScaledClock(end, datetime.now(UTC), demo_speed(settings))
        install_simulated_clock(conn, clock)
        conn.execute(load("demo")["reach"], {"now": end})


def _refuse_real_devices(database: Database) -> None:
    with database.transaction() as conn:
        row = conn.execute(load("demo")["devices"]).fetchone()
    if row and row["total"] > row["simulated"]:
        raise ConfigurationError(
            "data_dir: this folder holds real devices; set FORECALL_DATA_DIR to another folder "
            "for the demo"
        )


@dataclass(slots=True)
class _Batch:
    """What is written at once."""

    rollups: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    transitions: list[tuple[Any, ...]] = field(default_factory=list)
    failures: list[tuple[Any, ...]] = field(default_factory=list)
    repairs: list[tuple[Any, ...]] = field(default_factory=list)


class _Builder:
    """One demo on its way into one transaction."""

    def __init__(
        self, conn: Conn, fleet: Fleet, start: datetime, end: datetime, speed: float
    ) -> None:
        self._conn, self._fleet, self._start, self._end = conn, fleet, start, end
        self._sites = {site.key: site for site in fleet.sites}
        self._since = min(start, _cases_since(end))
        self._script = plan_script(fleet.devices, end, speed)
        self._metrics: dict[str, int] = {}
        self._keepers: dict[str, Row] = {}
        self._cases: list[PastCase] = []

    def build(self, progress: Progress) -> None:
        self._owners()
        devices = self._fleet.devices
        for first in range(0, len(devices), _BATCH):
            progress("history", first / len(devices))
            self._write(devices[first : first + _BATCH])
        keep(self._conn, self._cases)
        progress("history", 1.0)

    def _owners(self) -> None:
        statements = load("demo")
        for customer in self._fleet.customers:
            self._conn.execute(statements["add_customer"], asdict(customer))
        for engineer in self._fleet.engineers:
            self._conn.execute(statements["add_engineer"], asdict(engineer))
        for key, superior in _SUPERIORS.items():
            self._conn.execute(statements["reports_to"], {"key": key, "superior": superior})
        for site in self._fleet.sites:
            self._conn.execute(statements["add_site"], asdict(site))
        take_in(self._conn, ManualClock(self._since), contracts(self._end.date()), actor=SYSTEM)
        keepers = self._conn.execute(statements["keepers"]).fetchall()
        self._keepers = {row.pop("site"): row for row in keepers}

    def _write(self, devices: Sequence[Device]) -> None:
        batch = _Batch()
        for device in devices:
            self._collect(device, batch)
        self._write_series(batch)
        copy_rows(self._conn, "device_event", DEVICE_EVENT, batch.events)
        copy_rows(self._conn, "device_transition", _TRANSITION, batch.transitions)
        copy_rows(self._conn, "failure", _FAILURE, batch.failures)
        copy_rows(self._conn, "maintenance", _MAINTENANCE, batch.repairs)

    def _collect(self, device: Device, batch: _Batch) -> None:
        site = self._sites[device.site]
        told = self._life(device, self._start)
        past = device_history(device, site.time_zone, told, self._start, self._end)
        since = max(self._since, datetime.combine(device.installed_on, time(), UTC))
        life = self._life(device, since)
        befell = happenings(device.kind, life, since, self._end)
        identity = self._add(device, since, len(befell.spells))
        for name, series in past.series.items():
            batch.rollups.append((identity, self._metric(name), series))
        batch.events += [
            (e.at, e.at, identity, e.component, e.code, e.severity, "", "") for e in past.events
        ]
        batch.transitions += _transitions(identity, befell.spells, since, self._end)
        batch.failures += [
            (identity, rise.component, rise.peak, rise.peak, _SOURCE) for rise in befell.failures
        ]
        batch.repairs += [
            (identity, repair.component, repair.at, repair.at, _SOURCE, repair.action)
            for repair in befell.repairs
        ]
        kept = Kept(device, identity, site, **self._keepers[device.site])
        self._cases += cases_of(kept, life, befell.spells, since, self._end)

    def _life(self, device: Device, since: datetime) -> Life:
        span = (since - MARGIN, self._end + MARGIN)
        return self._script.added_to(device.key, life_of(device, *span))

    def _add(self, device: Device, since: datetime, spells: int) -> int:
        values = asdict(device) | {"adopted_at": since}
        row = self._conn.execute(load("demo")["add_device"], values).fetchone()
        assert row is not None
        status = {
            "device_id": row["id"],
            "collector": _COLLECTORS[device.kind],
            "since": self._end,
            "version": 2 * spells + 2,
        }
        self._conn.execute(load("demo")["add_status"], status)
        return int(row["id"])

    def _metric(self, name: str) -> int:
        if name not in self._metrics:
            values = {"name": name, "kind": metric(name).kind}
            row = self._conn.execute(load("demo")["ensure_metric"], values).fetchone()
            assert row is not None
            self._metrics[name] = int(row["id"])
        return self._metrics[name]

    def _write_series(self, batch: _Batch) -> None:
        at = _moments(batch.rollups)
        identities, metrics = (_spread(batch.rollups, column) for column in (0, 1))
        values = np.concatenate([series.values for _, _, series in batch.rollups])
        hours = at.astype("datetime64[h]")
        once = np.ones(len(values))
        # Gauges get a growth too: nobody reads it.
        growth = np.concatenate([deltas(series.values) for _, _, series in batch.rollups])
        before = np.concatenate([_before(series.values) for _, _, series in batch.rollups])
        columns = [hours, identities, metrics, once, values, values**2, *[values] * 4]
        columns += [growth, before]
        write_arrays(self._conn, "rollup_hourly", _ROLLUP, columns)
        raw = at >= np.datetime64(_naive(self._end - timedelta(days=RAW_DAYS)), "us")
        columns = [at[raw], at[raw], identities[raw], metrics[raw], values[raw]]
        write_arrays(self._conn, "reading", READING, columns)


def _cases_since(end: datetime) -> datetime:
    """From when there are states and cases: the last two months that are over, whole in every zone."""
    first = end.date().replace(day=1)
    for _ in range(_CLOSED_MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
    return datetime.combine(first, time(), UTC) - timedelta(days=1)


def _before(values: Any) -> Any:
    return np.concatenate([[np.nan], values[:-1]])[: len(values)]


def _moments(rows: Sequence[tuple[int, int, Series]]) -> Any:
    seconds = np.concatenate([series.moments for _, _, series in rows])
    return (seconds * 1e6).astype("datetime64[us]")


def _spread(rows: Sequence[tuple[Any, ...]], column: int) -> Any:
    return np.repeat([row[column] for row in rows], [len(row[2].values) for row in rows])


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _transitions(
    identity: int, spells: Sequence[Spell], start: datetime, end: datetime
) -> Iterator[tuple[Any, ...]]:
    """A device's state changes: first contact, its spells, and the end of the past."""
    up, down, unwatched = DeviceState.UP, DeviceState.DOWN, DeviceState.UNWATCHED
    steps: list[tuple[Any, ...]] = [(unwatched, up, start, Cause.FIRST_CONTACT, "", "")]
    for spell in spells:
        steps.append((up, down, spell.start, spell.cause, spell.detail, spell.component))
        steps.append((down, up, spell.end, Cause.CONTACT, "", ""))
    steps.append((up, unwatched, end, Cause.SIMULATION_PAUSED, "", ""))
    for number, step in enumerate(steps, start=1):
        yield (identity, *step, number, step[2])
