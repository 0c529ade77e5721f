"""Alertmanager as a receiver of ours: POST /api/v2/alerts.

https://prometheus.io/docs/alerting/latest/clients/ and the API's own openapi.yaml. An alert is its
set of labels. One that is not sent again before its `endsAt` is taken for resolved: so all that is
active is sent again and again, with an end some time ahead, and what is over once with its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from alerts.notify.facts import ALERT, BATCH, Facts, read_facts
from alerts.notify.policy import Manager, Policy
from alerts.notify.secret import reveal
from alerts.outbox.delivery import Delivery, Letter
from alerts.outbox.relay import Heard
from alerts.outbox.web import as_json, request
from domain.clock import Clock
from domain.errors import NotDeliveredError
from storage.database import Conn, Database
from storage.queries import load

log = structlog.get_logger()

CHANNEL = "alertmanager:"
"""What the channels of Alertmanagers begin with."""

_LASTS_RESENDS = 4
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Managers:
    """Plans a letter for each change of an alert and each Alertmanager: it sends how things stand."""

    policy: Callable[[], Policy]

    def plan(self, conn: Conn, heard: Sequence[Heard]) -> list[Delivery]:
        names = self.policy().alertmanagers
        last = {each.announcement.subject: each for each in heard}  # only how it stands counts
        return [
            Delivery(f"alertmanager/{name}/{each.id}", CHANNEL + name, subject, {})
            for subject, each in last.items()
            if subject.partition("/")[0] in (ALERT, BATCH)
            for name in names
        ]


@dataclass(frozen=True, slots=True)
class ManagerChannel:
    """Sends alerts to one Alertmanager. `link` gives a case's address in the console."""

    database: Database
    policy: Policy
    wall: Clock
    link: Callable[[Facts], str]
    name: str

    def send(self, letter: Letter) -> None:
        manager = self.policy.alertmanagers.get(self.name)
        if manager is None:
            raise NotDeliveredError(f"the policy has no Alertmanager {self.name!r}", permanent=True)
        with self.database.transaction() as conn:
            facts = read_facts(conn, [letter.subject]).get(letter.subject)
        if facts is not None:
            self._post(manager, [facts])

    def send_again(self) -> int:
        """Sends all that is active, when its time has come; returns how many alerts that were.

        Raises NotDeliveredError, StoreUnavailableError.
        """
        manager = self.policy.alertmanagers[self.name]
        now = self.wall.now()
        turn = {
            "name": CHANNEL + self.name,
            "wall": now,
            "next_at": now + timedelta(seconds=manager.resend_s),
        }
        with self.database.transaction() as conn:
            if conn.execute(load("notify")["take_feed_turn"], turn).fetchone() is None:
                return 0
        return self._send_all(manager)

    def _send_all(self, manager: Manager) -> int:
        after, sent = 0, 0
        while True:
            with self.database.transaction() as conn:
                rows = conn.execute(
                    load("notify")["active_alerts"], {"after": after, "limit": _AT_ONCE}
                ).fetchall()
                facts = read_facts(conn, [f"{ALERT}/{row['id']}" for row in rows])
            if not rows:
                return sent
            after = rows[-1]["id"]
            unlike = {case.subject: case for case in facts.values()}
            self._post(manager, list(unlike.values()))
            sent += len(unlike)

    def _post(self, manager: Manager, facts: Iterable[Facts]) -> None:
        now = self.wall.now()
        lasts = timedelta(seconds=_LASTS_RESENDS * manager.resend_s)
        told = [
            _alert(case, self.link(case), now, lasts)
            for case in facts
            if case.severity.rank >= manager.severity.rank
        ]
        headers = {"content-type": "application/json"}
        if manager.token is not None:
            headers["authorization"] = f"Bearer {reveal(manager.token)}"
        if told:
            url = reveal(manager.url).rstrip("/") + "/api/v2/alerts"
            request("POST", url, headers=headers, content=as_json(told))


def send_all_again(channels: Iterable[ManagerChannel]) -> None:
    """Keeps every Alertmanager up to date; one that is away is tried again in the next round."""
    for channel in channels:
        try:
            channel.send_again()
        except NotDeliveredError as error:
            log.warning("an Alertmanager is away", name=channel.name, error=str(error))


def _alert(facts: Facts, link: str, now: datetime, lasts: timedelta) -> dict[str, Any]:
    firing = facts.active and not facts.held
    labels = {
        "alertname": facts.rule,
        "case": facts.subject,
        "device": facts.device,
        "component": facts.component,
        "fault_class": facts.fault_class,
        "severity": facts.severity,
        "site": facts.site,
        "customer": facts.customer,
    }
    return {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": str(facts.headline), "description": facts.first_steps},
        "startsAt": min(facts.at, now).isoformat(),
        "endsAt": (now + lasts if firing else now).isoformat(),
        "generatorURL": link,
    }
