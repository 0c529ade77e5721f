"""The clocks of cases and their coverage, as pages show them."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx

from desk import actions
from desk.sla.watch import watch
from domain.report import Severity
from tests.console.conftest import LogIn
from tests.console.seed import Seed

FA_DIGITS = "۰۱۲۳۴۵۶۷۸۹"


def broken(seed: Seed, key: str, minutes: float = 0) -> None:
    """A device fails, so many minutes later than now."""
    seed.clock.advance(timedelta(minutes=minutes))
    seed.event(key, "receiptPrinter", "mechanicalFailure", Severity.CRITICAL)


def text(page: httpx.Response) -> str:
    assert page.status_code == 200, page.text
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def move(seed: Seed, ticket_id: int, name: str) -> None:
    actions.move(seed.database, seed.clock, ticket_id, name, actor="li")


def office_hours(seed: Seed) -> None:
    """All customers have a contract for office hours; it is Monday noon in Greenwich."""
    with seed.database.transaction() as conn:
        conn.execute("UPDATE site SET time_zone = 'UTC'")
        conn.execute(
            """INSERT INTO contract (key, customer_id, plan, valid_from, recorded_at)
               SELECT 'K-' || key, id, 'kiosk_office', '2020-01-01', %(now)s FROM customer""",
            {"now": seed.clock.now()},
        )


def test_a_ticket_shows_every_clock_that_runs(operator: httpx.Client, seed: Seed) -> None:
    broken(seed, seed.fleet()[0])
    page = operator.get("/tickets/1")
    shown = text(page)
    for words in ("plan of action 40m", "engineer on site 4h", "repair in all 3d"):
        assert words in shown
    assert page.text.count('data-runs="always"') == 3


def test_a_wait_is_seen_to_stand_still(operator: httpx.Client, seed: Seed) -> None:
    broken(seed, seed.fleet()[0])
    move(seed, 1, "wait_for_customer")
    seed.clock.advance(timedelta(hours=9))
    page = operator.get("/tickets/1")
    assert "sla-stands" in page.text
    assert 'data-runs=""' in page.text
    assert "engineer on site 4h stands still: waiting for the customer" in text(page)


def test_outside_working_hours_it_says_when_it_goes_on(operator: httpx.Client, seed: Seed) -> None:
    key = seed.fleet()[0]
    office_hours(seed)
    broken(seed, key, minutes=7 * 60)  # at seven in the evening
    page = operator.get("/tickets/1")
    assert "stands still until 3 Mar 2026, 09:00" in text(page)
    assert "27h" in text(page)  # three days of nine hours
    [runs] = set(re.findall(r'data-runs="([^"]+)"', page.text))
    first, last = (float(edge) / 1000 for edge in runs.split(" ")[0].split("/"))
    assert last - first == 9 * 3600


def test_the_list_shows_the_next_promise_and_can_be_sorted_by_it(
    operator: httpx.Client, seed: Seed
) -> None:
    keys = seed.fleet()
    broken(seed, keys[0])
    move(seed, 1, "plan")
    broken(seed, keys[1], minutes=10)
    broken(seed, keys[2], minutes=10)
    move(seed, 3, "wait_for_customer")
    watch(seed.database, seed.clock)

    def order(query: str) -> list[str]:
        return re.findall(r'href="/tickets/(\d)"', operator.get(f"/tickets{query}").text)

    assert order("") == ["3", "2", "1"]
    assert order("?sort=due") == ["2", "1", "3"]
    shown = text(operator.get("/tickets?sort=due"))
    assert "30m plan of action" in shown
    assert "3h 40m engineer on site" in shown
    assert "stands still: waiting for the customer" in shown


def test_what_was_missed_is_counted_and_told_in_the_history(
    operator: httpx.Client, seed: Seed
) -> None:
    broken(seed, seed.fleet()[0])
    seed.clock.advance(timedelta(hours=5))
    watch(seed.database, seed.clock)
    assert "2 missed" in text(operator.get("/tickets"))
    shown = text(operator.get("/tickets/1"))
    assert "A promised time was missed · engineer on site · due 2 Mar 2026, 16:00" in shown


def test_a_persian_reader_sees_persian_digits(log_in: LogIn, seed: Seed) -> None:
    key = seed.fleet()[0]
    with seed.database.transaction() as conn:
        conn.execute("UPDATE device SET installed_on = '2026-01-01'")
    broken(seed, key)
    client = log_in("operator")
    client.post("/language", data={"language": "fa"})
    for path in ("/tickets", "/tickets/1"):
        page = client.get(path)
        assert 'lang="fa-IR"' in page.text
        [left, *_] = re.findall(r'class="left"[^>]*>([^<]+)<', page.text)
        assert set(left) & set(FA_DIGITS)
        assert not re.search(r"[0-9]", left)
    why = re.findall(r"coverage-covered[^/]*</span>([^<]+)<", client.get("/tickets/1").text)
    assert "۱۴۰۵" in why[0]  # the warranty's end, in the Persian calendar
    assert not re.search(r"[0-9]", why[0])


def test_a_ticket_says_whether_it_is_covered_and_why(operator: httpx.Client, seed: Seed) -> None:
    keys = seed.fleet()
    broken(seed, keys[0])
    assert "Coverage billable no contract, and it is not known when the device was installed" in (
        text(operator.get("/tickets/1"))
    )
    office_hours(seed)
    broken(seed, keys[1])
    shown = text(operator.get("/tickets/2"))
    assert "Coverage covered contract K-c0 (Kiosks and terminals, in office hours)" in shown
    assert "the way there is paid for by the customer" in shown


def test_the_api_tells_the_clocks_and_the_coverage_of_open_tickets(
    operator: httpx.Client, seed: Seed
) -> None:
    keys = seed.fleet()
    for key in keys[:3]:
        broken(seed, key, minutes=30)  # apart: else they were one batch
    move(seed, 2, "wait_for_customer")
    first = operator.get("/api/v1/promises", params={"limit": 2}).json()
    rest = operator.get("/api/v1/promises", params={"cursor": first["next"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [3, 2, 1]
    one = operator.get("/api/v1/tickets/2/promises").json()
    assert one == first["items"][1]
    assert one["coverage"]["verdict"] == "billable"
    [total] = [clock for clock in one["clocks"] if clock["name"] == "total"]
    assert (total["hold"], total["target_s"], total["used_s"]) == (
        "waiting_customer",
        259_200,
        1800,
    )
    assert operator.get("/api/v1/tickets/9/promises").status_code == 404
