"""The console in a real browser: what only scripts and styles can get wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from domain.report import Severity
from tests.console.conftest import PASSWORD
from tests.console.seed import Seed

CHROMIUM = Path(os.environ.get("FORECALL_TEST_CHROMIUM", "/usr/bin/chromium"))
WAIT_MS = 120_000

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}; set FORECALL_TEST_CHROMIUM"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: script errors, refused styles, missing files."""
    return []


@pytest.fixture
def page(browser: Browser, address: str, accounts: None, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(
        base_url=address, timezone_id="Asia/Tehran", viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    yield page
    context.close()


def test_an_operators_round(page: Page, seed: Seed, complaints: list[str]) -> None:
    keys = seed.fleet()
    seed.readings(keys[0])
    seed.event(keys[0], "receiptPrinter", "paperJam", Severity.ERROR)
    _log_in(page)
    _sees_changes_without_reload(page, seed, keys[1])
    _acknowledges(page)
    _reads_a_device(page, seed, keys[0], keys[2])
    _reads_persian(page)
    assert [said for said in complaints if "409" not in said] == []  # one was asked for


def test_nothing_is_wider_than_a_phone(page: Page, seed: Seed, complaints: list[str]) -> None:
    keys = seed.fleet()
    seed.contact(["stranger-with-a-long-name"])
    seed.readings(keys[0])
    seed.predict(keys[0], "receiptPrinter")
    page.set_viewport_size({"width": 360, "height": 740})
    _log_in(page)
    pages = (
        "/",
        "/devices",
        "/found",
        f"/devices/{keys[0]}",
        "/alerts",
        "/alerts/1",
        "/tickets",
        "/tickets/1",
        "/calls?search=a",
        "/windows",
        "/uptime",
    )
    for path in pages:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} pixels too wide"
    assert complaints == []


def _log_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible(timeout=WAIT_MS)


def _sees_changes_without_reload(page: Page, seed: Seed, key: str) -> None:
    down = page.locator(".tile-down .figure")
    expect(page.locator("#link-state")).to_have_text("Live", timeout=WAIT_MS)
    expect(down).to_have_text("0")
    page.evaluate("window.notReloaded = true")
    seed.down(key, "billAcceptor")
    expect(down).to_have_text("1", timeout=WAIT_MS)
    expect(page.locator(f"#dot-{key}.dot-down")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#feed")).to_contain_text(key, timeout=WAIT_MS)
    assert page.evaluate("window.notReloaded") is True


def _acknowledges(page: Page) -> None:
    page.get_by_role("link", name="Tickets").first.click()
    page.locator("#rows a.key").first.click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".story")).to_contain_text("Plan · planned", timeout=WAIT_MS)
    _is_told_what_was_refused(page)
    page.get_by_label("Note for the history").fill("cleared by telephone")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".story")).to_contain_text("cleared by telephone", timeout=WAIT_MS)
    expect(page.get_by_label("Note for the history")).to_have_value("")


def _is_told_what_was_refused(page: Page) -> None:
    page.evaluate(
        "htmx.ajax('POST', location.pathname + '/move', {target: '#case', values: {name: 'close'}})"
    )
    expect(page.locator("#toast")).to_have_text("That is not possible in the present state.")


def _reads_a_device(page: Page, seed: Seed, key: str, another: str) -> None:
    page.goto("/devices")
    page.get_by_label("Search").fill(key)
    expect(page.locator("#rows tbody tr")).to_have_count(1, timeout=WAIT_MS)
    with page.expect_response(lambda answer: f"/devices?search={key}" in answer.url):
        seed.down(another)  # the list is fetched anew, as it was asked for
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.locator("#rows a.key").click()
    expect(page.locator("#chart canvas")).to_be_visible(timeout=WAIT_MS)
    page.locator("#metric").select_option("PaperCutCount")
    expect(page.locator("#chart canvas")).to_be_visible(timeout=WAIT_MS)


def _reads_persian(page: Page) -> None:
    page.get_by_role("button", name="فارسی").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl", timeout=WAIT_MS)
    expect(page.locator("main time").first).to_contain_text("۱۴۰۴")
    page.goto("/")
    expect(page.locator(".tile-down .figure")).to_have_text("۲")
    brand, tools = page.locator(".brand").bounding_box(), page.locator(".tools").bounding_box()
    assert brand is not None
    assert tools is not None
    assert brand["x"] > tools["x"]  # from right to left
