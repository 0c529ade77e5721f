"""What happens to a case is told with it, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.outbox import Announcement, Topic, announce, announce_many
from domain.clock import ManualClock
from storage.database import Database
from tests.alerts.conftest import World


def _told(database: Database) -> list[dict[str, Any]]:
    with database.transaction() as conn:
        return conn.execute(
            "SELECT kind, subject, at, data FROM announcement ORDER BY id"
        ).fetchall()


def test_told_in_order(database: Database, clock: ManualClock) -> None:
    later = clock.now() + timedelta(minutes=1)
    with database.transaction() as conn:
        announce_many(
            conn,
            [
                Announcement(Topic.ALERT_RAISED, "alert/2", clock.now(), {"step": "raise"}),
                Announcement(Topic.ALERT_RETURNED, "alert/1", later),
            ],
        )
        announce_many(conn, [])
    assert _told(database) == [
        {
            "kind": "alert.raised",
            "subject": "alert/2",
            "at": clock.now(),
            "data": {"step": "raise"},
        },
        {"kind": "alert.returned", "subject": "alert/1", "at": later, "data": {}},
    ]


def test_a_change_that_is_rolled_back_was_never_told(
    database: Database, clock: ManualClock
) -> None:
    def tell_and_fail() -> None:
        with database.transaction() as conn:
            announce(conn, Announcement(Topic.ALERT_RAISED, "alert/1", clock.now()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        tell_and_fail()
    assert _told(database) == []


def test_what_happens_to_a_case_is_announced(world: World) -> None:
    world.transition(world.pos, "down", "silence")
    world.evaluate()
    told = {(row["kind"], row["subject"].partition("/")[0]) for row in _told(world.database)}
    assert told >= {("alert.raised", "alert"), ("ticket.opened", "ticket")}
