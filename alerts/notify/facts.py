"""What there is to tell of a case, as it stands now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.lifecycle import AlertState
from alerts.notify.policy import Occasion, Route
from domain.fault import FaultClass
from domain.report import Severity
from domain.text import Text
from domain.vocabulary import component
from storage.database import Conn, Row
from storage.queries import load

ALERT, BATCH, TICKET = "alert", "batch", "ticket"


@dataclass(frozen=True, slots=True)
class Facts:
    """A case as a message tells of it.

    Attributes:
        subject: `alert/17`, `batch/3` or `ticket/9`.
        tellable: it is open, active and waits for somebody: people are to know.
        held: it is shelved, suppressed or out of service.
        engineer: the key of who is in charge of it, or of its site; empty: nobody.
        alert_id: of a ticket: the alert that people are told of instead.
    """

    subject: str
    occasion: Occasion
    severity: Severity
    headline: Text
    at: datetime
    active: bool
    tellable: bool
    held: bool
    closed: bool
    device: str
    device_kind: str
    component: str
    fault_class: str
    rule: str
    site: str
    site_name: str
    customer: str
    customer_name: str
    engineer: str
    ticket_id: int | None
    alert_id: int | None
    reasons: tuple[Text, ...]

    @property
    def first_steps(self) -> str:
        """What to do first: a template of the catalogue; empty where nothing is known."""
        if not self.component or self.fault_class == FaultClass.CONSUMABLE:
            return ""
        return component(self.component).first_steps


def matches(route: Route, facts: Facts, occasion: Occasion) -> bool:
    """Whether the route is for this case."""
    return (
        occasion in route.on
        and facts.severity.rank >= route.severity.rank
        and (not route.sites or facts.site in route.sites)
        and (not route.customers or facts.customer in route.customers)
        and (not route.kinds or facts.device_kind in route.kinds)
    )


def read_facts(conn: Conn, subjects: Iterable[str]) -> dict[str, Facts]:
    """The cases of `subjects` by subject; those that are not there are left out.

    A batch is known by both names, `batch/3` and `alert/3`: its facts say `batch/3`.
    """
    alerts, tickets = _ids(subjects)
    found: dict[str, Facts] = {}
    if alerts:
        for row in conn.execute(load("notify")["alert_facts"], {"ids": alerts}).fetchall():
            facts = _of_alert(row)
            found |= {f"{name}/{row['id']}": facts for name in (ALERT, BATCH)}
    if tickets:
        for row in conn.execute(load("notify")["ticket_facts"], {"ids": tickets}).fetchall():
            found[f"{TICKET}/{row['id']}"] = _of_ticket(row)
    return found


def _ids(subjects: Iterable[str]) -> tuple[list[int], list[int]]:
    alerts: set[int] = set()
    tickets: set[int] = set()
    for subject in subjects:
        kind, _, number = subject.partition("/")
        (tickets if kind == TICKET else alerts).add(int(number.partition("/")[0]))
    return sorted(alerts), sorted(tickets)


def _of_alert(row: Row) -> Facts:
    state = AlertState(row["state"])
    open_ = row["closed_at"] is None
    batch = row["device"] is None
    return Facts(
        subject=f"{BATCH if batch else ALERT}/{row['id']}",
        occasion="batch" if batch else "alert",
        active=row["active"] and open_,
        tellable=open_ and row["active"] and state is AlertState.UNACKNOWLEDGED,
        held=open_ and state not in _HEARD,
        rule=row["rule"],
        ticket_id=row["ticket_id"],
        alert_id=None,
        reasons=tuple(Text.from_json(reason) for reason in row["reasons"] or ()),
        **_common(row),
    )


_HEARD = (
    AlertState.UNACKNOWLEDGED,
    AlertState.ACKNOWLEDGED,
    AlertState.RETURNED,
    AlertState.NORMAL,
)


def _of_ticket(row: Row) -> Facts:
    open_ = row["closed_at"] is None
    return Facts(
        subject=f"{TICKET}/{row['id']}",
        occasion="ticket",
        active=open_,
        tellable=open_ and row["state"] == "new",
        held=False,
        rule=row["origin"],
        ticket_id=row["id"],
        alert_id=row["alert_id"],
        reasons=(),
        **_common(row),
    )


def _common(row: Row) -> dict[str, Any]:
    names = ("device", "device_kind", "site", "site_name", "customer", "customer_name", "engineer")
    words: Mapping[str, str] = {name: row[name] or "" for name in names}
    return {
        **words,
        "severity": Severity(row["severity"]),
        "headline": Text.from_json(row["message"]),
        "at": row["opened_at"],
        "closed": row["closed_at"] is not None,
        "component": row["component"] or "",
        "fault_class": row["fault_class"] or "",
    }


def first_route(routes: Sequence[Route], facts: Facts, occasion: Occasion) -> Route | None:
    """The first route that is for this case."""
    return next((route for route in routes if matches(route, facts, occasion)), None)
