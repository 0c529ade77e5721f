"""Zammad: https://docs.zammad.org/en/latest/api/ticket/index.html, .../articles.html, .../api-intro.html

Our key stands in the title: Zammad has no field for keys of others that is there by itself. Its
search runs some seconds behind, so the newest tickets are looked through as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.notify.secret import reveal
from desk.sinks.client import Client
from desk.sinks.plain import plain
from desk.sinks.port import Case, OurNote, Remote, Stage, TheirNote
from desk.sinks.settings import ZammadSettings
from domain.report import Severity

_STATES = {
    Stage.NEW: "new",
    Stage.AT_WORK: "open",
    Stage.WAITING: "pending reminder",
    Stage.RESOLVED: "open",
    Stage.CLOSED: "closed",
}
_STAGES = {
    "new": Stage.NEW,
    "pending reminder": Stage.WAITING,
    "pending close": Stage.CLOSED,
    "closed": Stage.CLOSED,
    "merged": Stage.CLOSED,
}
_PRIORITIES = {
    Severity.INFO: "1 low",
    Severity.WARNING: "1 low",
    Severity.ERROR: "2 normal",
    Severity.CRITICAL: "3 high",
}
_REMIND_AFTER = timedelta(days=1)
_NEWEST = "100"


@dataclass(frozen=True, slots=True)
class Zammad:
    """Implements `desk.sinks.port.System`."""

    settings: ZammadSettings
    client: Client

    @staticmethod
    def of(settings: ZammadSettings) -> Zammad:
        token = {"authorization": f"Token token={reveal(settings.token)}"}
        return Zammad(settings, Client(f"{settings.base}/api/v1", token))

    def find(self, key: str) -> str | None:
        found = self._search(f'title:"{key}"')
        newest = {"per_page": _NEWEST, "page": "1", "sort_by": "created_at", "order_by": "desc"}
        for ticket in [*found, *self.client.get("/tickets", newest)]:
            if str(ticket["title"]).endswith(f"[{key}]"):
                return str(ticket["id"])
        return None

    def create(self, case: Case) -> str:
        made = self.client.ask(
            "POST",
            "/tickets",
            {
                "title": case.keyed_title,
                "group": self.settings.group,
                "customer_id": f"guess:{self.settings.customer}",
                "priority": _PRIORITIES[case.severity],
                **_state(case.stage),
                # With our mark: what begins a ticket is a note there, and would come back as theirs.
                "article": _article(case.title, case.signed(OurNote(1, case.body))),
            },
        )
        return str(made["id"])

    def read(self, foreign_id: str) -> Remote | None:
        ticket = self.client.get_or_none(f"/tickets/{foreign_id}", {"expand": "true"})
        if ticket is None:
            return None
        articles = self.client.get(f"/ticket_articles/by_ticket/{foreign_id}", {"expand": "true"})
        return Remote(
            stage=_STAGES.get(ticket["state"], Stage.AT_WORK),
            notes=[_note(article) for article in articles],
        )

    def update(self, foreign_id: str, case: Case, notes: Sequence[OurNote], stage: Stage) -> None:
        changes: dict[str, Any] = {
            "title": case.keyed_title,
            "priority": _PRIORITIES[case.severity],
        }
        if stage is not self.as_read(case.stage):
            changes |= _state(case.stage)
        self.client.ask("PUT", f"/tickets/{foreign_id}", changes)
        for note in notes:
            article = {"ticket_id": int(foreign_id), **_article(case.title, case.signed(note))}
            self.client.ask("POST", "/ticket_articles", article)

    def as_read(self, stage: Stage) -> Stage:
        return _STAGES.get(_STATES[stage], Stage.AT_WORK)

    def changed_since(self, moment: datetime) -> list[str]:
        since = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        prefix = self.settings.prefix
        found = self._search(f'title:"{prefix}" AND updated_at:[{since} TO *]')
        return [str(ticket["id"]) for ticket in found if f"[{prefix}-" in str(ticket["title"])]

    def _search(self, query: str) -> Iterable[Mapping[str, Any]]:
        found = self.client.get("/tickets/search", {"query": query, "limit": "200"})
        if isinstance(found, list):  # with `expand` of its own, or from an older version
            return found
        return list((found.get("assets") or {}).get("Ticket", {}).values())


def _state(stage: Stage) -> dict[str, str]:
    if stage is Stage.WAITING:
        remind = datetime.now(UTC) + _REMIND_AFTER
        return {"state": _STATES[stage], "pending_time": remind.isoformat()}
    return {"state": _STATES[stage]}


def _article(subject: str, body: str) -> dict[str, Any]:
    return {
        "subject": subject,
        "body": body,
        "content_type": "text/plain",
        "type": "note",
        "internal": True,
    }


def _note(article: Mapping[str, Any]) -> TheirNote:
    body = str(article["body"])
    text = plain(body) if article.get("content_type") == "text/html" else body
    return TheirNote(str(article["id"]), str(article.get("from") or ""), text)
