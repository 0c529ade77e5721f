"""A served console on a seeded fleet, and somebody who is logged in to it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from queue import Queue

import httpx
import pytest

from console.accounts import create_account
from console.app import create_app
from console.roles import Role
from console.serve import serve
from domain.clock import ManualClock
from storage.database import Database
from tests.console.seed import Seed

PASSWORD = "correct horse"

LogIn = Callable[[str], httpx.Client]


@pytest.fixture
def seed(database: Database, clock: ManualClock) -> Seed:
    return Seed(database, clock)


@pytest.fixture
def accounts(database: Database) -> None:
    """A viewer and an operator, named so."""
    for role in (Role.VIEWER, Role.OPERATOR):
        add_account(database, role)


def add_account(database: Database, role: Role) -> None:
    """An account that is named as its role."""
    with database.transaction() as conn:
        create_account(conn, role, PASSWORD, role)


@pytest.fixture
def address(seed: Seed) -> Iterator[str]:
    """Where the console is served, on a port of its own."""
    app = create_app(seed.database, seed.clock, simulated=True)
    stop, ready = threading.Event(), Queue[int]()
    thread = threading.Thread(target=serve, args=(app, "127.0.0.1", 0, stop, ready.put))
    thread.start()
    yield f"http://127.0.0.1:{ready.get(timeout=120)}"
    stop.set()
    thread.join(120)
    assert not thread.is_alive(), "the console did not end"


@pytest.fixture
def visitor(address: str) -> Iterator[httpx.Client]:
    """A browser without a login."""
    with httpx.Client(base_url=address, timeout=120) as client:
        yield client


@pytest.fixture
def log_in(address: str, accounts: None, database: Database) -> Iterator[LogIn]:
    """Logs somebody in: `log_in("operator")`. Later forms carry their token in a header.

    The name of a role is that of its account, which is made if need be.
    """
    clients: list[httpx.Client] = []
    known = {str(Role.VIEWER), str(Role.OPERATOR)}

    def enter(name: str) -> httpx.Client:
        if name in set(Role) and name not in known:
            add_account(database, Role(name))
            known.add(name)
        client = httpx.Client(base_url=address, timeout=120)
        clients.append(client)
        data = {"csrf": token(client.get("/login").text), "name": name, "password": PASSWORD}
        answer = client.post("/login", data=data)
        assert answer.status_code == 303, answer.text
        client.headers["X-CSRF-Token"] = token(client.get("/tickets").text)
        return client

    yield enter
    for client in clients:
        client.close()


@pytest.fixture
def operator(log_in: LogIn) -> httpx.Client:
    return log_in("operator")


@pytest.fixture
def dispatcher(log_in: LogIn) -> httpx.Client:
    return log_in("dispatcher")


def token(page: str) -> str:
    """The token that a page's forms carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, page[:500]
    return found.group(1)
