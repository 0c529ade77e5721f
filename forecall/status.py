"""`forecall status`: counts that a person reads and a script checks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alerts.outbox.letters import counts
from alerts.rules import problem_of
from alerts.rules.force import in_force
from domain.clock import Clock, ScaledClock, SystemClock
from domain.device import DeviceState
from forecall.files import file_problems
from forecall.wiring import Installation
from pipeline.flows import clocks_off, read_flows
from storage.database import Conn, Row
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Messages:
    """What the collectors took in, ever: received = stored + duplicate + rejected."""

    received: int
    stored: int
    duplicate: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an installation.

    Attributes:
        now: by the clock that the fleet goes by, ISO 8601.
        devices: adopted devices by state.
        unadopted: devices that were heard and are not adopted.
        predictions: of the last seven days.
        lag_s: wall seconds since the newest message of any device was stored; None: never.
        pending: signs and hours that wait for `forecall work`.
        collectors: by name, how each one's messages flow (`pipeline.flows.CollectorFlow`).
        outbox: what is to leave the house: announced and not planned yet, waiting, given up (dead),
            and by how many seconds the oldest letter is overdue.
        clocks_off: devices whose messages carried an unbelievable time within a day.
        alert_rules: which book is in force, since when and from where; and why the file that is set
            is not, if so.
        files: by setting, of each file that people wrote: why it is not in force; empty: it is.
    """

    now: str
    simulated: bool
    speed: float
    devices: dict[str, int]
    unadopted: int
    messages: Messages
    open_alerts: int
    open_tickets: int
    predictions: int
    models: int
    lag_s: float | None
    pending: dict[str, int]
    collectors: dict[str, dict[str, float | None]]
    outbox: dict[str, float]
    clocks_off: int
    alert_rules: dict[str, str]
    files: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_status(installation: Installation) -> Status:
    """The counts as they are now. Raises StoreUnavailableError."""
    clock = installation.clock
    with installation.database.transaction() as conn:
        row = conn.execute(load("front")["counts"], {"now": clock.now()}).fetchone()
        assert row is not None
        return _status(conn, row, installation)


def _status(conn: Conn, row: Row, installation: Installation) -> Status:
    clock = installation.clock
    stored, duplicate, rejected = row["stored"], row["duplicate"], row["rejected"]
    seen = row["last_seen_at"]
    lag_s = (clock.now() - seen).total_seconds() / clock.speed if seen else None
    return Status(
        now=clock.now().isoformat(timespec="seconds"),
        simulated=isinstance(clock, ScaledClock),
        speed=clock.speed,
        devices=_by_state(conn),
        unadopted=row["unadopted"],
        messages=Messages(stored + duplicate + rejected, stored, duplicate, rejected),
        open_alerts=row["open_alerts"],
        open_tickets=row["open_tickets"],
        predictions=row["predictions"],
        models=row["champions"],
        lag_s=None if lag_s is None else round(lag_s, 1),
        pending={"signs": row["pending_signs"], "hours": row["pending_rollups"]},
        collectors=_flows(conn, clock),
        outbox=asdict(counts(conn, SystemClock())),
        clocks_off=clocks_off(conn, clock),
        alert_rules=_rules(conn, clock, installation.settings.alerts_rules),
        files=file_problems(installation.settings, conn),
    )


def _rules(conn: Conn, clock: Clock, file: Path | None) -> dict[str, str]:
    book = in_force(conn, clock.now())
    told = {"problem": problem_of(file)}
    if book is not None:
        told |= {"digest": book.digest[:12], "since": book.since.isoformat(timespec="seconds")}
        told |= {"source": book.source}
    return told


def _flows(conn: Conn, clock: Clock) -> dict[str, dict[str, float | None]]:
    flows = (asdict(flow) for flow in read_flows(conn, clock))
    return {str(flow.pop("collector")): flow for flow in flows}


def _by_state(conn: Conn) -> dict[str, int]:
    counts = {str(state): 0 for state in DeviceState}
    for row in conn.execute(load("front")["devices"]).fetchall():
        counts[row["state"]] += row["devices"]
    return counts
