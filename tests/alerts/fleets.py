"""Fleets that have something in common, for the tests of batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tests.alerts.conftest import World

HOLD = timedelta(seconds=4)


def add_fleet(
    world: World,
    name: str,
    count: int,
    *,
    site: str | None = None,
    model: str = "",
    firmware: str = "",
) -> list[int]:
    """`count` adopted devices, at a site of their own if one is named."""
    rows = world.rows(
        f"""WITH place AS (
                INSERT INTO site (key, name, customer_id)
                SELECT '{site}', 'Site {site}', min(id) FROM customer
                ON CONFLICT (key) DO UPDATE SET name = excluded.name RETURNING id
            )
            INSERT INTO device (key, kind, model, firmware, site_id, adopted_at)
            SELECT '{name}' || n, 'pos', '{model}', '{firmware}',
                   {"(SELECT id FROM place)" if site else "NULL"}, '2026-01-01Z'
            FROM generate_series(1, {count}) n RETURNING id"""
    )
    return [row["id"] for row in rows]


def hang_on(world: World, parent: str, kind: str, devices: Sequence[int], device: int = 0) -> None:
    """Declares a parent of devices; `device`: the parent is itself watched."""
    world.rows(
        f"""WITH made AS (
                INSERT INTO parent (key, kind, name, device_id, declared_at, declared_by)
                VALUES ('{parent}', '{kind}', '{parent}', {device or "NULL"}, '2026-01-01Z', 'me')
                RETURNING id
            )
            INSERT INTO device_parent (device_id, parent_id)
            SELECT unnest(ARRAY{list(devices)}), id FROM made RETURNING parent_id"""
    )


def go_down(world: World, devices: Sequence[int]) -> None:
    for device in devices:
        world.transition(device, "down", "missed_heartbeats")


def come_back(world: World, devices: Sequence[int]) -> None:
    for device in devices:
        world.transition(device, "up", "contact")


def told(world: World, kind: str) -> list[str]:
    """The subjects of the announcements of a kind, in their order."""
    rows = world.rows(f"SELECT subject FROM announcement WHERE kind = '{kind}' ORDER BY id")
    return [row["subject"] for row in rows]
