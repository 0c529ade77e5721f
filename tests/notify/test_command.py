"""`forecall notify` as a person calls it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.outbox.delivery import Delivery
from domain.clock import ManualClock
from domain.errors import BadInputError, NotDeliveredError, NotFoundError
from forecall.cli import app
from storage.database import Database
from tests.notify.house import PEOPLE, ROUTES
from tests.outbox.post import Box, put, sender
from tests.receiving import Reply, Server, serving


@pytest.fixture
def run(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    policy = tmp_path / "notify.toml"
    policy.write_text(PEOPLE + ROUTES, encoding="utf-8")
    monkeypatch.setenv("FORECALL_DATABASE_DSN", dsn)
    monkeypatch.setenv("FORECALL_NOTIFY", str(policy))
    return CliRunner()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server:
        url = server.url.replace("http", "json", 1)
        monkeypatch.setenv("CHAT", url + "/chat/{address}")
        monkeypatch.setenv("MAIL", url + "/mail/{address}")
        yield server


def test_a_test_message_reaches_a_person_in_their_language(run: CliRunner, server: Server) -> None:
    told = run.invoke(app, ["notify", "test", "li"], catch_exceptions=False).output
    assert "chat: li was sent a test message." in told
    assert [asked.path for asked in server.asked] == ["/chat/li", "/mail/li@example.com"]
    assert server.asked[0].json()["title"] == "Forecall：这是一条测试消息"


def test_a_test_message_reaches_all_of_a_channel(run: CliRunner, server: Server) -> None:
    run.invoke(app, ["notify", "test", "mail"], catch_exceptions=False)
    assert len(server.asked) == 3
    assert "آزمایش" in server.asked[1].json()["title"]


def test_what_came_of_it_is_said(run: CliRunner, server: Server) -> None:
    server.answer = lambda _: Reply(500)
    assert isinstance(run.invoke(app, ["notify", "test", "sara"]).exception, NotDeliveredError)
    nobody = run.invoke(app, ["notify", "test", "nobody"]).exception
    assert isinstance(nobody, BadInputError)
    assert "chat, li, mail, max, sara" in str(nobody)


def test_the_files_are_checked(run: CliRunner, tmp_path: Path) -> None:
    assert "well-formed" in run.invoke(app, ["notify", "check"]).output
    (tmp_path / "notify.toml").write_text("people = 1")
    told = run.invoke(app, ["notify", "check"])
    assert (told.exit_code, "people: " in told.output) == (1, True)


def test_dead_letters_are_listed_and_sent_again(
    run: CliRunner, database: Database, clock: ManualClock
) -> None:
    assert "Nothing was given up." in run.invoke(app, ["notify", "dead"]).output
    put(database, clock, Delivery("k", "mail", "alert/7", {}, "sara"))
    box = Box(lambda _: NotDeliveredError("no such mailbox [x]", permanent=True))
    sender(database, clock, box).send_due("mail")
    told = run.invoke(app, ["notify", "dead"], catch_exceptions=False).output
    assert "alert/7" in told
    assert "no such mailbox [x]" in told
    wrong = run.invoke(app, ["notify", "retry", "99"]).exception
    assert isinstance(wrong, NotFoundError)
    assert "1 put in line again." in run.invoke(app, ["notify", "retry"]).output
    with database.transaction() as conn:
        entry = conn.execute("SELECT action, object, detail FROM audit_entry").fetchone()
    assert entry == {
        "action": "retry_delivery",
        "object": "outbox",
        "detail": {"numbers": "all", "count": 1},
    }
