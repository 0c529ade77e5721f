"""Those who write of the same fault at once wait for each other, and nobody in a circle."""

from __future__ import annotations

import pytest

from desk.case import Ticket
from domain.device import Cause
from storage.queries import load
from tests.alerts.conftest import World


@pytest.fixture
def ticket(world: World) -> Ticket:
    world.transition(world.kiosk, "down", Cause.REPORTED, "receiptPrinter", "mechanicalFailure")
    world.evaluate()
    return world.ticket()


def test_a_case_may_name_an_alert_that_somebody_holds(world: World, ticket: Ticket) -> None:
    """Who raises holds the alert and wants its case; who holds the case and names the alert must not
    wait for that one."""
    with world.database.transaction() as raising, world.database.transaction() as desk:
        raising.execute(load("desk")["lock_alert_of"], {"ticket_id": ticket.id})
        desk.execute("SET LOCAL lock_timeout = '5s'")
        for alert in (None, ticket.alert_id):
            desk.execute("UPDATE ticket SET alert_id = %s WHERE id = %s", [alert, ticket.id])


def test_history_may_be_added_to_a_case_that_somebody_holds(world: World, ticket: Ticket) -> None:
    with world.database.transaction() as holding, world.database.transaction() as naming:
        holding.execute(load("desk")["lock"], {"ticket_id": ticket.id})
        naming.execute("SET LOCAL lock_timeout = '5s'")
        naming.execute(
            """INSERT INTO ticket_event (ticket_id, version, at, kind, actor, from_state, to_state, data)
               SELECT id, version + 1, opened_at, 'noted', 'x', state, state, '{}'
               FROM ticket WHERE id = %s""",
            [ticket.id],
        )
