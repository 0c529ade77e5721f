"""The schedule at work: each report once, whoever is at it, and to those who are to get it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from alerts.outbox.letters import channel_loads
from alerts.outbox.relay import relay
from alerts.outbox.sending import Sender
from console.i18n.speech import reader
from domain.clock import ManualClock
from domain.errors import BadInputError
from forecall.config import Settings
from forecall.post import post
from forecall.reporting import reporter, schedule_file
from forecall.wiring import Installation
from kpi.reports import registry
from kpi.reports.archive import entries
from kpi.reports.asked import Asked, Kind
from kpi.reports.document import Document
from kpi.reports.schedule import read_schedule
from kpi.reports.turns import Reporter, due_turns
from storage.database import Conn, Database
from tests.receiving import Server, serving
from tests.reports.conftest import counted

MONTHLY = """
[[report]]
name = "monthly"
kind = "counted"
every = "month"
customers = "all"
languages = ["fa", "en"]
formats = ["html"]
to = ["team:desk", "li"]
by = ["mail"]
"""
PEOPLE = """
[channels]
mail = {url = {env = "MAIL"}}
[people.li]
name = "Li"
language = "zh"
addresses = {mail = "li"}
[people.sara]
name = "Sara"
language = "fa"
addresses = {mail = "sara"}
[teams.desk]
members = ["sara"]
[webhooks.archive]
url = {env = "HOOK"}
secret = {env = "HOOK_SECRET"}
topics = ["report."]
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server:
        monkeypatch.setenv("MAIL", server.url.replace("http", "json", 1) + "/to/{address}")
        monkeypatch.setenv("HOOK", server.url + "/hook")
        monkeypatch.setenv("HOOK_SECRET", "not to be guessed")
        yield server


@pytest.fixture
def house(database: Database, clock: ManualClock, tmp_path: Path) -> Installation:
    """An installation with a schedule and a policy."""
    (tmp_path / "schedule.toml").write_text(MONTHLY)
    (tmp_path / "notify.toml").write_text(PEOPLE)
    settings = Settings(
        data_dir=tmp_path,
        notify=tmp_path / "notify.toml",
        reports_schedule=tmp_path / "schedule.toml",
        public_url="https://forecall.example",
    )
    clock.set(datetime(2026, 3, 3, 7, tzinfo=UTC))
    return Installation(settings, database, clock)


def reporter_of(house: Installation) -> Reporter:
    """Whose wall clock is the fleet's, so that tests move both."""
    return replace(reporter(house, post(house).policy), wall=house.clock)


def made(house: Installation) -> list[tuple[str, str | None, str]]:
    with house.database.transaction() as conn:
        return sorted((each.period, each.customer, each.language) for each in entries(conn))


def deliver(house: Installation) -> None:
    out = post(house)
    relay(house.database, house.clock, house.clock, out.planners)
    sender = Sender(house.database, house.clock, out.carrier, wall=house.clock)
    while channels := sender.channels_due():
        for channel in channels:
            sender.send_due(channel)
    with house.database.transaction() as conn:
        assert [load for load in channel_loads(conn) if load.last_error] == []


def test_each_report_is_made_once(house: Installation, customers: list[str]) -> None:
    assert reporter_of(house).turn() == 2
    assert made(house) == sorted(("2026-02", c, lang) for c in customers for lang in ("en", "fa"))
    assert reporter_of(house).turn() == 0  # as after a restart
    house.clock.advance(timedelta(days=31))  # type: ignore[attr-defined]
    assert reporter_of(house).turn() == 2
    assert {period for period, _, _ in made(house)} == {"2026-02", "2026-03"}


