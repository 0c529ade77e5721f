"""What predictions and gauges say of faults: the signs that are read from series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from alerts.rules import RuleBook
from alerts.rules.rule import PredictionRule, Subject, ThresholdRule
from alerts.sign import Origin, Sign
from domain.fault import Fault, FaultClass
from domain.reason import Reason
from domain.text import Value
from storage.database import Conn, Row
from storage.queries import load

LOOK_EVERY = timedelta(minutes=1)
"""How often gauges are held against their limits."""

LOOK_BACK = timedelta(hours=3)
"""A gauge that was last heard longer ago says nothing of the present."""

_FIRST_LOOK_BACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Relief:
    """Conditions that are over.

    Attributes:
        rules: whose conditions; None: all of the alert's.
        restored: the component is known to work again, rather than merely not complaining.
    """

    alert_id: int
    rules: list[str] | None
    at: datetime
    restored: bool


def predictions(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """Judges the scorings since the last call: over the threshold, or calm for long enough."""
    after = cursor(conn, "predictions") or now - _FIRST_LOOK_BACK
    newest = conn.execute(
        load("rules")["newest_prediction"], {"after": after, "now": now}
    ).fetchone()
    if newest is None or newest["at"] is None:
        return []
    move_cursor(conn, "predictions", newest["at"])
    rows = conn.execute(
        load("rules")["new_predictions"],
        {
            "after": after,
            "until": newest["at"],
            "now": now,
            "fault_class": FaultClass.BREAKDOWN,
        },
    ).fetchall()
    judged = [_judge_prediction(conn, row, book) for row in rows]
    return [one for one in judged if one is not None]


def gauges(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """Holds the newest value of each gauge against its limits, every LOOK_EVERY."""
    last = cursor(conn, "thresholds")
    if last is not None and now < last + LOOK_EVERY:
        return []
    move_cursor(conn, "thresholds", now)
    rules = {rule.name: rule for rule in book.of_kind(ThresholdRule)}
    told = Jsonb([_as_row(rule) for rule in rules.values()])
    parameters = {"rules": told, "since": now - LOOK_BACK, "now": now}
    rows = conn.execute(load("rules")["gauges_over_limits"], parameters).fetchall()
    return [
        _gauge_sign(row, rules[row["rule"]]) if row["breached"] else _gauge_relief(row)
        for row in rows
    ]


def subject(row: Row) -> Subject:
    return Subject(row["kind"], row["model"], row["site"])


def settling(row: Row, span: timedelta) -> bool:
    """Whether work on the component is so fresh that its series still speak of before."""
    return row["settles_from"] is not None and row["settles_from"] > row["at"] - span


def shown(limit: float) -> float:
    """A limit as people write it: 90, not 90.0."""
    return int(limit) if limit == int(limit) else limit


def _judge_prediction(conn: Conn, row: Row, book: RuleBook) -> Sign | Relief | None:
    device = subject(row)
    if row["held_by"] is None:
        rule = book.prediction_rule(row["component"], row["probability"], device)
        if rule is None or settling(row, rule.settling):
            return None
        return _prediction_sign(row, rule)
    held = book.by_name.get(row["held_rule"])
    if not isinstance(held, PredictionRule) or settling(row, held.settling):
        return None
    calm = row["calm"] + 1 if row["probability"] < row["threshold"] * held.calm_below else 0
    parameters = {"alert_id": row["held_by"], "rule": held.name, "calm": calm}
    conn.execute(load("rules")["count_calm"], parameters)
    if calm < held.calm_scorings:
        return None
    return Relief(row["held_by"], [held.name], row["at"], restored=False)


def _prediction_sign(row: Row, rule: PredictionRule) -> Sign:
    reasons = tuple(Reason.from_json(reason) for reason in row["reasons"])
    words: dict[str, Value] = {
        "hours": round(row["horizon_h"]),
        "percent": round(100 * row["probability"]),
    }
    message = rule.message.text(words)
    if reasons:
        message = rule.message_why.text({**words, "why": reasons[0].text})
    return Sign(
        fault=Fault(row["device_id"], row["component"], FaultClass.BREAKDOWN),
        origin=Origin.PREDICTION,
        rule=rule.name,
        severity=rule.severity,
        message=message,
        at=row["at"],
        lasts=timedelta(hours=row["horizon_h"]),
        reasons=reasons,
        probability=row["probability"],
    )


def _gauge_sign(row: Row, rule: ThresholdRule) -> Sign:
    return Sign(
        fault=Fault(row["device_id"], rule.component, rule.fault_class),
        origin=Origin.THRESHOLD,
        rule=rule.name,
        severity=rule.severity,
        message=rule.message.text({"value": round(row["value"], 1), "limit": shown(rule.raise_at)}),
        at=row["at"],
    )


def _gauge_relief(row: Row) -> Relief:
    return Relief(row["held_by"], [row["rule"]], row["at"], restored=True)


def _as_row(rule: ThresholdRule) -> Row:
    return {
        "name": rule.name,
        "metric": rule.metric,
        "component": rule.component,
        "fault_class": rule.fault_class,
        "raise_at": rule.raise_at,
        "clear_at": rule.clear_at,
        "above": rule.above,
        "absolute": rule.absolute,
        "kinds": rule.kinds,
        "models": rule.models,
        "sites": rule.sites,
    }


def cursor(conn: Conn, name: str) -> datetime | None:
    row = conn.execute(load("rules")["read_cursor"], {"name": name}).fetchone()
    return row["at"] if row else None


def move_cursor(conn: Conn, name: str, at: datetime) -> None:
    conn.execute(load("rules")["write_cursor"], {"name": name, "at": at})
