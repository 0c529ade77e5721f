"""What predictions and gauges say of faults: the signs that are read from series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from alerts.holdout import acted_upon
from alerts.rules import RuleBook
from alerts.rules.judge import LOOK_BACK, Reading, Turn, breached_since, judged_reading, last_minute
from alerts.rules.measured import ThresholdRule
from alerts.rules.rule import PredictionRule, Rule, Subject, parted
from alerts.sign import Origin, Sign
from domain.fault import Fault, FaultClass
from domain.reason import Reason
from domain.text import Value
from storage.database import Conn, Row
from storage.queries import load

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
    signs = [one for one in judged if isinstance(one, Sign)]
    reliefs = [one for one in judged if isinstance(one, Relief)]
    return [*acted_upon(conn, now, signs), *reliefs]


def gauges(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """Judges the newest value of each gauge that has a limit, at each full minute."""
    minute, last = last_minute(now), cursor(conn, "thresholds")
    if last is not None and last >= minute:
        return []
    move_cursor(conn, "thresholds", minute)
    rules = {rule.name: rule for rule in book.of_kind(ThresholdRule)}
    told = Jsonb([_as_row(rule) for rule in rules.values()])
    parameters = {"rules": told, "since": minute - LOOK_BACK, "now": minute}
    rows = conn.execute(load("rules")["gauges_beyond_limits"], parameters).fetchall()
    runs = _readings_before(conn, [(row, rules[row["rule"]]) for row in rows])
    judged = (
        _judge_gauge(row, rules[row["rule"]], run) for row, run in zip(rows, runs, strict=True)
    )
    return [one for one in judged if one is not None]


def _readings_before(
    conn: Conn, wanted: Sequence[tuple[Row, ThresholdRule]]
) -> list[list[Reading]]:
    """The readings that say how long each breach has lasted, where that matters."""
    asked = [
        (nth, row, rule)
        for nth, (row, rule) in enumerate(wanted)
        if rule.held_for and row["held_by"] is None
    ]
    found: list[list[Reading]] = [[] for _ in wanted]
    if asked:
        parameters = {
            "devices": [row["device_id"] for _, row, _ in asked],
            "metrics": [rule.metric for _, _, rule in asked],
            "since": [row["at"] - rule.held_for - LOOK_BACK for _, row, rule in asked],
            "until": [row["at"] for _, row, _ in asked],
        }
        for row in conn.execute(load("rules")["readings_before"], parameters):
            found[asked[row["nth"] - 1][0]].append(Reading(row["at"], row["value"]))
    return found


def _judge_gauge(row: Row, rule: ThresholdRule, before: list[Reading]) -> Sign | Relief | None:
    newest = Reading(row["at"], row["value"])
    since = breached_since(rule, newest, before)
    turn = judged_reading(rule, newest, since, held=row["held_by"] is not None)
    if turn is Turn.RAISED:
        return gauge_sign(rule, row["device_id"], newest)
    if turn is Turn.OVER:
        return Relief(row["held_by"], [rule.name], row["at"], restored=True)
    return None


def subject(row: Row) -> Subject:
    return Subject(row["kind"], row["model"], row["site"])


def settling(row: Row, span: timedelta) -> bool:
    """Whether work on the component is so fresh that its series still speak of before."""
    return row["settles_from"] is not None and row["settles_from"] > row["at"] - span


def shown(limit: float) -> float:
    """A limit as people write it: 90, not 90.0."""
    return int(limit) if limit == int(limit) else limit


def _judge_prediction(conn: Conn, row: Row, book: RuleBook) -> Sign | Relief | None:
    said = weighed(row, book)
    if not isinstance(said, Calm):
        return said
    parameters = {"alert_id": row["held_by"], "rule": row["held_rule"], "calm": said.scorings}
    conn.execute(load("rules")["count_calm"], parameters)
    if not said.enough:
        return None
    return Relief(row["held_by"], [row["held_rule"]], row["at"], restored=False)


@dataclass(frozen=True, slots=True)
class Calm:
    """So many scorings in a row were calm; `enough`: they end the condition."""

    scorings: int
    enough: bool


def weighed(row: Row, book: RuleBook) -> Sign | Calm | None:
    """What a scoring says: over its threshold (`held_by` is None), or of a condition that it holds."""
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
    return Calm(calm, calm >= held.calm_scorings)


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


def gauge_sign(rule: ThresholdRule, device_id: int, newest: Reading) -> Sign:
    values: dict[str, Value] = {"value": round(newest.value, 1), "limit": shown(rule.raise_at)}
    return Sign(
        fault=Fault(device_id, rule.component, rule.fault_class),
        origin=Origin.THRESHOLD,
        rule=rule.name,
        severity=rule.severity,
        message=rule.message.text(values),
        at=newest.at,
    )


def _as_row(rule: ThresholdRule) -> Row:
    return selectors(rule) | {
        "name": rule.name,
        "metric": rule.metric,
        "component": rule.component,
        "fault_class": rule.fault_class,
        "raise_at": rule.raise_at,
        "clear_at": rule.clear_at,
        "above": rule.above,
        "absolute": rule.absolute,
    }


def selectors(rule: Rule) -> Row:
    """The devices that the rule is meant for, as queries select them."""
    found: Row = {}
    for key in ("kinds", "models", "sites"):
        found[key], found[f"not_{key}"] = parted(getattr(rule, key))
    return found


def cursor(conn: Conn, name: str) -> datetime | None:
    row = conn.execute(load("rules")["read_cursor"], {"name": name}).fetchone()
    return row["at"] if row else None


def move_cursor(conn: Conn, name: str, at: datetime) -> None:
    conn.execute(load("rules")["write_cursor"], {"name": name, "at": at})
