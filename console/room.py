"""What every page shares, and who is reading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Depends, Request

from console.accounts import Account, find_session
from console.errors import LoginNeededError, NotPermittedError
from console.i18n.catalogue import LANGUAGES, preferred
from console.i18n.formats import Formats
from console.limiter import LoginLimiter
from console.live import Live
from console.roles import Role
from console.views import Views
from domain.clock import Clock
from storage.database import Database

SESSION_COOKIE = "forecall_session"
FORM_COOKIE = "forecall_form"
LANGUAGE_COOKIE = "forecall_language"
ZONE_COOKIE = "forecall_zone"


@dataclass(frozen=True, slots=True)
class Room:
    """The console's shared parts. `clock` is the fleet's, which may be simulated.

    Attributes:
        metrics_token: who carries it may read the metrics; empty: who asks from this machine.
    """

    database: Database
    clock: Clock
    simulated: bool
    views: Views
    live: Live
    limiter: LoginLimiter
    metrics_token: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who reads, how they read, and the token their forms must carry.

    Attributes:
        here: the page's own address, path and query.
    """

    account: Account | None
    csrf_token: str
    locale: str
    zone: ZoneInfo
    here: str = "/"

    @property
    def path(self) -> str:
        return self.here.partition("?")[0]

    @property
    def formats(self) -> Formats:
        return Formats(self.locale, self.zone)

    @property
    def may_act(self) -> bool:
        return self.account is not None and self.account.role.may_act

    @property
    def may_decide(self) -> bool:
        return self.account is not None and self.account.role.may_decide

    @property
    def may_administer(self) -> bool:
        return self.account is not None and self.account.role is Role.ADMINISTRATOR


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


def a_reader(visit: AVisit) -> Visit:
    """Somebody who is logged in. Raises LoginNeededError for anybody else."""
    if visit.account is None:
        raise LoginNeededError("log in first")
    return visit


AReader = Annotated[Visit, Depends(a_reader)]


def an_actor(visit: AReader) -> Account:
    """Somebody who may change cases. Raises NotPermittedError for a viewer."""
    if visit.account is None or not visit.may_act:
        raise NotPermittedError("this account may look, not change")
    return visit.account


AnActor = Annotated[Account, Depends(an_actor)]


def a_manager(visit: AReader) -> Account:
    """Somebody who may say which models are in charge. Raises NotPermittedError for others."""
    if visit.account is None or not visit.may_decide:
        raise NotPermittedError("managers and administrators decide about models")
    return visit.account


AManager = Annotated[Account, Depends(a_manager)]


def an_administrator(visit: AReader) -> Visit:
    """Somebody who may see what others did. Raises NotPermittedError for anybody else."""
    if not visit.may_administer:
        raise NotPermittedError("this page is for administrators")
    return visit


AnAdministrator = Annotated[Visit, Depends(an_administrator)]


def _visit(request: Request, room: Room) -> Visit:
    secret = request.cookies.get(SESSION_COOKIE)
    session = None
    if secret:
        with room.database.transaction() as conn:
            session = find_session(conn, secret)
    zone = _zone(request.cookies.get(ZONE_COOKIE, ""))
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    here = here if request.method == "GET" else "/"  # a form's address can't be gone back to
    if session is None:
        token = request.cookies.get(FORM_COOKIE, "")
        return Visit(None, token, visitor_locale(request), zone, here)
    locale = session.account.locale if session.account.locale in LANGUAGES else "en"
    return Visit(session.account, session.csrf_token, locale, zone, here)


def visitor_locale(request: Request) -> str:
    """The language of somebody who is not logged in: chosen before, or the browser's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the cookie is the browser's to write
        return ZoneInfo("UTC")
