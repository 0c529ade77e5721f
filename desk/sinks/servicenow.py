"""ServiceNow, Table API: https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html

Our key is the `correlation_id`. Times of the Table API are UTC. Comments are read from
`sys_journal_field`, where the journal keeps them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alerts.notify.secret import reveal
from desk.sinks.client import Client
from desk.sinks.port import Case, OurNote, Remote, Stage, TheirNote
from desk.sinks.settings import ServiceNowSettings
from domain.report import Severity

_STATES = {
    Stage.NEW: "1",
    Stage.AT_WORK: "2",
    Stage.WAITING: "3",
    Stage.RESOLVED: "6",
    Stage.CLOSED: "7",
}
_STAGES = {state: stage for stage, state in _STATES.items()} | {"8": Stage.CLOSED}
_URGENCY = {Severity.INFO: "3", Severity.WARNING: "3", Severity.ERROR: "2", Severity.CRITICAL: "1"}
_AWAITS_CALLER = "1"
_JOURNAL = ("comments", "work_notes")
_MOST = "500"


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """Implements `desk.sinks.port.System`."""

    settings: ServiceNowSettings
    client: Client

    @staticmethod
    def of(settings: ServiceNowSettings) -> ServiceNow:
        login = b64encode(f"{settings.user}:{reveal(settings.password)}".encode()).decode()
        base = f"{settings.base}/api/now/table"
        return ServiceNow(settings, Client(base, {"authorization": f"Basic {login}"}))

    def find(self, key: str) -> str | None:
        for row in self._query(
            self.settings.table, f"correlation_id={key}", "sys_id,correlation_id"
        ):
            if row["correlation_id"] == key:
                return str(row["sys_id"])
        return None

    def create(self, case: Case) -> str:
        ticket = {
            "short_description": case.title,
            "description": case.body,
            "correlation_id": case.key,
            "correlation_display": "Forecall",
            "urgency": _URGENCY[case.severity],
            "impact": _URGENCY[case.severity],
            **self._state(case.stage),
        }
        made = self.client.ask("POST", f"/{self.settings.table}", ticket)
        return str(made["result"]["sys_id"])

    def read(self, foreign_id: str) -> Remote | None:
        path = f"/{self.settings.table}/{foreign_id}"
        answer = self.client.get_or_none(path, {"sysparm_fields": "state"})
        if answer is None:
            return None
        return Remote(
            stage=_STAGES.get(str(answer["result"]["state"]), Stage.AT_WORK),
            notes=self._notes(foreign_id),
        )

    def update(self, foreign_id: str, case: Case, notes: Sequence[OurNote], stage: Stage) -> None:
        path = f"/{self.settings.table}/{foreign_id}"
        changes = {"short_description": case.title, "urgency": _URGENCY[case.severity]}
        if stage is not case.stage:
            changes |= self._state(case.stage)
        self.client.ask("PATCH", path, changes)
        for note in notes:
            self.client.ask("PATCH", path, {"work_notes": case.signed(note)})

    def as_read(self, stage: Stage) -> Stage:
        return stage

    def changed_since(self, moment: datetime) -> list[str]:
        since = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        ours = f"correlation_idSTARTSWITH{self.settings.prefix}-"
        found = self._query(self.settings.table, f"{ours}^sys_updated_on>={since}", "sys_id")
        return [str(row["sys_id"]) for row in found]

    def _state(self, stage: Stage) -> dict[str, str]:
        """The state, and what ServiceNow wants to know together with it."""
        told = {"state": _STATES[stage]}
        if stage is Stage.WAITING:
            told["hold_reason"] = _AWAITS_CALLER
        if stage in (Stage.RESOLVED, Stage.CLOSED):
            told |= {"close_code": self.settings.close_code, "close_notes": "Forecall"}
        return told

    def _notes(self, foreign_id: str) -> list[TheirNote]:
        condition = f"element_id={foreign_id}^elementIN{','.join(_JOURNAL)}^ORDERBYsys_created_on"
        fields = "sys_id,value,sys_created_by"
        return [
            TheirNote(str(row["sys_id"]), str(row["sys_created_by"]), str(row["value"]))
            for row in self._query("sys_journal_field", condition, fields)
        ]

    def _query(self, table: str, condition: str, fields: str) -> Sequence[Mapping[str, Any]]:
        parameters = {
            "sysparm_query": condition,
            "sysparm_fields": fields,
            "sysparm_limit": _MOST,
            "sysparm_exclude_reference_link": "true",
        }
        rows: Sequence[Mapping[str, Any]] = self.client.get(f"/{table}", parameters)["result"]
        return rows
