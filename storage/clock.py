"""Which clock the processes of this installation go by."""

from __future__ import annotations

from domain.clock import Clock, ScaledClock, SystemClock
from storage.database import Conn
from storage.queries import load


def installed_clock(conn: Conn) -> Clock:
    """The simulation's clock where one is set, else the machine's."""
    row = conn.execute(load("clock")["read"]).fetchone()
    return ScaledClock(row["epoch"], row["wall_epoch"], row["speed"]) if row else SystemClock()


def install_simulated_clock(conn: Conn, clock: ScaledClock) -> None:
    """Makes every process that starts from now on go by `clock`."""
    conn.execute(
        load("clock")["write"],
        {"epoch": clock.epoch, "wall_epoch": clock.wall_epoch, "speed": clock.speed},
    )
