"""Who gets in, and what a browser is told about it."""

from __future__ import annotations

import httpx
import pytest

from console.errors import TooManyAttemptsError
from console.limiter import FAILURES, WINDOW, Limiter
from domain.clock import ManualClock
from tests.console.conftest import PASSWORD, LogIn, token
from tests.console.seed import Seed

PAGES = (
    "/",
    "/devices",
    "/found",
    "/codes",
    "/audit",
    "/alerts",
    "/tickets",
    "/uptime",
    "/api/docs",
)


def test_pages_lead_to_the_login_and_back(visitor: httpx.Client) -> None:
    for path in (*PAGES, "/devices/x?span=24h", "/overview/feed"):
        answer = visitor.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=/")


def test_the_login_returns_to_the_page_but_never_to_another_site(
    visitor: httpx.Client, accounts: None
) -> None:
    form = {
        "csrf": token(visitor.get("/login").text),
        "name": "operator",
        "password": PASSWORD,
    }
    for goal, target in {
        "/devices?state=down": "/devices?state=down",
        "//evil.example/": "/",
        "https://evil.example/": "/",
        "/\\evil.example": "/",
        "/a\r\nSet-Cookie: x=y": "/",
    }.items():
        answer = visitor.post("/login", data=form | {"next": goal})
        assert answer.headers["location"] == target
        visitor.cookies.delete("forecall_session")


def test_a_wrong_password_is_told_and_the_cookie_is_not_given(
    visitor: httpx.Client, accounts: None
) -> None:
    form = {"csrf": token(visitor.get("/login").text), "name": "operator", "password": "wrong one"}
    answer = visitor.post("/login", data=form)
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert "forecall_session" not in visitor.cookies


def test_guessing_is_slowed_down(visitor: httpx.Client, accounts: None) -> None:
    form = {"csrf": token(visitor.get("/login").text), "name": "operator", "password": "wrong one"}
    answers = [visitor.post("/login", data=form).status_code for _ in range(FAILURES + 1)]
    assert answers == [401] * FAILURES + [429]
    right = visitor.post("/login", data=form | {"password": PASSWORD})
    assert right.status_code == 429  # even the right one has to wait now


def test_behind_a_proxy_each_visitor_is_counted_apart(
    visitor: httpx.Client, accounts: None
) -> None:
    def login(address: str, name: str, password: str) -> int:
        form = {"csrf": token(visitor.get("/login").text), "name": name, "password": password}
        told = {"X-Forwarded-For": address}
        return visitor.post("/login", data=form, headers=told).status_code

    for number in range(FAILURES):
        assert login("203.0.113.1", f"guess-{number}", "wrong") == 401
    assert login("203.0.113.1", "operator", PASSWORD) == 429
    assert login("203.0.113.2", "operator", PASSWORD) == 303


def test_the_limiter_forgets_after_its_window(clock: ManualClock) -> None:
    limiter = Limiter(clock)
    for _ in range(FAILURES):
        limiter.check("mina")
        limiter.failed("mina")
    with pytest.raises(TooManyAttemptsError):
        limiter.check("mina")
    limiter.check("somebody else")
    clock.advance(WINDOW)
    limiter.check("mina")


def test_cookies_and_headers_keep_the_session_to_this_site(
    visitor: httpx.Client, accounts: None
) -> None:
    form = {"csrf": token(visitor.get("/login").text), "name": "viewer", "password": PASSWORD}
    cookie = visitor.post("/login", data=form).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    headers = visitor.get("/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_logging_out_ends_the_session_on_the_server(operator: httpx.Client) -> None:
    secret = operator.cookies["forecall_session"]
    assert operator.post("/logout").status_code == 303
    operator.cookies.set("forecall_session", secret)
    assert operator.get("/").status_code == 303


def test_a_form_without_its_token_changes_nothing(operator: httpx.Client, seed: Seed) -> None:
    seed.fleet(1, 1, 1)
    seed.down("pos-00-00")
    for wrong in ("", "made up"):
        answer = operator.post("/tickets/1/acknowledge", headers={"X-CSRF-Token": wrong})
        assert answer.status_code == 403
    answer = operator.post("/tickets/1/acknowledge", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert '"state":"new"' in operator.get("/api/v1/tickets").text


def test_a_viewer_looks_but_does_not_change(log_in: LogIn, seed: Seed) -> None:
    seed.fleet(1, 1, 1)
    seed.down("pos-00-00")
    viewer = log_in("viewer")
    page = viewer.get("/tickets/1").text
    assert "History" in page
    assert "/tickets/1/acknowledge" not in page
    for path in ("tickets/1/acknowledge", "tickets/1/note", "calls"):
        assert viewer.post(f"/{path}", data={"text": "x"}).status_code in (403, 400)
    assert viewer.post("/tickets/1/acknowledge").status_code == 403


def test_the_language_stays_with_the_account(log_in: LogIn) -> None:
    first = log_in("operator")
    assert first.post("/language", data={"language": "fa", "next": "/alerts"}).headers[
        "location"
    ] == ("/alerts")
    page = log_in("operator").get("/").text
    assert '<html lang="fa-IR" dir="rtl"' in page
    assert first.post("/language", data={"language": "xx"}).status_code == 400


def test_the_login_page_speaks_the_browsers_language(visitor: httpx.Client) -> None:
    page = visitor.get("/login", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}).text
    assert '<html lang="zh-Hans-CN"' in page
    assert "登录" in page
