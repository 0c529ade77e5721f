"""What is made of whole hours: rates, forecasts and silences, judged when an hour is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from alerts.rules import RuleBook
from alerts.rules.judge import EXPECTED_FOR, Turn, judged, silence_raises, whole
from alerts.rules.measured import HOUR, AbsenceRule, ForecastRule, HourlyRule, RateRule
from alerts.rules.rule import Rule
from alerts.series import Relief, cursor, move_cursor, selectors, shown
from alerts.sign import Origin, Sign
from domain.fault import Fault
from domain.text import Value
from storage.database import Conn, Row
from storage.queries import load

SETTLES = timedelta(minutes=5)
"""An hour is judged so long after its end: then what came late is in its rollups."""

_CATCH_UP = timedelta(days=1)  # so many hours are judged one by one after an absence


def hours(conn: Conn, now: datetime, book: RuleBook) -> list[Sign | Relief]:
    """Judges the next hour that is over and not judged yet, as soon as its rollups stand."""
    newest, judged_until = last_hour(now - SETTLES), cursor(conn, "hours")
    hour = newest
    if judged_until is not None:
        hour = max(judged_until, newest - _CATCH_UP) + HOUR
    if hour > newest:
        return []
    waiting = conn.execute(load("rules")["hours_waiting"], {"hour": hour}).fetchone()
    if waiting is None or waiting["waiting"]:
        return []
    move_cursor(conn, "hours", hour)
    return list(_hour(conn, hour, book))


def _hour(conn: Conn, at: datetime, book: RuleBook) -> Iterator[Sign | Relief]:
    for rule in (*book.of_kind(RateRule), *book.of_kind(ForecastRule)):
        yield from _crossed(conn, at, rule)
    for silence in book.of_kind(AbsenceRule):
        yield from _silent(conn, at, silence)


def _crossed(conn: Conn, at: datetime, rule: HourlyRule) -> Iterator[Sign | Relief]:
    held = held_by(conn, rule)
    rows = conn.execute(load("rules")["crossings"], crossings(rule, at, at, list(held))).fetchall()
    for row in rows:
        turn = judged(rule, row["value"], held=row["device_id"] in held)
        if turn is Turn.RAISED:
            yield measured_sign(rule, row["device_id"], row["value"], at)
        elif turn is Turn.OVER:
            yield Relief(held[row["device_id"]], [rule.name], at, restored=True)


def _silent(conn: Conn, at: datetime, rule: AbsenceRule) -> Iterator[Sign | Relief]:
    held = held_by(conn, rule)
    rows = conn.execute(load("rules")["silences"], silences(rule, at, at, list(held))).fetchall()
    newest = [row for row in rows if row["next"] is None]
    parameters = {"devices": [row["device_id"] for row in newest], "at": at}
    states = {row["device_id"]: row for row in conn.execute(load("rules")["states_of"], parameters)}
    for row in newest:
        device_id, state = row["device_id"], states.get(row["device_id"])
        if device_id in held:
            if row["heard"] >= at:
                yield Relief(held[device_id], [rule.name], at, restored=True)
        elif state is not None and state["to_state"] == "up" and is_usual(rule, row["week"]):
            due = silence_raises(rule, row["heard"], state["at"])
            if due is not None and due <= at:
                yield silence_sign(rule, device_id, row["heard"], at)


def held_by(conn: Conn, rule: Rule) -> dict[int, int]:
    """The open alerts that hold the rule's condition, by device."""
    rows = conn.execute(load("rules")["held"], {"rule": rule.name}).fetchall()
    return {row["device_id"]: row["alert_id"] for row in rows}


def crossings(
    rule: HourlyRule,
    first: datetime,
    last: datetime,
    held: list[int],
    devices: list[int] | None = None,
) -> Row:
    """The parameters of the query `crossings`, for the ends of hours from `first` to `last`."""
    forecast = rule if isinstance(rule, ForecastRule) else None
    rate = rule if isinstance(rule, RateRule) else None
    return selectors(rule) | {
        "metric": rule.metric,
        "per": rate.per if rate else None,
        "ahead_h": forecast.ahead / HOUR if forecast else None,
        "fewest": rate.fewest if rate else ceil(whole(rule.window) / 2),
        "window": rule.window,
        "above": rule.above,
        "absolute": rule.absolute,
        "raise_at": rule.raise_at,
        "clear_at": rule.clear_at,
        "first": first,
        "last": last,
        "held": held,
        "devices": devices,
    }


def silences(
    rule: AbsenceRule,
    first: datetime,
    last: datetime,
    held: list[int],
    devices: list[int] | None = None,
) -> Row:
    """The parameters of the query `silences`, for the ends of hours from `first` to `last`."""
    return selectors(rule) | {
        "metric": rule.metric,
        "growth": rule.signal == "growth",
        "quiet": rule.quiet_for,
        "since": first - rule.quiet_for - EXPECTED_FOR,
        "last": last,
        "held": held,
        "devices": devices,
    }


def is_usual(rule: AbsenceRule, week: float) -> bool:
    """Whether what the signal grew in the week before makes it one that should come."""
    return rule.signal == "reading" or week * (rule.quiet_for / EXPECTED_FOR) >= rule.usual


def measured_sign(rule: HourlyRule, device_id: int, value: float, at: datetime) -> Sign:
    values: dict[str, Value] = {"value": shown(round(value, 1)), "limit": shown(rule.raise_at)}
    if isinstance(rule, ForecastRule):
        values["days"] = shown(round(rule.ahead / timedelta(days=1), 1))
    else:
        values["hours"] = whole(rule.window)
    return Sign(
        fault=Fault(device_id, rule.component, rule.fault_class),
        origin=Origin.FORECAST if isinstance(rule, ForecastRule) else Origin.RATE,
        rule=rule.name,
        severity=rule.severity,
        message=rule.message.text(values),
        at=at,
    )


def silence_sign(rule: AbsenceRule, device_id: int, heard: datetime, at: datetime) -> Sign:
    return Sign(
        fault=Fault(device_id, rule.component, rule.fault_class),
        origin=Origin.ABSENCE,
        rule=rule.name,
        severity=rule.severity,
        message=rule.message.text({"hours": whole(at - heard)}),
        at=at,
    )


def last_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
