"""Clocks that count down in a real browser, and stand still when they should."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from desk import actions
from desk.sla.watch import watch
from tests.console.seed import Seed
from tests.console.test_browser import CHROMIUM, WAIT_MS, browser, complaints, page
from tests.console.test_browser import _log_in as log_in
from tests.console.test_promises import broken, office_hours

__all__ = ["browser", "complaints", "page"]

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")


def test_clocks_count_down_where_they_run_and_stand_still_where_they_do_not(
    page: Page, seed: Seed, complaints: list[str]
) -> None:
    keys = seed.fleet()
    broken(seed, keys[0])
    actions.move(seed.database, seed.clock, 1, "wait_for_customer", actor="li")
    broken(seed, keys[1], minutes=30)
    watch(seed.database, seed.clock)
    log_in(page)
    page.goto("/tickets?sort=due")
    running, waiting = page.locator(".sla-cell").nth(0), page.locator(".sla-cell").nth(1)
    expect(running.locator(".left")).to_have_text(re.compile("^(40m|39m .*)$"))
    seed.clock.advance(timedelta(minutes=5))  # the page hears of it and counts on from there
    expect(running.locator(".left")).to_have_text(re.compile("^(35m|34m .*)$"), timeout=WAIT_MS)
    expect(running.locator(".sla-hold")).to_be_hidden()
    expect(waiting.locator(".left")).to_have_text("4h")
    expect(waiting.locator(".sla-hold")).to_have_text("stands still: waiting for the customer")
    expect(waiting.locator(".sla-hold")).to_be_visible()
    assert complaints == []


def test_a_clock_stops_at_the_end_of_working_hours_while_somebody_looks(
    page: Page, seed: Seed, complaints: list[str]
) -> None:
    key = seed.fleet()[0]
    office_hours(seed)
    broken(seed, key, minutes=5 * 60 + 50)  # ten to six in the evening
    log_in(page)
    page.goto("/tickets")
    cell = page.locator(".sla-cell")
    expect(cell.locator(".sla-hold")).to_be_hidden()
    seed.clock.advance(timedelta(minutes=11))
    expect(cell.locator(".sla-hold")).to_have_text("stands still: outside working hours")
    expect(cell.locator(".sla-hold")).to_be_visible(timeout=WAIT_MS)
    expect(cell.locator(".left")).to_have_text("30m")
    assert complaints == []
