"""Taking a device that was found into the fleet: from then on it is counted and raises alerts."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from domain.clock import Clock, SystemClock
from domain.errors import NotAllowedError
from storage.database import Conn
from storage.queries import load


def adopt(conn: Conn, clock: Clock, key: str, site_id: int | None, *, actor: str) -> None:
    """Adopts the device, at a site when one is given; audited with the actor's name.

    Raises NotAllowedError when it is adopted already or was never heard of.
    """
    queries = load("console")
    wanted = {"key": key, "site_id": site_id, "at": clock.now()}
    if conn.execute(queries["adopt"], wanted).fetchone() is None:
        raise NotAllowedError(f"device {key!r} does not wait to be adopted")
    conn.execute(
        queries["audit"],
        {
            "at": SystemClock().now(),  # the audit goes by the wall's time, always
            "actor": actor,
            "action": "adopt",
            "object": f"device/{key}",
            "detail": Jsonb({"site_id": site_id}),
        },
    )
