"""What predictions and gauges say of faults: the signs that are read from series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.rules import (
    CALM_SCORINGS,
    PREDICTION,
    SETTLING,
    THRESHOLD_RULES,
    THRESHOLDS_EVERY,
    THRESHOLDS_LOOK_BACK,
)
from alerts.sign import Origin, Sign
from domain.fault import Fault, FaultClass
from domain.reason import Reason
from domain.report import Severity
from domain.text import N_, Text, Value
from storage.database import Conn, Row
from storage.queries import load

_FIRST_LOOK_BACK = timedelta(hours=1)
_CALM_BELOW = 0.5  # of the threshold


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


def predictions(conn: Conn, now: datetime) -> list[Sign | Relief]:
    """Judges the scorings since the last call: over the threshold, or calm for long enough."""
    after = cursor(conn, "predictions") or now - _FIRST_LOOK_BACK
    newest = conn.execute(
        load("alerts")["newest_prediction"], {"after": after, "now": now}
    ).fetchone()
    if newest is None or newest["at"] is None:
        return []
    move_cursor(conn, "predictions", newest["at"])
    rows = conn.execute(
        load("alerts")["new_predictions"],
        {
            "after": after,
            "until": newest["at"],
            "now": now,
            "rule": PREDICTION,
            "fault_class": FaultClass.BREAKDOWN,
            "settling": SETTLING,
        },
    ).fetchall()
    judged = [_judge_prediction(conn, row) for row in rows]
    return [one for one in judged if one is not None]


def gauges(conn: Conn, now: datetime) -> list[Sign | Relief]:
    """Holds the newest value of each gauge against its limits, every THRESHOLDS_EVERY."""
    last = cursor(conn, "thresholds")
    if last is not None and now < last + THRESHOLDS_EVERY:
        return []
    move_cursor(conn, "thresholds", now)
    since = now - THRESHOLDS_LOOK_BACK
    parameters = _rule_columns() | {"since": since, "now": now}
    rows = conn.execute(load("alerts")["gauges_over_limits"], parameters).fetchall()
    return [_gauge_sign(row) if row["breached"] else _gauge_relief(row) for row in rows]


def _judge_prediction(conn: Conn, row: Row) -> Sign | Relief | None:
    if row["probability"] >= row["threshold"]:
        return _prediction_sign(row)
    held = {"alert_id": row["held_by"], "rule": PREDICTION}
    if row["probability"] >= row["threshold"] * _CALM_BELOW:
        conn.execute(load("alerts")["stir"], held)
        return None
    calm = conn.execute(load("alerts")["calm_down"], held).fetchone()
    if calm is None or calm["calm"] < CALM_SCORINGS:
        return None
    return Relief(row["held_by"], [PREDICTION], row["at"], restored=False)


def _prediction_sign(row: Row) -> Sign:
    reasons = tuple(Reason.from_json(reason) for reason in row["reasons"])
    words: dict[str, Value] = {
        "hours": round(row["horizon_h"]),
        "percent": round(100 * row["probability"]),
    }
    message = Text(N_("Likely to fail within {hours} h ({percent} %)"), words)
    if reasons:
        why = {**words, "why": reasons[0].text}
        message = Text(N_("Likely to fail within {hours} h ({percent} %): {why}"), why)
    return Sign(
        fault=Fault(row["device_id"], row["component"], FaultClass.BREAKDOWN),
        origin=Origin.PREDICTION,
        rule=PREDICTION,
        severity=Severity.ERROR,
        message=message,
        at=row["at"],
        lasts=timedelta(hours=row["horizon_h"]),
        reasons=reasons,
        probability=row["probability"],
    )


def _gauge_sign(row: Row) -> Sign:
    rule = THRESHOLD_RULES[row["rule"]]
    return Sign(
        fault=Fault(row["device_id"], rule.component, rule.fault_class),
        origin=Origin.THRESHOLD,
        rule=rule.name,
        severity=rule.severity,
        message=Text(rule.message, {"value": round(row["value"], 1), "limit": rule.raise_at}),
        at=row["at"],
    )


def _gauge_relief(row: Row) -> Relief:
    return Relief(row["held_by"], [row["rule"]], row["at"], restored=True)


def _rule_columns() -> Row:
    rules = list(THRESHOLD_RULES.values())
    return {
        "names": [rule.name for rule in rules],
        "metrics": [rule.metric for rule in rules],
        "components": [rule.component for rule in rules],
        "classes": [rule.fault_class.value for rule in rules],
        "raise_at": [float(rule.raise_at) for rule in rules],
        "clear_at": [float(rule.clear_at) for rule in rules],
        "above": [rule.above for rule in rules],
        "absolute": [rule.absolute for rule in rules],
    }


def cursor(conn: Conn, name: str) -> datetime | None:
    row = conn.execute(load("alerts")["read_cursor"], {"name": name}).fetchone()
    return row["at"] if row else None


def move_cursor(conn: Conn, name: str, at: datetime) -> None:
    conn.execute(load("alerts")["write_cursor"], {"name": name, "at": at})