def test_two_workers_make_each_report_once(
    house: Installation, customers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Barrier(2, timeout=120)

    def together(conn: Conn, asked: Asked) -> Document:
        if asked.customer == customers[0]:
            both.wait()  # both have found it due
        return counted(conn, asked)

    _replace(monkeypatch, together)
    with ThreadPoolExecutor(2) as threads:
        turns = [threads.submit(reporter_of(house).turn) for _ in range(2)]
        assert sum(turn.result() for turn in turns) == 2
    assert len(made(house)) == 4


def test_what_was_missed_while_nothing_ran_is_made_up_for(
    house: Installation, customers: list[str]
) -> None:
    reporter_of(house).turn()
    house.clock.advance(timedelta(days=95))  # type: ignore[attr-defined]
    with house.database.transaction() as conn:
        waiting = due_turns(conn, read_schedule(MONTHLY), house.clock.now())
    assert [turn.period.name for turn in waiting[::2]] == ["2026-03", "2026-04", "2026-05"]
    assert reporter_of(house).turn() == 6


def test_a_report_that_fails_is_tried_again_and_holds_up_no_other(
    house: Installation, customers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {customers[0]}

    def failing(conn: Conn, asked: Asked) -> Document:
        if asked.customer in broken:
            raise BadInputError("this customer's figures are out of reach")
        return counted(conn, asked)

    _replace(monkeypatch, failing)
    worker = reporter_of(house)
    assert worker.turn() == 1
    broken.clear()
    assert worker.turn() == 0  # not at once
    house.clock.advance(timedelta(minutes=15))  # type: ignore[attr-defined]
    assert worker.turn() == 1


def test_what_is_rolled_back_is_neither_kept_nor_sent(
    house: Installation, customers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise RuntimeError("killed before the commit")

    with monkeypatch.context() as patch:
        patch.setattr("kpi.reports.turns.enqueue", defect)
        assert reporter_of(house).turn() == 0
    assert made(house) == []
    assert reporter_of(house).turn() == 2
    with house.database.transaction() as conn:
        told = conn.execute("SELECT person FROM delivery").fetchall()
    assert len(told) == 4


def test_people_get_the_files_in_their_language_and_programs_their_hashes(
    house: Installation, customers: list[str], server: Server
) -> None:
    reporter_of(house).turn()
    deliver(house)
    with house.database.transaction() as conn:
        hashes = {each.id: each.file_sha256 for each in entries(conn)}
    mails = [asked for asked in server.asked if asked.path.startswith("/to/")]
    assert sorted(asked.path for asked in mails) == ["/to/li", "/to/li", "/to/sara", "/to/sara"]
    for asked in mails:
        told = asked.json()
        assert told["title"] == reader("fa", "UTC").translations.gettext("Overview")
        [attached] = told["attachments"]
        file = base64.b64decode(attached["base64"])
        assert hashlib.sha256(file).hexdigest() in told["message"]
        assert attached["filename"].endswith("-fa.html")  # of li, whose language there is none in
        assert b'lang="fa-IR"' in file
        assert "https://forecall.example/reports/" in told["message"]
    hooks = [asked.json() for asked in server.asked if asked.path == "/hook"]
    assert {each["type"] for each in hooks} == {"forecall.report.made"}
    assert {each["data"]["file_sha256"] for each in hooks} == set(hashes.values())
    assert all(each["data"]["path"].startswith("/api/v1/reports/") for each in hooks)


def test_a_schedule_that_is_put_right_is_taken_without_a_restart(
    house: Installation, customers: list[str]
) -> None:
    file = house.settings.reports_schedule
    assert file is not None
    watched = schedule_file(house.settings, house.clock)
    assert len(watched.current().report) == 1
    file.write_text(MONTHLY + MONTHLY)
    assert len(watched.current().report) == 1
    assert "each name once" in watched.problem
    file.write_text(MONTHLY + MONTHLY.replace("monthly", "other"))
    assert len(watched.current().report) == 2
    assert not watched.problem


def test_without_a_schedule_nothing_is_made(house: Installation, customers: list[str]) -> None:
    settings = house.settings.model_copy(update={"reports_schedule": None})
    assert reporter_of(replace(house, settings=settings)).turn() == 0


def _replace(monkeypatch: pytest.MonkeyPatch, make: object) -> None:
    kind = registry.KINDS["counted"]
    changed = Kind(kind.name, kind.title, kind.about, make)  # type: ignore[arg-type]
    monkeypatch.setitem(registry.KINDS, "counted", changed)
