"""The review of a period, and what drove its service time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from desk.actions import assign, move
from domain.device import Cause
from domain.fault import CausedBy
from kpi.staff.factors import factors
from kpi.staff.review import read_evidence, review
from kpi.staff.rules import rules
from kpi.uptime.fleet import Scope
from tests.alerts.conftest import World
from tests.kpi.test_staff_figures import HOUR, MORNING, case


def test_service_time_is_shared_among_what_drove_it() -> None:
    cases = [
        *(case("li", caused_by=CausedBy.DEVICE, closed_at=MORNING + 3 * HOUR) for _ in range(30)),
        *(case("li", caused_by=CausedBy.USER, closed_at=MORNING + HOUR) for _ in range(10)),
        case("li", caused_by=None),
    ]
    found, unsaid = factors(cases)
    shares = {one.cause: one.time for one in found}
    assert shares[CausedBy.DEVICE] == pytest.approx(0.9)
    assert shares[CausedBy.USER] == pytest.approx(0.1)
    assert shares[CausedBy.STAFF] == 0
    assert unsaid == 1
    assert all(one.low <= one.time <= one.high for one in found)
    assert factors(cases) == factors(cases)  # the same cases, the same interval


def test_of_cases_without_a_cause_nothing_is_said() -> None:
    assert factors([case("li", caused_by=None)]) == ([], 1)


def test_a_review_has_promises_cases_and_uptime_of_each(world: World) -> None:
    world.transition(world.kiosk, "down", Cause.REPORTED, "receiptPrinter", "hardwareError")
    world.evaluate()
    ticket = world.ticket().id
    assign(world.database, world.clock, ticket, world.engineer, actor="li")
    for name, hours in (
        ("plan", 0.5),
        ("dispatch", 1),
        ("arrive", 1),
        ("repair", 3),
        ("verify", 1),
        ("close", 1),
    ):
        world.pass_time(hours=hours)
        move(world.database, world.clock, ticket, name, actor="li")
    now = world.clock.now()
    with world.database.transaction() as conn:
        evidence = read_evidence(conn, now - timedelta(days=1), now + HOUR)
    found = review(evidence, Scope.ENGINEER, rules())
    [row] = [row for row in found.rows if row.figures]
    values = {figure.measure: figure.value for figure in row.figures}
    assert values["sla:plan_of_action"] == 1
    assert values["sla:repair"] == 0, "two hours after the arrival"
    assert values["repair_h"] == 3
    assert values["first_time_fix"] == 1
    assert all(figure.few for figure in row.figures)
    assert row.uptime is not None
    assert found.unsaid == 1
