"""Who may do what: every route says which right it needs, and keeps to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from console.app import create_app
from console.gate import Needs
from console.roles import Right, Role, Scope
from console.room import Visit
from desk import actions
from domain.clock import ManualClock
from storage.database import Database
from tests.console.conftest import LogIn
from tests.console.seed import Seed

OPEN_TO_ALL = {
    "/login",
    "/logout",
    "/language",
    "/healthz",
    "/readyz",
    "/metrics",  # has a token of its own
    "/c/{secret}",
    "/c/{secret}/report",
}
"""Routes that ask for no right: before the login, for other programs, and by a customer's link."""


@dataclass(frozen=True, slots=True)
class Route:
    """One address that the console answers."""

    method: str
    path: str
    dependant: Dependant

    @property
    def tried(self) -> str:
        """An address of it, with something in the place of each name."""
        return re.sub(r"\{\w+\}", "1", self.path)


@pytest.fixture
def routes(database: Database, clock: ManualClock) -> list[Route]:
    app = create_app(database, clock, simulated=True)
    found = [
        Route(method, str(each.path), each.original_route.dependant)
        for each in iter_route_contexts(app.routes)
        if isinstance(each.original_route, APIRoute)
        for method in each.original_route.methods or ()
    ]
    assert len(found) > 40
    return found


def needed(route: Route) -> frozenset[Right] | None:
    """The rights of which the route asks for one; None: it asks for nothing."""
    gates = [each for each in _calls(route.dependant) if isinstance(each, Needs)]
    return gates[0].rights if gates else None


def _calls(dependant: Dependant) -> Iterator[object]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)


def test_every_route_names_the_right_that_it_needs(routes: list[Route]) -> None:
    open_routes = {route.path for route in routes if needed(route) is None}
    assert open_routes <= OPEN_TO_ALL


def test_every_form_is_checked_to_be_ours(routes: list[Route]) -> None:
    for route in routes:
        if route.method != "GET":
            names = {getattr(each, "__name__", "") for each in _calls(route.dependant)}
            assert names & {"our_form", "our_request"}, route.path


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_what_its_rights_allow_and_nothing_else(
    routes: list[Route], log_in: LogIn, role: Role
) -> None:
    client = log_in(role)
    for route in routes:
        rights = needed(route)
        if rights is None:
            continue
        if rights & role.rights:
            visit = Visit(None, "", "en", ZoneInfo("UTC"), actor=role, rights=role.rights)
            assert Needs(rights)(visit) is visit
        else:
            answer = client.request(route.method, route.tried)
            assert answer.status_code == 403, (role, route.tried, answer.text[:200])


def test_a_stranger_gets_nothing(routes: list[Route], visitor: httpx.Client) -> None:
    for route in routes:
        if needed(route) is None:
            continue
        answer = visitor.request(route.method, route.tried)
        to_login = answer.headers.get("location", "").startswith("/login")
        assert to_login or answer.status_code in (401, 403), route


def test_nobody_has_fewer_rights_than_the_role_below() -> None:
    for lower, higher in (
        (Role.VIEWER, Role.OPERATOR),
        (Role.OPERATOR, Role.DISPATCHER),
        (Role.DISPATCHER, Role.MANAGER),
        (Role.MANAGER, Role.ADMINISTRATOR),
        (Role.VIEWER, Role.ANALYST),
    ):
        assert lower.rights < higher.rights
    assert Role.ENGINEER.rights < Role.DISPATCHER.rights | {
        Right.SEE_OWN_TICKETS,
        Right.OWN_REVIEW,
    }
    assert all(Right.ADMINISTER not in scope.rights for scope in Scope)


def test_an_engineer_sees_and_changes_their_own_tickets_alone(
    log_in: LogIn, seed: Seed, database: Database
) -> None:
    keys = seed.fleet()
    for key in keys[:2]:
        seed.down(key, "billAcceptor")
    engineer = log_in("engineer")
    with database.transaction() as conn:
        conn.execute("UPDATE account SET engineer_id = 2 WHERE name = 'engineer'")
    actions.assign(seed.database, seed.clock, 2, 2, actor="dispatcher")
    assert engineer.get("/").headers["location"] == "/tickets"
    page = engineer.get("/tickets").text
    assert "/tickets/2" in page
    assert "/tickets/1" not in page
    assert "/tickets/1" not in engineer.get(f"/devices/{keys[0]}").text
    assert [row["id"] for row in engineer.get("/api/v1/tickets").json()["items"]] == [2]
    for path in ("/tickets/1", "/api/v1/tickets/1"):
        assert engineer.get(path).status_code == 404
    move = {"name": "start_remote_diagnosis"}
    assert engineer.post("/tickets/1/move", data=move).status_code == 404
    assert engineer.post("/tickets/2/move", data=move).status_code == 303
    assert engineer.post("/tickets/2/move", data={"name": "dispatch"}).status_code == 403
    assert engineer.post("/tickets/2/note", data={"text": "looked"}).status_code == 303
    kind = {"handling": "replacement"}
    assert engineer.post("/tickets/1/classify", data=kind).status_code == 404
    assert engineer.post("/tickets/2/classify", data=kind).status_code == 303
    assert engineer.post("/tickets/2/classify", data={"grade": "major"}).status_code == 403


def test_two_people_who_decide_at_once_are_told(log_in: LogIn, seed: Seed) -> None:
    (key,) = seed.fleet(1, 1, 1)
    seed.down(key, "billAcceptor")
    one, other = log_in("operator"), log_in("dispatcher")
    found = re.search(r'name="version" value="(\d+)"', one.get("/tickets/1").text)
    assert found is not None
    seen = {"version": found.group(1)}
    assert one.post("/tickets/1/acknowledge", data=seen).status_code == 303
    refused = other.post("/tickets/1/move", data=seen | {"name": "dispatch"})
    assert refused.status_code == 409
    assert "Somebody else has changed this meanwhile" in refused.text
    assert "operator" in refused.text
    one.post("/tickets/1/note", data={"text": "a note hinders nobody"})
    assert "planned" in one.get("/tickets/1").text
