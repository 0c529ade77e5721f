"""What is unusual, and what runs out: the signs of devices without a failure on record."""

from __future__ import annotations

from datetime import datetime

from alerts.rules import (
    ANOMALY,
    ANOMALY_LASTS,
    ANOMALY_SEVERITY,
    CONSUMABLE,
    SETTLING,
    THRESHOLD_RULES,
    THRESHOLDS_EVERY,
)
from alerts.series import Relief, cursor, move_cursor
from alerts.sign import Origin, Sign
from domain.fault import Fault, FaultClass
from domain.reason import Reason
from domain.report import Severity
from domain.text import N_, Text
from domain.vocabulary import metric
from storage.database import Conn, Row
from storage.queries import load


def anomalies(conn: Conn, now: datetime) -> list[Sign]:
    """The anomalies since the last call, but for components of which worse is known already."""
    after = cursor(conn, "anomalies") or now - ANOMALY_LASTS
    rows = conn.execute(
        load("alerts")["new_anomalies"],
        {"after": after, "now": now, "settling": SETTLING, "fault_class": FaultClass.DEGRADED},
    ).fetchall()
    if rows:
        move_cursor(conn, "anomalies", max(row["at"] for row in rows))
    return [_anomaly_sign(row) for row in rows]


def supplies(conn: Conn, now: datetime) -> list[Sign | Relief]:
    """Supplies that, at worst, end before somebody comes by; and those that no longer do. Looked at
    every THRESHOLDS_EVERY."""
    last = cursor(conn, "supplies")
    if last is not None and now < last + THRESHOLDS_EVERY:
        return []
    move_cursor(conn, "supplies", now)
    rows = conn.execute(
        load("alerts")["supplies"],
        {"now": now, "rule": CONSUMABLE, **_classes()},
    ).fetchall()
    return [
        _supply_sign(row)
        if row["short"]
        else Relief(row["held_by"], [f"{CONSUMABLE}:{row['metric']}"], row["at"], restored=True)
        for row in rows
    ]


def _classes() -> dict[str, list[str]]:
    """The class of each metric's fault: that of the rule which has a limit on it, so that both are
    one case."""
    of_rules = {rule.metric: rule.fault_class for rule in THRESHOLD_RULES.values()}
    return {
        "metrics": list(of_rules),
        "classes": [of_rules[name].value for name in of_rules],
    }


def _anomaly_sign(row: Row) -> Sign:
    reasons = tuple(Reason.from_json(reason) for reason in row["reasons"])
    message = Text(N_("It works otherwise than it did and than its peers do"))
    if reasons:
        message = Text(N_("Unusual: {why}"), {"why": reasons[0].text})
    return Sign(
        fault=Fault(row["device_id"], row["component"], FaultClass.DEGRADED),
        origin=Origin.ANOMALY,
        rule=ANOMALY,
        severity=ANOMALY_SEVERITY,
        message=message,
        at=row["at"],
        lasts=ANOMALY_LASTS,
        reasons=reasons,
    )


def _supply_sign(row: Row) -> Sign:
    label = metric(row["metric"]).label
    hours = max(0, round((row["early"] - row["at"]).total_seconds() / 3600))
    template = (
        N_("{label}: may be empty in {days} days, before somebody is expected")
        if row["edge"] == 0
        else N_("{label}: may be full in {days} days, before somebody is expected")
    )
    return Sign(
        fault=Fault(row["device_id"], row["component"], FaultClass(row["fault_class"])),
        origin=Origin.CONSUMABLE,
        rule=f"{CONSUMABLE}:{row['metric']}",
        severity=Severity.WARNING,
        message=Text(template, {"label": label, "days": round(hours / 24, 1)}),
        at=row["at"],
    )
