"""GLPI: https://github.com/glpi-project/glpi/blob/main/apirest.md

A session is opened for each errand and closed after it. Our key stands in the title. Columns of the
search, by their numbers for tickets: 1 title, 2 id, 19 last change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from alerts.notify.secret import reveal
from desk.sinks.client import Client
from desk.sinks.plain import plain
from desk.sinks.port import Case, OurNote, Remote, Stage, TheirNote
from desk.sinks.settings import GlpiSettings
from domain.errors import NotDeliveredError
from domain.report import Severity

_STATUS = {
    Stage.NEW: 1,
    Stage.AT_WORK: 2,
    Stage.WAITING: 4,
    Stage.RESOLVED: 5,
    Stage.CLOSED: 6,
}
_STAGES = {status: stage for stage, status in _STATUS.items()}
_URGENCY = {Severity.INFO: 1, Severity.WARNING: 2, Severity.ERROR: 3, Severity.CRITICAL: 5}
_INCIDENT = 1
_TITLE, _ID, _CHANGED = "1", "2", "19"
_MOST = "0-199"

Session = Mapping[str, str]
"""The headers of an open session."""


@dataclass(frozen=True, slots=True)
class Glpi:
    """Implements `desk.sinks.port.System`."""

    settings: GlpiSettings
    client: Client

    @staticmethod
    def of(settings: GlpiSettings) -> Glpi:
        app = {"app-token": reveal(settings.app_token)} if settings.app_token else {}
        return Glpi(settings, Client(f"{settings.base}/apirest.php", app))

    def find(self, key: str) -> str | None:
        with self._session() as session:
            for row in self._search(session, _TITLE, "contains", f"[{key}]"):
                if unescape(str(row[_TITLE])).endswith(f"[{key}]"):
                    return str(row[_ID])
        return None

    def create(self, case: Case) -> str:
        entity = {} if self.settings.entity is None else {"entities_id": self.settings.entity}
        ticket = {
            "name": case.keyed_title,
            "content": case.body,
            "type": _INCIDENT,
            "urgency": _URGENCY[case.severity],
            "status": _STATUS[case.stage],
            **entity,
        }
        with self._session() as session:
            made = self.client.ask("POST", "/Ticket", {"input": ticket}, headers=session)
        return str(made["id"])

    def read(self, foreign_id: str) -> Remote | None:
        with self._session() as session:
            path = f"/Ticket/{foreign_id}"
            ticket = self.client.ask("GET", path, headers=session, or_none=True)
            if ticket is None or ticket.get("is_deleted"):
                return None
            followups = self.client.ask("GET", f"{path}/ITILFollowup", headers=session)
        return Remote(
            stage=_STAGES.get(int(ticket["status"]), Stage.AT_WORK),
            notes=[_note(followup) for followup in followups],
        )

    def update(self, foreign_id: str, case: Case, notes: Sequence[OurNote], stage: Stage) -> None:
        changes: dict[str, Any] = {"name": case.keyed_title, "urgency": _URGENCY[case.severity]}
        if stage is not case.stage:
            changes["status"] = _STATUS[case.stage]
        with self._session() as session:
            # A closed ticket takes no follow-ups: those of one that stays closed are left out.
            if stage is not Stage.CLOSED:
                self._follow_up(session, foreign_id, case, notes)
            path = f"/Ticket/{foreign_id}"
            self.client.ask("PUT", path, {"input": changes}, headers=session)
            if stage is Stage.CLOSED and case.stage is not Stage.CLOSED:
                self._follow_up(session, foreign_id, case, notes)

    def as_read(self, stage: Stage) -> Stage:
        return stage

    def changed_since(self, moment: datetime) -> list[str]:
        # GLPI writes and compares the local time of its own zone.
        local = moment.astimezone(ZoneInfo(self.settings.time_zone)).strftime("%Y-%m-%d %H:%M:%S")
        with self._session() as session:
            rows = list(self._search(session, _CHANGED, "morethan", local))
        prefix = f"[{self.settings.prefix}-"
        return [str(row[_ID]) for row in rows if prefix in str(row[_TITLE])]

    def _follow_up(
        self, session: Session, foreign_id: str, case: Case, notes: Sequence[OurNote]
    ) -> None:
        for note in notes:
            followup = {
                "itemtype": "Ticket",
                "items_id": int(foreign_id),
                "content": case.signed(note),
                "is_private": 1,
            }
            self.client.ask("POST", "/ITILFollowup", {"input": followup}, headers=session)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        login = {"authorization": f"user_token {reveal(self.settings.user_token)}"}
        opened = self.client.ask("GET", "/initSession", headers=login)
        session = {"session-token": str(opened["session_token"])}
        try:
            yield session
        finally:
            self._close(session)

    def _close(self, session: Session) -> None:
        try:
            self.client.ask("GET", "/killSession", headers=session)
        except NotDeliveredError:
            return  # it ends by itself; what was done in it is done

    def _search(
        self, session: Session, field: str, how: str, value: str
    ) -> Iterator[Mapping[str, Any]]:
        parameters = {
            "criteria[0][field]": field,
            "criteria[0][searchtype]": how,
            "criteria[0][value]": value,
            "forcedisplay[0]": _TITLE,
            "forcedisplay[1]": _ID,
            "range": _MOST,
        }
        found = self.client.ask("GET", "/search/Ticket", params=parameters, headers=session)
        yield from found.get("data") or ()


def _note(followup: Mapping[str, Any]) -> TheirNote:
    author = str(followup.get("users_id") or "")
    return TheirNote(str(followup["id"]), author, plain(unescape(str(followup["content"]))))
