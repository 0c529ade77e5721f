"""The pages show what is in the store, in the reader's language, and act through the desk."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from console.i18n.catalogue import LANGUAGES
from domain.report import Severity
from kpi.uptime.fleet import Scope
from tests.console.seed import Seed
from tests.waiting import wait_for

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def fleet(seed: Seed) -> list[str]:
    """Twelve devices: one is down, one will be, one has told of an error and has readings."""
    keys = seed.fleet()
    seed.readings(keys[2])
    seed.event(keys[2], "receiptPrinter", "paperJam", Severity.ERROR)
    seed.predict(keys[1], "receiptPrinter")
    seed.down(keys[0], "billAcceptor")
    return keys


def test_every_page_in_every_language(operator: httpx.Client, fleet: list[str]) -> None:
    for language in LANGUAGES:
        operator.post("/language", data={"language": language})
        for path in (
            "/",
            "/?wall=true",
            "/devices",
            *(f"/devices/{key}" for key in fleet[:3]),
            "/found",
            "/codes",
            "/alerts?open=",
            "/tickets?open=",
            "/tickets/1",
            "/tickets/2",
            *(f"/uptime?scope={scope}" for scope in Scope),
            "/api/docs",
        ):
            answer = operator.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert f'<html lang="{LANGUAGES[language].tag}"' in answer.text


def test_the_overview_counts_what_is_there(operator: httpx.Client, fleet: list[str]) -> None:
    page = operator.get("/").text
    assert '<span class="figure" data-figure="up">11</span>' in page
    assert '<span class="figure" data-figure="down">1</span>' in page
    assert '<span class="figure" data-figure="predicted">1</span>' in page
    assert "failed paper cuts is 31, and 2 is usual for this device" in page
    assert page.count('class="dot dot-up"') == 10
    assert page.count('class="dot dot-predicted"') == 1
    assert page.count('class="dot dot-down"') == 1


def test_every_page_says_that_the_fleet_is_simulated(
    operator: httpx.Client, fleet: list[str]
) -> None:
    for path in ("/login", "/", "/tickets/1", f"/devices/{fleet[0]}"):
        assert "Simulated fleet" in operator.get(path).text


def test_times_and_figures_are_the_readers(operator: httpx.Client, fleet: list[str]) -> None:
    operator.cookies.set("forecall_zone", "Asia/Tehran")
    assert "2 Mar 2026, 15:30" in operator.get("/tickets/1").text
    operator.post("/language", data={"language": "fa"})
    page = operator.get("/tickets/1").text
    assert "۱۱ اسفند ۱۴۰۴، ۱۵:۳۰" in page
    assert "#۱" in page
    operator.post("/language", data={"language": "zh_Hans_CN"})
    operator.cookies.set("forecall_zone", "../../etc/passwd")
    assert "2026年3月2日 12:00" in operator.get("/tickets/1").text


def test_devices_are_found(operator: httpx.Client, fleet: list[str]) -> None:
    for query, found in {
        "state=down": ["pos-00-00"],
        "search=POS-01": ["pos-01-00", "pos-01-01", "pos-01-02"],
        "site=s3&sort=site": ["pos-03-00", "pos-03-01", "pos-03-02"],
        "customer=c0&state=up&kind=pos&search=-02": ["pos-00-02", "pos-01-02"],
        "search=%25": [],
        "search=_": [],
        "kind=kiosk": [],
    }.items():
        rows = operator.get(f"/devices?{query}", headers=FRAGMENT).text
        assert "<html" not in rows
        assert [key for key in fleet if f"<bdi>{key}</bdi>" in rows] == found, query


def test_the_worst_stand_first(operator: httpx.Client, fleet: list[str]) -> None:
    rows = operator.get("/devices?sort=state", headers=FRAGMENT).text
    assert rows.index("pos-00-00") < rows.index("pos-00-01")


def test_long_lists_come_in_pages(operator: httpx.Client, seed: Seed) -> None:
    keys = seed.fleet(1, 3, 20)
    first = operator.get("/devices", headers=FRAGMENT).text
    second = operator.get("/devices?page=2", headers=FRAGMENT).text
    assert "1–50 of 60" in first
    assert "51–60 of 60" in second
    assert sum(f"<bdi>{key}</bdi>" in first for key in keys) == 50
    assert sum(f"<bdi>{key}</bdi>" in second for key in keys) == 10
    assert 'href="/devices?page=2"' in first
    assert operator.get("/devices?page=0").status_code == 400


def test_a_device_tells_its_history(operator: httpx.Client, fleet: list[str], seed: Seed) -> None:
    seed.clock.advance(timedelta(hours=6))
    page = operator.get(f"/devices/{fleet[0]}?span=24h").text
    assert 'class="seg-down"' in page
    assert "it says so itself" in page
    lost = operator.get("/devices/nothing")
    assert lost.status_code == 404
    assert "There is nothing here." in lost.text
    assert 'href="/tickets"' in lost.text  # the way on
    assert operator.get(f"/devices/{fleet[0]}?span=9y").status_code == 400


def test_the_chart_draws_gauges_counters_and_probabilities(
    operator: httpx.Client, fleet: list[str]
) -> None:
    path = f"/devices/{fleet[2]}/series?span=7d&metric="
    gauge = operator.get(path + "x.PrintHeadTemperature").json()
    assert gauge["value"][:5] == [40, 41, 42, 43, 44]
    assert len(gauge["at"]) == len(gauge["low"]) == len(gauge["high"]) == 24
    counter = operator.get(path + "PaperCutCount").json()
    assert counter["value"] == [7] * 23  # it grows by seven an hour
    assert operator.get(path + "nothing").json()["at"] == []
    foretold = operator.get(f"/devices/{fleet[1]}/series?metric=probability:receiptPrinter").json()
    assert foretold["value"] == pytest.approx([0.87])


def test_a_ticket_is_worked_on(dispatcher: httpx.Client, fleet: list[str], seed: Seed) -> None:
    assert "Acknowledge" in dispatcher.get("/tickets/2").text
    moves: list[tuple[str, dict[str, str], str]] = [
        ("acknowledge", {}, "planned"),
        ("assign", {"engineer": "2"}, "Maryam Ahmadi"),
        ("move", {"name": "dispatch", "note": "takes the part along"}, "takes the part along"),
        ("move", {"name": "arrive"}, "on site"),
        ("note", {"text": "<b>cover</b> was open"}, "&lt;b&gt;cover&lt;/b&gt; was open"),
        ("move", {"name": "repair", "caused_by": "device"}, "the device"),
        ("move", {"name": "verify"}, "verified"),
        ("move", {"name": "close"}, "closed"),
    ]
    for action, data, shown in moves:
        seed.clock.advance(timedelta(minutes=10))
        answer = dispatcher.post(f"/tickets/2/{action}", data=data, headers=FRAGMENT)
        assert answer.status_code == 200, answer.text
        assert shown in answer.text
    assert "/tickets/2/move" not in dispatcher.get("/tickets/2", headers=FRAGMENT).text
    with seed.database.transaction() as conn:
        actors = {row["actor"] for row in conn.execute("SELECT actor FROM audit_entry")}
    assert actors == {"dispatcher"}


def test_what_the_state_does_not_allow_is_refused(
    dispatcher: httpx.Client, fleet: list[str]
) -> None:
    assert dispatcher.post("/tickets/2/move", data={"name": "close"}).status_code == 409
    assert dispatcher.post("/tickets/2/move", data={"name": "cancel"}).status_code == 409
    assert dispatcher.post("/tickets/99/acknowledge").status_code == 404
    data = {"name": "cancel", "reason": "false_alarm"}
    assert dispatcher.post("/tickets/1/move", data=data).status_code == 303
    assert "false alarm" in dispatcher.get("/tickets/1").text


def test_without_scripts_an_action_leads_back_to_the_ticket(
    operator: httpx.Client, fleet: list[str]
) -> None:
    answer = operator.post("/tickets/2/acknowledge")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/tickets/2"


def test_an_alert_without_a_ticket_is_acknowledged(operator: httpx.Client, seed: Seed) -> None:
    keys = seed.fleet(1, 1, 1)
    seed.event(keys[0], "receiptPrinter", "paperLow", Severity.WARNING)
    assert "/alerts/1/acknowledge" in operator.get("/alerts").text
    assert operator.post("/alerts/1/acknowledge").status_code == 303
    assert "/alerts/1/acknowledge" not in operator.get("/alerts").text


def test_a_call_joins_the_open_ticket(operator: httpx.Client, fleet: list[str]) -> None:
    data = {"component": "billAcceptor", "description": "it takes no notes", "device": fleet[0]}
    answer = operator.post("/calls", data=data)
    assert answer.headers["location"] == "/tickets/2"
    assert "it takes no notes" in operator.get("/tickets/2").text
    other = operator.post("/calls", data=data | {"device": fleet[5], "component": "device"})
    assert other.headers["location"] == "/tickets/3"


def test_a_found_device_is_adopted(operator: httpx.Client, fleet: list[str], seed: Seed) -> None:
    seed.contact(["stranger"])
    assert "1 device was found" in operator.get("/").text
    assert "stranger" in operator.get("/devices?state=found", headers=FRAGMENT).text
    assert "Adopt this device" in operator.get("/devices/stranger").text
    assert operator.post("/devices/stranger/adopt", data={"site": "s0"}).status_code == 303
    page = operator.get("/devices/stranger").text
    assert "Adopt this device" not in page
    assert "Shanghai 0" in page
    assert operator.post("/devices/stranger/adopt", data={"site": ""}).status_code == 409


def test_a_fragment_that_needs_a_login_takes_the_whole_page_there(visitor: httpx.Client) -> None:
    answer = visitor.get("/overview/feed", headers=FRAGMENT)
    assert answer.headers["hx-redirect"] == "/login"


def test_uptime_names_the_worst_first(operator: httpx.Client, fleet: list[str], seed: Seed) -> None:
    seed.clock.advance(timedelta(hours=10))
    rows = operator.get("/uptime?scope=device&span=24h", headers=FRAGMENT).text
    assert rows.index("pos-00-00") < rows.index("pos-00-01")
    assert "0.00%" in rows
    assert "100.00%" in rows


def test_a_prediction_that_calmed_down_is_not_foretold_any_more(
    operator: httpx.Client, seed: Seed
) -> None:
    (key,) = seed.fleet(customers=1, sites=1, devices=1)
    seed.contact([key])
    seed.predict(key, "receiptPrinter", 0.87)
    figure = '<span class="figure" data-figure="predicted">{}</span>'
    wait_for("it is counted", lambda: figure.format(1) in operator.get("/").text)
    for _ in range(2):
        seed.clock.advance(timedelta(hours=1))
        seed.predict(key, "receiptPrinter", 0.01)
    wait_for("it counts no more", lambda: figure.format(0) in operator.get("/").text)
