"""What every page shares, and who is reading it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Depends, Request

from console.accounts import Account, find_session
from console.errors import LoginNeededError
from console.i18n.catalogue import LANGUAGES, preferred
from console.i18n.formats import Formats
from console.limiter import Limiter
from console.live import Live
from console.roles import Right
from console.tokens import find_token
from console.views import Views
from domain.clock import Clock
from storage.database import Conn, Database

SESSION_COOKIE = "forecall_session"
FORM_COOKIE = "forecall_form"
LANGUAGE_COOKIE = "forecall_language"
ZONE_COOKIE = "forecall_zone"


Files = Callable[[Conn], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Room:
    """The console's shared parts. `clock` is the fleet's, which may be simulated.

    Attributes:
        limiter: of logins that fail.
        guesses: of links that there aren't.
        reports: of what comes in by customers' links.
        requests: of programs, each by its token.
        files: why files that people wrote are not in force, by the setting that names each.
        metrics_token: who carries it may read the metrics; empty: who asks from this machine.
    """

    database: Database
    clock: Clock
    simulated: bool
    views: Views
    live: Live
    limiter: Limiter
    guesses: Limiter
    reports: Limiter
    requests: Limiter
    metrics_token: str
    files: Files


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who reads, how they read, and the token their forms must carry.

    Attributes:
        actor: the name under which they act; empty: a stranger.
        here: the page's own address, path and query.
        by_token: a program with a key of its own, which no other site can make send a form.
    """

    account: Account | None
    csrf_token: str
    locale: str
    zone: ZoneInfo
    here: str = "/"
    actor: str = ""
    rights: frozenset[Right] = frozenset()
    by_token: bool = False

    @property
    def path(self) -> str:
        return self.here.partition("?")[0]

    @property
    def formats(self) -> Formats:
        return Formats(self.locale, self.zone)

    def may(self, right: str) -> bool:
        """Whether they have the right of that name."""
        return Right(right) in self.rights

    @property
    def own(self) -> int | None:
        """The engineer whose tickets alone they may see; None: every ticket. 0 is nobody."""
        if Right.SEE_TICKETS in self.rights or self.account is None:
            return None
        return self.account.engineer_id or 0


def the_room(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


TheRoom = Annotated[Room, Depends(the_room)]


def a_visit(request: Request, room: TheRoom) -> Visit:
    """Anybody, logged in or not. Kept with the request, for a page about an error."""
    visit = _visit(request, room)
    request.state.visit = visit
    return visit


AVisit = Annotated[Visit, Depends(a_visit)]


def _visit(request: Request, room: Room) -> Visit:
    zone = _zone(request.cookies.get(ZONE_COOKIE, ""))
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    here = here if request.method == "GET" else "/"  # a form's address can't be gone back to
    key = _bearer(request)
    if key is not None:
        return _program(room, key, zone, here)
    secret = request.cookies.get(SESSION_COOKIE)
    session = None
    if secret:
        with room.database.transaction() as conn:
            session = find_session(conn, secret)
    if session is None:
        token = request.cookies.get(FORM_COOKIE, "")
        return Visit(None, token, visitor_locale(request), zone, here)
    account = session.account
    locale = account.locale if account.locale in LANGUAGES else "en"
    return Visit(account, session.csrf_token, locale, zone, here, account.name, account.role.rights)


def _bearer(request: Request) -> str | None:
    """The key that a program sends; only the API takes one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    wanted = scheme.lower() == "bearer" and request.url.path.startswith("/api/")
    return key.strip() if wanted else None


def _program(room: Room, key: str, zone: ZoneInfo, here: str) -> Visit:
    with room.database.transaction() as conn:
        token = find_token(conn, key)
    if token is None:
        raise LoginNeededError("the token is unknown, revoked or has expired")
    room.requests.spend(token.actor)
    return Visit(None, "", "en", zone, here, token.actor, token.rights, by_token=True)


def visitor_locale(request: Request) -> str:
    """The language of somebody who is not logged in: chosen before, or the browser's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the cookie is the browser's to write
        return ZoneInfo("UTC")
