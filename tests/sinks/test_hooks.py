"""Ticket systems call when something has changed over there: who may, and what comes of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Queue

import httpx
import pytest

from alerts.outbox.relay import relay
from alerts.outbox.sending import Sender
from console.app import create_app
from console.receiving import receive_calls
from console.serve import serve
from desk.calls import Call, Channel, take
from desk.sinks.port import Stage
from domain.clock import SystemClock
from forecall.config import Settings
from forecall.post import Post, post
from forecall.wiring import Installation
from tests.alerts.conftest import World
from tests.receiving import serving
from tests.sinks.fakes import FakeZammad

SECRET = "said to nobody else"
SYSTEMS = """
[systems.zammad]
kind = "zammad"
url = "http://127.0.0.1:9"
token = {env = "HOOK"}
customer = "a@example.com"
hook = {env = "HOOK"}
[systems.glpi]
kind = "glpi"
url = "http://127.0.0.1:9"
user_token = {env = "HOOK"}
hook = {env = "HOOK"}
[systems.jira]
kind = "jira"
url = "http://127.0.0.1:9"
token = {env = "HOOK"}
project = "OPS"
hook = {env = "HOOK"}
[systems.servicenow]
kind = "servicenow"
url = "http://127.0.0.1:9"
user = "forecall"
password = {env = "HOOK"}
hook = {env = "HOOK"}
[systems.silent]
kind = "jira"
url = "http://127.0.0.1:9"
token = {env = "HOOK"}
project = "OPS"
"""
BODIES = {
    "zammad": {"ticket": {"id": 77, "title": "x"}, "article": {}},
    "glpi": {"event": "update", "item": {"id": 77, "name": "x"}},
    "jira": {"webhookEvent": "jira:issue_updated", "issue": {"id": "77", "key": "OPS-1"}},
    "servicenow": {"sys_id": "77"},
}

Told = tuple[int, object]


def digest(method: str, body: bytes) -> str:
    return hmac.new(SECRET.encode(), body, method).hexdigest()


def signed(name: str, body: bytes) -> dict[str, str]:
    """As each system's documents say."""
    if name == "zammad":
        return {"X-Hub-Signature": f"sha1={digest('sha1', body)}"}
    if name == "jira":
        return {"X-Hub-Signature": f"sha256={digest('sha256', body)}"}
    if name == "glpi":
        now = str(int(time.time()))
        return {"X-GLPI-signature": digest("sha256", body + now.encode()), "X-GLPI-timestamp": now}
    return {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def out(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Post]:
    """The post of an installation with these systems."""
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("S", "secret")

    def of(systems: str) -> Post:
        file = tmp_path / "systems.toml"
        file.write_text(systems)
        settings = Settings(data_dir=tmp_path, ticket_systems=file)
        return post(Installation(settings, world.database, world.clock))

    return of


@pytest.fixture
def served(world: World) -> Iterator[Callable[[Post], httpx.Client]]:
    """The address of calls, on a real socket."""
    stop, ends = threading.Event(), list[Callable[[], object]]()

    def of(out: Post) -> httpx.Client:
        app = create_app(world.database, world.clock, simulated=True)
        receive_calls(app, out.sinks.called)
        ready = Queue[int]()
        thread = threading.Thread(target=serve, args=(app, "127.0.0.1", 0, stop, ready.put))
        thread.start()
        client = httpx.Client(base_url=f"http://127.0.0.1:{ready.get(timeout=120)}", timeout=120)
        ends.extend((client.close, stop.set, lambda: thread.join(120)))
        return client

    yield of
    for end in ends:
        end()


def call(client: httpx.Client, name: str, body: bytes, headers: Mapping[str, str]) -> Told:
    answer = client.post(f"/api/v1/ticket-systems/{name}", content=body, headers=dict(headers))
    return answer.status_code, answer.json()


def test_who_may_call_and_what_is_no_call(
    out: Callable[[str], Post], served: Callable[[Post], httpx.Client]
) -> None:
    client = served(out(SYSTEMS))
    for name, said in BODIES.items():
        body = json.dumps(said).encode()
        assert call(client, name, body, signed(name, body)) == (200, {"ours": False})
        bearer = {"Authorization": f"Bearer {SECRET}"}
        assert call(client, name, body, bearer) == (200, {"ours": False})
        for headers in ({}, {"Authorization": "Bearer guess"}, signed(name, b"another")):
            if name != "servicenow" or headers.get("Authorization") != bearer["Authorization"]:
                assert call(client, name, body, headers)[0] == 403, (name, headers)
        for wrong in (b"{", b"[]", b'{"ticket": {"id": true}}', b"x" * ((1 << 20) + 1)):
            assert call(client, name, wrong, signed(name, wrong))[0] == 400, (name, wrong[:20])
    body = json.dumps(BODIES["jira"]).encode()
    assert call(client, "silent", body, signed("jira", body))[0] == 403
    assert call(client, "nobody", body, signed("jira", body))[0] == 403


def test_an_old_call_of_glpi_is_refused(
    out: Callable[[str], Post], served: Callable[[Post], httpx.Client]
) -> None:
    body, then = json.dumps(BODIES["glpi"]).encode(), str(int(time.time()) - 400)
    headers = {
        "X-GLPI-signature": hmac.new(
            SECRET.encode(), body + then.encode(), hashlib.sha256
        ).hexdigest(),
        "X-GLPI-timestamp": then,
    }
    assert call(served(out(SYSTEMS)), "glpi", body, headers)[0] == 403


def test_what_they_call_about_is_fetched_at_once_and_a_call_says_no_more_than_that(
    world: World, out: Callable[[str], Post], served: Callable[[Post], httpx.Client]
) -> None:
    with serving() as server:
        theirs = FakeZammad(server)
        office = out(f'[systems.help]\nhook = {{env = "HOOK"}}\n{theirs.settings()}')
        client = served(office)
        about = Call(Channel.PHONE, "it jams", device_id=world.kiosk, component="receiptPrinter")
        case = take(world.database, world.clock, about, actor="desk")
        work(world, office)
        theirs.put(theirs.only, Stage.AT_WORK)
        body = json.dumps({"ticket": {"id": int(theirs.only.id), "state": "closed"}}).encode()
        for _ in range(3):
            assert call(client, "help", body, signed("zammad", body)) == (200, {"ours": True})
        work(world, office)
        assert world.ticket().state == "planned", "what is so over there, not what the call says"
        assert world.events(case.id)[-1].actor == "sink:help"


def work(world: World, office: Post) -> None:
    """Sends all that waits. Calls go by the wall's clock, so it does, too."""
    wall = SystemClock()
    sender = Sender(world.database, wall, office.carrier, wall=wall)
    relay(world.database, world.clock, wall, office.planners)
    with world.database.transaction() as conn:
        conn.execute("UPDATE delivery SET next_at = now() - interval '1 minute'")
    while sender.channels_due():
        for channel in sender.channels_due():
            sender.send_due(channel)
