"""`forecall status`: counts that a person reads and a script checks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from domain.clock import Clock, ScaledClock
from domain.device import DeviceState
from forecall.wiring import Installation
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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_status(installation: Installation) -> Status:
    """The counts as they are now. Raises StoreUnavailableError."""
    clock = installation.clock
    with installation.database.transaction() as conn:
        row = conn.execute(load("front")["counts"], {"now": clock.now()}).fetchone()
        assert row is not None
        return _status(row, _by_state(conn), clock)


def _status(row: Row, devices: dict[str, int], clock: Clock) -> Status:
    stored, duplicate, rejected = row["stored"], row["duplicate"], row["rejected"]
    seen = row["last_seen_at"]
    lag_s = (clock.now() - seen).total_seconds() / clock.speed if seen else None
    return Status(
        now=clock.now().isoformat(timespec="seconds"),
        simulated=isinstance(clock, ScaledClock),
        speed=clock.speed,
        devices=devices,
        unadopted=row["unadopted"],
        messages=Messages(stored + duplicate + rejected, stored, duplicate, rejected),
        open_alerts=row["open_alerts"],
        open_tickets=row["open_tickets"],
        predictions=row["predictions"],
        models=row["champions"],
        lag_s=None if lag_s is None else round(lag_s, 1),
        pending={"signs": row["pending_signs"], "hours": row["pending_rollups"]},
    )


def _by_state(conn: Conn) -> dict[str, int]:
    counts = {str(state): 0 for state in DeviceState}
    for row in conn.execute(load("front")["devices"]).fetchall():
        counts[row["state"]] += row["devices"]
    return counts
