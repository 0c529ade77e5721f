"""Alerts and tickets."""

from __future__ import annotations

from fastapi import APIRouter

from console.api.paging import Cursor, Limit, Page, by_id
from console.api.shapes import Alert, Ticket
from console.room import AReader, TheRoom
from storage.queries import load

router = APIRouter(tags=["cases"])


@router.get("/alerts")
def alerts(
    room: TheRoom,
    _: AReader,
    device: str | None = None,
    open: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Alert]:
    """From the newest back; `open=true`: only those that are not closed."""
    wanted = {"device": device, "open": open}
    with room.database.transaction() as conn:
        return by_id(conn, load("console")["api_alerts"], Alert, wanted, cursor, limit)


@router.get("/tickets")
def tickets(
    room: TheRoom,
    _: AReader,
    device: str | None = None,
    state: str | None = None,
    origin: str | None = None,
    open: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Ticket]:
    """From the newest back; `open=true`: only those that are not closed."""
    wanted = {"device": device, "state": state, "origin": origin, "open": open}
    with room.database.transaction() as conn:
        return by_id(conn, load("console")["api_tickets"], Ticket, wanted, cursor, limit)
