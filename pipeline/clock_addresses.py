"""Clocks are known by their serial numbers, not by their addresses: DHCP moves them, people swap them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from collectors.zkteco.fleet import Answer, Outcome
from collectors.zkteco.job import Failure
from collectors.zkteco.reporting import failed
from domain.report import Contact, DeviceReport, EventReport, Severity
from storage.database import Conn, Row
from storage.queries import load

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sorted:
    """Outcomes of which each is of its own device, and what is to be said of the others."""

    outcomes: Sequence[Outcome]
    findings: Sequence[DeviceReport]


def sort_out(conn: Conn, outcomes: Sequence[Outcome], now: datetime) -> Sorted:
    """Refuses what the clock of another device answered: nothing of it enters the wrong history.

    If that device is not found at its own address, the two exchange their addresses: so a swap, and
    a move into another's place, are mended by the next polls. Locks the rows that it changes.
    """
    answers = {
        outcome.target.device_id: outcome.result.serial
        for outcome in outcomes
        if isinstance(outcome.result, Answer) and outcome.result.serial != outcome.target.serial
    }
    values = {"devices": list(answers), "serials": list(answers.values())}
    rows = conn.execute(load("clock_fleet")["strangers"], values) if answers else ()
    strangers = {row["device_id"]: row for row in rows}
    kept, findings = [], []
    for outcome in outcomes:
        row = strangers.get(outcome.target.device_id)
        if row is None:
            kept.append(outcome)
            continue
        kept.append(_refused(outcome, row, now))
        findings += _finding(outcome, row, now)
        _exchange(conn, row, now)
    return Sorted(kept, findings)


def _refused(outcome: Outcome, row: Row, now: datetime) -> Outcome:
    message = f"the clock {row['serial']} of {row['owner_key']} answers at {outcome.target.address}"
    _log.warning("another device's clock answers", device=outcome.target.device_key, why=message)
    return failed(outcome.target, Failure("stranger", message), now, now)


def _finding(outcome: Outcome, row: Row, now: datetime) -> list[DeviceReport]:
    if row["stranger"] == row["serial"]:
        return []  # it was said before
    event = EventReport("device", "x.SerialChanged", Severity.ERROR, "", row["serial"])
    # Not the device itself spoke: whether it is up is told by its own polls.
    contact = Contact(is_will=True)
    key = outcome.target.device_key
    return [DeviceReport(key, now, now, contact=contact, events=[event])]


def _exchange(conn: Conn, row: Row, now: datetime) -> None:
    queries = load("clock_fleet")
    pair = {"device_id": row["device_id"], "owner_id": row["owner_id"], "now": now}
    conn.execute(queries["meet_stranger"], pair | {"serial": row["serial"]})
    if conn.execute(queries["lock_astray"], pair).fetchone():
        conn.execute(queries["exchange_addresses"], pair)
        _log.warning(
            "two clocks exchange their addresses", clocks=[row["device_id"], row["owner_id"]]
        )
