"""What signs do to alerts, many at once: the database's constraint decides which one they are of.

Each call is a handful of statements for any number of faults. A fault stands in it once at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts import steps
from alerts.desk_port import Heard, Returned
from alerts.lifecycle import (
    CALM_AFTER,
    FLAPPING_RETURNS,
    FLAPPING_WITHIN,
    AlertState,
    allowed,
    step,
)
from alerts.rules import CASE_SEVERITY
from alerts.series import Relief
from alerts.sign import Sign
from alerts.steps import Alert, Change, alert_of
from domain.fault import Fault
from domain.text import N_, Text
from storage.database import Conn, Row
from storage.queries import load
from storage.rows import as_ids, as_rows

STEADY = timedelta(minutes=10)
"""A flapping fault is told again, and gets a case if it has none, once it has stayed for so long."""

PART_OF = N_("Part of batch {id}")

Hold = Callable[[Sign], datetime]
"""Until when the news of a sign waits."""


@dataclass(frozen=True, slots=True)
class News:
    """What a sign changed in its alert.

    Attributes:
        fresh: the alert did not have this condition before.
        broke: the component was not known to have failed before.
    """

    fresh: bool
    broke: bool

    def __bool__(self) -> bool:
        return self.fresh or self.broke


@dataclass(frozen=True, slots=True)
class Raised:
    """A sign on its alert.

    Attributes:
        alert: as it is now; its row is locked.
        opened: this sign opened it.
        came: the fault was not active before.
    """

    alert: Alert
    sign: Sign
    news: News
    opened: bool
    came: bool
    damped: bool

    @property
    def joined_batch(self) -> bool:
        """Whether it was opened as part of a batch."""
        return self.opened and self.alert.state.held_back

    @property
    def heard(self) -> Heard:
        return Heard(self.alert.id, self.sign, self.news.broke, self.damped)


def raise_or_join(
    conn: Conn,
    signs: Sequence[Sign],
    now: datetime,
    hold: Hold,
    batches: Mapping[Fault, int],
) -> list[Raised]:
    """Puts each sign on its fault's open alert, opening those that are missing: as members of one of
    `batches` where they belong to it."""
    if not signs:
        return []
    by_fault = {_key(sign.fault): sign for sign in signs}
    told = {"now": now, "actor": steps.SYSTEM}
    told["rows"] = as_rows(_sign_row(sign, hold, batches.get(sign.fault)) for sign in signs)
    rows = conn.execute(load("board")["raise_or_join"], told).fetchall()
    found = [
        (row, by_fault[row["device_id"], row["component"], row["fault_class"]]) for row in rows
    ]
    news = _hold_conditions(conn, [(row, sign) for row, sign in found if not row["opened"]])
    raised = [_raised(row, sign, news.get(row["id"])) for row, sign in found]
    _lead(conn, [one for one in raised if not one.opened])
    came_again = [one for one in raised if one.came and not one.opened]
    again = steps.take(conn, [_coming_again(one, now, hold) for one in came_again])
    after = {alert.id: alert for alert in again}
    return [
        replace(one, alert=after[one.alert.id]) if one.alert.id in after else one for one in raised
    ]


def relieve(conn: Conn, reliefs: Sequence[Relief]) -> list[Returned]:
    """Ends conditions; returns the alerts that have none left and thereby returned."""
    if not reliefs:
        return []
    alerts = steps.lock(conn, {relief.alert_id for relief in reliefs})
    conn.execute(load("board")["end_conditions"], _ended(reliefs))
    rows = conn.execute(
        load("board")["holding"], {"alert_ids": [alert.id for alert in alerts]}
    ).fetchall()
    holding = {row["alert_id"] for row in rows}
    last = {relief.alert_id: relief for relief in reliefs}
    gone = [alert for alert in alerts if alert.active and alert.id not in holding]
    steps.take(conn, [Change(alert, "return", last[alert.id].at) for alert in gone])
    return [
        Returned(alert.id, alert.fault, last[alert.id].at, last[alert.id].restored)
        for alert in gone
        if not alert.flapping
    ]


def dampen(conn: Conn, alert_ids: Sequence[int], now: datetime) -> list[Alert]:
    """Marks those of the alerts as flapping whose fault came and went too often not long ago; returns
    them."""
    if not alert_ids:
        return []
    parameters = {
        "alert_ids": list(alert_ids),
        "since": now - FLAPPING_WITHIN,
        "times": FLAPPING_RETURNS,
    }
    found = conn.execute(load("board")["flappers"], parameters).fetchall()
    alerts = steps.lock(conn, [row["id"] for row in found])
    return steps.take(
        conn, [Change(alert, "flap", now, held_until=now + STEADY) for alert in alerts]
    )


def calm(conn: Conn, now: datetime) -> tuple[list[Alert], list[Returned]]:
    """Takes the mark from faults that have stayed as they are; returns all of them, and those that are
    gone."""
    found = conn.execute(load("board")["calmed"], {"since": now - CALM_AFTER}).fetchall()
    restored = {row["id"]: row["origin"] == "transition" for row in found}
    alerts = steps.lock(conn, restored)
    calmed = steps.take(conn, [Change(alert, "calm", now) for alert in alerts])
    gone = [
        Returned(alert.id, alert.fault, now, restored[alert.id])
        for alert in calmed
        if not alert.active
    ]
    return calmed, gone


def _raised(row: Row, sign: Sign, news: News | None) -> Raised:
    """`news` of an alert that was there before; of one that this sign opens all is news."""
    alert = alert_of(row)
    came = row["opened"] or (not alert.active and allowed("raise", alert.state))
    said = News(fresh=True, broke=sign.failed) if news is None else news
    return Raised(alert, sign, said, row["opened"], came, damped=alert.flapping)


def _coming_again(one: Raised, now: datetime, hold: Hold) -> Change:
    until = now + STEADY if one.alert.flapping else hold(one.sign)
    return Change(one.alert, "raise", now, held_until=until)


def _sign_row(sign: Sign, hold: Hold, batch_id: int | None) -> Row:
    """A sign, and how the alert begins that it may open: as a member of a batch, or not."""
    name = "raise" if batch_id is None else "raise_suppressed"
    return {
        "device_id": sign.fault.device_id,
        "component": sign.fault.component,
        "fault_class": sign.fault.fault_class,
        "severity": sign.severity,
        "origin": sign.origin,
        "rule": sign.rule,
        "failed": sign.failed,
        "message": sign.message.to_json(),
        "reasons": [reason.to_json() for reason in sign.reasons],
        "probability": sign.probability,
        "foretold_until": sign.foretold_until,
        "at": sign.at,
        "expires_at": sign.expires_at,
        "wants_case": sign.severity.rank >= CASE_SEVERITY.rank,
        "held_until": hold(sign) if batch_id is None else None,
        "batch_id": batch_id,
        "step": name,
        "state": step(name, AlertState.NORMAL).target,
        "cause": None if batch_id is None else Text(PART_OF, {"id": batch_id}).to_json(),
    }


def _hold_conditions(conn: Conn, found: Sequence[tuple[Row, Sign]]) -> dict[int, News]:
    if not found:
        return {}
    conditions = {
        "known_ids": as_ids(row["id"] for row, _ in found),
        "rows": as_rows(_condition(row["id"], sign) for row, sign in found),
    }
    rows = conn.execute(load("board")["hold_conditions"], conditions).fetchall()
    failed = {row["id"] for row, sign in found if sign.failed}
    return {
        row["alert_id"]: News(
            fresh=row["fresh"],
            broke=row["alert_id"] in failed and not row["failed_before"],
        )
        for row in rows
    }


def _condition(alert_id: int, sign: Sign) -> Row:
    return {
        "alert_id": alert_id,
        "rule": sign.rule,
        "origin": sign.origin,
        "failed": sign.failed,
        "at": sign.at,
        "expires_at": sign.expires_at,
    }


def _lead(conn: Conn, raised: Sequence[Raised]) -> None:
    # The headline follows what is new and no milder; a repeat only counts.
    leading = [
        one
        for one in raised
        if one.news and (one.sign.severity.rank >= one.alert.severity.rank or not one.alert.active)
    ]
    if leading:
        conn.execute(
            load("board")["lead"],
            {
                "alert_ids": [one.alert.id for one in leading],
                "severities": [one.sign.severity for one in leading],
                "messages": [_message(one.sign) for one in leading],
            },
        )


def _message(sign: Sign) -> str:
    return json.dumps(sign.message.to_json())


def _ended(reliefs: Sequence[Relief]) -> Row:
    pairs = [
        (relief.alert_id, rule)
        for relief in reliefs
        for rule in (relief.rules if relief.rules is not None else [None])
    ]
    return {"alert_ids": [pair[0] for pair in pairs], "rules": [pair[1] for pair in pairs]}


def _key(fault: Fault) -> tuple[int, str, str]:
    return fault.device_id, fault.component, fault.fault_class
