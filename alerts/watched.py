"""What is unusual, and what runs out: the signs of devices without a failure on record."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.rules import RuleBook
from alerts.rules.judge import LOOK_EVERY
from alerts.rules.measured import ThresholdRule
from alerts.series import Relief, cursor, move_cursor, settling, subject
from alerts.sign import Origin, Sign
from domain.fault import Fault, FaultClass
from domain.reason import Reason
from domain.vocabulary import metric
from storage.database import Conn, Row
from storage.queries import load

_FIRST_LOOK_BACK = timedelta(hours=13)


def anomalies(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """The anomalies since the last call, but for components of which worse is known already."""
    after = cursor(conn, "anomalies") or now - _FIRST_LOOK_BACK
    rows = conn.execute(
        load("rules")["new_anomalies"],
        {"after": after, "now": now, "fault_class": FaultClass.DEGRADED},
    ).fetchall()
    if rows:
        move_cursor(conn, "anomalies", max(row["at"] for row in rows))
    return [sign for row in rows if (sign := anomaly_sign(row, book)) is not None]


def supplies(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """Supplies that, at worst, end before somebody comes by; and those that no longer do. Looked at
    every LOOK_EVERY."""
    last = cursor(conn, "supplies")
    if last is not None and now < last + LOOK_EVERY:
        return []
    move_cursor(conn, "supplies", now)
    limits = {rule.metric for rule in book.of_kind(ThresholdRule)}
    classes = {name: book.class_of(name) for name in sorted(limits)}
    parameters = {"now": now, "metrics": list(classes), "classes": list(classes.values())}
    rows = conn.execute(load("rules")["supplies"], parameters).fetchall()
    judged = (_judge_supply(row, book) for row in rows)
    return [one for one in judged if one is not None]


def anomaly_sign(row: Row, book: RuleBook) -> Sign | None:
    rule = book.anomaly_rule(row["component"], subject(row))
    if rule is None or settling(row, rule.settling):
        return None
    reasons = tuple(Reason.from_json(reason) for reason in row["reasons"])
    message = rule.message.text({})
    if reasons:
        message = rule.message_why.text({"why": reasons[0].text})
    return Sign(
        fault=Fault(row["device_id"], row["component"], FaultClass.DEGRADED),
        origin=Origin.ANOMALY,
        rule=rule.name,
        severity=rule.severity,
        message=message,
        at=row["at"],
        lasts=rule.lasts,
        reasons=reasons,
    )


def _judge_supply(row: Row, book: RuleBook) -> Sign | Relief | None:
    if not row["short"]:
        return Relief(row["held_by"], [row["held_rule"]], row["at"], restored=True)
    return supply_sign(row, book)


def supply_sign(row: Row, book: RuleBook) -> Sign | None:
    rule = book.supply_rule(row["metric"], subject(row))
    if rule is None:
        return None
    hours = max(0, round((row["early"] - row["at"]).total_seconds() / 3600))
    message = rule.message if row["edge"] == 0 else rule.message_full
    return Sign(
        fault=Fault(row["device_id"], row["component"], FaultClass(row["fault_class"])),
        origin=Origin.CONSUMABLE,
        rule=f"{rule.name}:{row['metric']}",
        severity=rule.severity,
        message=message.text({"label": metric(row["metric"]).label, "days": round(hours / 24, 1)}),
        at=row["at"],
    )
