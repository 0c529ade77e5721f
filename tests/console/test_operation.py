"""What operators would miss: what devices hang on, what was not delivered, files that are not in force."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Queue

import httpx
import pytest

from alerts import parents
from alerts.outbox.delivery import Delivery, enqueue
from alerts.outbox.letters import dead_letters
from alerts.outbox.sending import Sender
from console.app import create_app
from console.serve import serve
from domain.clock import SystemClock
from domain.errors import NotDeliveredError
from storage.database import Database
from tests.console.conftest import LogIn
from tests.console.seed import Seed


@pytest.fixture
def fleet(seed: Seed) -> list[str]:
    return seed.fleet(1, 1, 4)


def declared(database: Database) -> dict[str, tuple[str, ...]]:
    with database.transaction() as conn:
        return {one.key: one.devices for one in parents.parents(conn)}


def audited(database: Database) -> list[tuple[str, str]]:
    with database.transaction() as conn:
        rows = conn.execute("SELECT actor, action FROM audit_entry ORDER BY id").fetchall()
    return [(row["actor"], row["action"]) for row in rows]


def test_a_dispatcher_declares_changes_and_removes_what_devices_hang_on(
    log_in: LogIn, database: Database, fleet: list[str]
) -> None:
    dispatcher, viewer = log_in("dispatcher"), log_in("viewer")
    form = {"key": "router-1", "kind": "router", "name": "Hall", "devices": ", ".join(fleet[:2])}
    assert viewer.post("/parents", data=form).status_code == 403
    assert dispatcher.post("/parents", data=form).status_code == 303
    page = viewer.get("/parents").text
    assert "Hall" in page
    assert fleet[0] in page
    assert 'action="/parents"' not in page
    assert declared(database) == {"router-1": tuple(fleet[:2])}
    changed = form | {"devices": "\n".join(fleet)}
    assert dispatcher.post("/parents", data=changed).status_code == 303
    assert declared(database) == {"router-1": tuple(fleet)}
    wrong = dispatcher.post("/parents", data=form | {"devices": "nobody"})
    assert wrong.status_code == 404
    assert "there is no device &#39;nobody&#39;" in wrong.text
    assert dispatcher.post("/parents/remove", data={"key": "router-1"}).status_code == 303
    assert declared(database) == {}
    assert audited(database)[-3:] == [
        ("dispatcher", "declare_parent"),
        ("dispatcher", "declare_parent"),
        ("dispatcher", "remove_parent"),
    ]


def test_what_is_known_to_be_down_is_one_alert_until_it_is_up_again(
    log_in: LogIn, database: Database, fleet: list[str]
) -> None:
    dispatcher, operator = log_in("dispatcher"), log_in("operator")
    form = {"key": "router-1", "kind": "router", "devices": " ".join(fleet)}
    dispatcher.post("/parents", data=form)
    told = {"key": "router-1", "reason": "the cable was cut"}
    assert operator.post("/parents/down", data=told).status_code == 403
    assert dispatcher.post("/parents/down", data=told).status_code == 303
    assert "It is up again" in dispatcher.get("/parents").text
    assert "router-1" in operator.get("/alerts").text
    assert dispatcher.post("/parents/up", data={"key": "router-1"}).status_code == 303
    assert "It is up again" not in dispatcher.get("/parents").text
    assert [action for _, action in audited(database)] == [
        "declare_parent",
        "declare_down",
        "declare_up",
    ]


def propose(database: Database, seed: Seed, *keys: str) -> int:
    with database.transaction() as conn:
        row = conn.execute(
            """INSERT INTO parent_proposal (device_ids, together, share, since, proposed_at)
               SELECT array_agg(id ORDER BY id), 5, 0.9, %(now)s, %(now)s
               FROM device WHERE key = ANY(%(keys)s) RETURNING id""",
            {"keys": list(keys), "now": seed.clock.now()},
        ).fetchone()
    assert row is not None
    return int(row["id"])


def test_a_proposal_is_accepted_or_refused_once(
    log_in: LogIn, seed: Seed, database: Database, fleet: list[str]
) -> None:
    taken, refused = propose(database, seed, *fleet[:2]), propose(database, seed, *fleet[2:])
    dispatcher = log_in("dispatcher")
    page = dispatcher.get("/parents").text
    assert "90%" in page.replace("\N{NO-BREAK SPACE}", "").replace(" %", "%")
    path, form = "/parents/proposals", {"key": "feed-1", "kind": "power"}
    assert dispatcher.post(f"{path}/{taken}/accept", data=form).status_code == 303
    assert dispatcher.post(f"{path}/{refused}/refuse").status_code == 303
    assert declared(database) == {"feed-1": tuple(fleet[:2])}
    assert dispatcher.post(f"{path}/{refused}/refuse").status_code == 404
    assert "feed-1" in dispatcher.get("/parents").text


class Away:
    def send(self, _: object) -> None:
        raise NotDeliveredError("<mailbox unavailable>", permanent=True)


def dead(database: Database, *subjects: str) -> None:
    wall = SystemClock()
    letters = [Delivery(f"k/{subject}", "mail", subject, {}, "li") for subject in subjects]
    with database.transaction() as conn:
        enqueue(conn, letters, wall.now(), wall.now())
    Sender(database, wall, lambda _: Away()).send_due("mail")


def test_what_was_given_up_is_seen_with_the_reason_and_sent_again(
    log_in: LogIn, seed: Seed, database: Database
) -> None:
    dispatcher = log_in("dispatcher")
    assert "Everything arrived" in dispatcher.get("/undelivered").text
    dead(database, "ticket/7", "alert/9", "report/3")
    page = dispatcher.get("/undelivered").text
    assert "&lt;mailbox unavailable&gt;" in page
    assert all(mark in page for mark in ("/tickets/7", "/alerts/9", "report/3"))
    with database.transaction() as conn:
        first = dead_letters(conn)[-1].id
    assert dispatcher.post("/undelivered", data={"number": first}).status_code == 303
    with database.transaction() as conn:
        assert len(dead_letters(conn)) == 2
    assert dispatcher.post("/undelivered", data={"number": first}).status_code == 404
    assert dispatcher.post("/undelivered").status_code == 303
    with database.transaction() as conn:
        assert dead_letters(conn) == []
    assert audited(database)[-1] == ("dispatcher", "retry_delivery")


@pytest.fixture
def with_a_bad_file(seed: Seed) -> Iterator[str]:
    problems = {"service_plans": "plans.toml: plans.kiosk: unknown", "notify": ""}
    app = create_app(seed.database, seed.clock, simulated=True, files=lambda _: problems)
    stop, ready = threading.Event(), Queue[int]()
    thread = threading.Thread(target=serve, args=(app, "127.0.0.1", 0, stop, ready.put))
    thread.start()
    yield f"http://127.0.0.1:{ready.get(timeout=120)}"
    stop.set()
    thread.join(120)


def test_a_file_that_is_not_in_force_is_told(with_a_bad_file: str, log_in: LogIn) -> None:
    cookies = log_in("dispatcher").cookies
    page = httpx.get(f"{with_a_bad_file}/undelivered", cookies=cookies, timeout=120).text
    assert "Files that are not in force" in page
    assert "plans.kiosk: unknown" in page
    assert "notify" not in page
