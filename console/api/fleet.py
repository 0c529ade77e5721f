"""Devices, and where and by whom they are looked after."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from console.api.paging import Cursor, Limit, Page, by_id
from console.api.shapes import Device, Engineer, Site
from console.gate import SeesDevices, SeesFleet
from console.room import TheRoom
from storage.queries import load

router = APIRouter(tags=["fleet"])


@router.get("/devices")
def devices(
    room: TheRoom,
    _: SeesDevices,
    state: Literal["up", "down", "unwatched"] | None = None,
    kind: str | None = None,
    site: str | None = None,
    customer: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Device]:
    """All devices, adopted or only found, by id."""
    wanted = {"state": state, "kind": kind, "site": site, "customer": customer}
    with room.database.transaction() as conn:
        return by_id(conn, load("console")["api_devices"], Device, wanted, cursor, limit)


@router.get("/sites")
def sites(room: TheRoom, _: SeesFleet, cursor: Cursor = None, limit: Limit = 100) -> Page[Site]:
    with room.database.transaction() as conn:
        return by_id(conn, load("console")["api_sites"], Site, {}, cursor, limit)


@router.get("/engineers")
def engineers(
    room: TheRoom, _: SeesFleet, cursor: Cursor = None, limit: Limit = 100
) -> Page[Engineer]:
    with room.database.transaction() as conn:
        return by_id(conn, load("console")["api_engineers"], Engineer, {}, cursor, limit)
