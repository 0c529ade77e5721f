"""Jira, REST API version 2, Cloud and Data Center: texts are plain in it, not documents.

https://developer.atlassian.com/cloud/jira/platform/rest/v2/ (issues, transitions, comments, and
`search/jql`, which has taken the place of `search` in Cloud) and
https://docs.atlassian.com/software/jira/docs/api/REST/latest/ (Data Center). Limits:
https://developer.atlassian.com/cloud/jira/platform/rate-limiting/. Our key is a label.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from alerts.notify.secret import reveal
from desk.sinks.client import Client
from desk.sinks.port import Case, OurNote, Remote, Stage, TheirNote
from desk.sinks.settings import JiraSettings
from domain.clock import SystemClock
from domain.errors import NotDeliveredError

_CATEGORIES = {"new": Stage.NEW, "indeterminate": Stage.AT_WORK, "done": Stage.RESOLVED}
_MOST = "100"
_LONGEST_SUMMARY = 255


@dataclass(frozen=True, slots=True)
class Jira:
    """Implements `desk.sinks.port.System`."""

    settings: JiraSettings
    client: Client

    @staticmethod
    def of(settings: JiraSettings) -> Jira:
        token = reveal(settings.token)
        login = f"Bearer {token}"
        if settings.user:
            login = "Basic " + b64encode(f"{settings.user}:{token}".encode()).decode()
        return Jira(settings, Client(f"{settings.base}/rest/api/2", {"authorization": login}))

    def find(self, key: str) -> str | None:
        for issue in self._search(f'labels = "{key}"'):
            if key in issue["fields"]["labels"]:
                return str(issue["id"])
        return None

    def create(self, case: Case) -> str:
        fields: dict[str, Any] = {
            "project": {"key": self.settings.project},
            "issuetype": {"name": self.settings.issue_type},
            "description": case.body,
            "labels": [case.key],
            **self._ours(case),
        }
        made = self.client.ask("POST", "/issue", {"fields": fields})
        return str(made["id"])

    def read(self, foreign_id: str) -> Remote | None:
        issue = self.client.get_or_none(f"/issue/{foreign_id}", {"fields": "status"})
        if issue is None:
            return None
        comments = self.client.get(f"/issue/{foreign_id}/comment", {"maxResults": "1000"})
        return Remote(
            stage=self._stage(issue["fields"]["status"]),
            notes=[_note(comment) for comment in comments["comments"]],
        )

    def update(self, foreign_id: str, case: Case, notes: Sequence[OurNote], stage: Stage) -> None:
        self.client.ask("PUT", f"/issue/{foreign_id}", {"fields": self._ours(case)})
        for note in notes:
            comment = {"body": case.signed(note)}
            self.client.ask("POST", f"/issue/{foreign_id}/comment", comment)
        if stage is not self.as_read(case.stage):
            self._move(foreign_id, case.stage)

    def as_read(self, stage: Stage) -> Stage:
        status = self.settings.statuses.get(stage)
        return self._named(status) or stage if status else stage

    def changed_since(self, moment: datetime) -> list[str]:
        # JQL knows minutes relative to now: an absolute time would be read in the user's own zone.
        minutes = max(1, ceil((SystemClock().now() - moment).total_seconds() / 60))
        found = self._search(f'updated >= "-{minutes}m"')
        prefix = f"{self.settings.prefix}-"
        return [
            str(issue["id"])
            for issue in found
            if any(label.startswith(prefix) for label in issue["fields"]["labels"])
        ]

    def _ours(self, case: Case) -> dict[str, Any]:
        priority = self.settings.priorities.get(case.severity)
        fields: dict[str, Any] = {"summary": _summary(case.title)}
        return fields | ({"priority": {"name": priority}} if priority else {})

    def _search(self, condition: str) -> list[Mapping[str, Any]]:
        parameters = {
            "jql": f'project = "{self.settings.project}" AND {condition}',
            "fields": "labels",
            "maxResults": _MOST,
        }
        path = "/search/jql" if self.settings.user else "/search"
        return list(self.client.get(path, parameters)["issues"])

    def _move(self, foreign_id: str, stage: Stage) -> None:
        """Takes the transition that leads to the stage's status, when the workflow has one."""
        status = self.settings.statuses.get(stage)
        if status is None:
            return
        offered = self.client.get(f"/issue/{foreign_id}/transitions")["transitions"]
        for transition in offered:
            if str(transition["to"]["name"]).casefold() == status.casefold():
                body = {"transition": {"id": transition["id"]}}
                self.client.ask("POST", f"/issue/{foreign_id}/transitions", body)
                return
        names = ", ".join(str(transition["to"]["name"]) for transition in offered)
        raise NotDeliveredError(f"no transition leads to {status!r}; there are: {names or 'none'}")

    def _stage(self, status: Mapping[str, Any]) -> Stage:
        category = status["statusCategory"]["key"]
        return self._named(status["name"]) or _CATEGORIES.get(category, Stage.AT_WORK)

    def _named(self, status: str) -> Stage | None:
        """The first stage that the settings give this status."""
        ours = self.settings.statuses
        return next(
            (stage for stage in Stage if ours.get(stage, "").casefold() == status.casefold()), None
        )


def _summary(title: str) -> str:
    """On one line, as Jira wants it."""
    return " ".join(title.split())[:_LONGEST_SUMMARY]


def _note(comment: Mapping[str, Any]) -> TheirNote:
    author = str((comment.get("author") or {}).get("displayName") or "")
    return TheirNote(str(comment["id"]), author, str(comment["body"]))
