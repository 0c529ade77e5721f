"""Judges what is new - events, state changes, predictions, gauges - in one transaction.

The transaction that takes a sign from `pending_sign` is the one that raises the alert and opens the
ticket: a process that is killed in between has done neither, and the next one does both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts import board
from alerts.desk_port import CaseDesk
from alerts.heard import hear
from alerts.identity import OpenAlert, Pending, down_sign, event_sign
from alerts.rules import ALERT_KEPT, RuleBook, RuleBooks, shipped
from alerts.rules.rule import Subject
from alerts.series import Relief
from alerts.sign import Origin, Sign
from domain.clock import Clock
from domain.device import DeviceState
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import N_, Text
from domain.vocabulary import DEVICE
from storage.database import Conn, Database, Row
from storage.queries import load

_BATCH = 500
"""Signs a transaction: so many are judged quickly enough that nobody waits long for their rows."""


def evaluate(database: Database, clock: Clock, desk: CaseDesk, books: RuleBooks) -> int:
    """Judges everything new by the book in force, and returns how many signs spoke of a fault or
    of its end.

    Evaluators take turns: one that finds another at work returns at once. So the signs of one
    device are judged in the order in which they were stored.

    Raises StoreUnavailableError; what was not judged yet is judged by the next call.
    """
    judged = 0
    book = books.current()
    while True:
        with database.transaction() as conn:
            turn = conn.execute(load("alerts")["take_turn"]).fetchone()
            if turn is None or not turn["mine"]:
                return judged
            judge = _Judge(conn, desk, clock.now(), book)
            spoke, more = judge.hear_pending()
            judged += spoke
            if not more:
                return judged + judge.hear_series() + judge.lapse()


def record_failure(
    conn: Conn, now: datetime, desk: CaseDesk, fault: Fault, at: datetime, source: str
) -> None:
    """A failure that is known from records, not from a sign: it opens or joins the fault's case.

    `source` says where it was recorded; it is kept in `failure` (see the schema).
    """
    sign = Sign(
        fault=fault,
        origin=Origin.EVENT,
        rule=f"record:{source}",
        severity=Severity.CRITICAL,
        message=Text(N_("A failure was recorded")),
        at=at,
        failed=True,
    )
    _Judge(conn, desk, now, shipped()).hear(sign, source)


@dataclass(frozen=True, slots=True)
class _Judge:
    """One round: everything in one transaction, as of one moment."""

    conn: Conn
    desk: CaseDesk
    now: datetime
    book: RuleBook

    def hear_pending(self) -> tuple[int, bool]:
        """Judges one batch; returns how many signs spoke of a fault, and whether more wait."""
        rows = self.conn.execute(load("alerts")["take_pending"], {"limit": _BATCH}).fetchall()
        adopted = [row for row in rows if row.pop("adopted")]
        spoke = sum(self._judge(_pending(row)) for row in adopted)
        return spoke, len(rows) == _BATCH

    def hear_series(self) -> int:
        return self._each(hear(self.conn, self.now, self.book))

    def lapse(self) -> int:
        """Ends the conditions whose sign was not repeated, and alerts that nobody waits for."""
        expired = self.conn.execute(
            load("alerts")["expired_conditions"], {"now": self.now}
        ).fetchall()
        for row in expired:
            self._relieve(Relief(row["alert_id"], row["rules"], self.now, restored=False))
        forgotten = self.conn.execute(
            load("alerts")["forgotten"], {"before": self.now - ALERT_KEPT}
        ).fetchall()
        for row in forgotten:
            board.settle(self.conn, row["id"], self.now, board.SYSTEM)
        return len(expired)

    def hear(self, sign: Sign, source: str) -> None:
        alert_id, news = board.raise_or_join(self.conn, sign, self.now)
        if news.broke and sign.fault.fault_class is FaultClass.BREAKDOWN:
            self._record_failure(sign, source)
        if news:
            self.desk.sign(self.conn, alert_id, sign, news)

    def _judge(self, pending: Pending) -> int:
        if pending.kind == "transition":
            return self._each(self._of_transition(pending))
        return self._each(self._of_event(pending))

    def _each(self, found: Iterable[Sign | Relief]) -> int:
        count = 0
        for one in found:
            count += 1
            if isinstance(one, Sign):
                self.hear(one, one.origin)
            else:
                self._relieve(one)
        return count

    def _of_transition(self, pending: Pending) -> Sequence[Sign | Relief]:
        if pending.to_state == DeviceState.DOWN:
            sign = down_sign(pending, self._open_alerts(pending.device_id), self.book)
            return [] if sign is None else [sign]
        if pending.to_state == DeviceState.UP:
            rows = self.conn.execute(
                load("alerts")["down_alerts"], {"device_id": pending.device_id}
            ).fetchall()
            # What took the device down works again, whatever else was said of it.
            return [Relief(row["id"], None, pending.at, restored=True) for row in rows]
        return []  # unwatched: nothing is known of it

    def _of_event(self, pending: Pending) -> Sequence[Sign | Relief]:
        sign = event_sign(pending, self.book)
        if sign is not None:
            return [sign]
        rules = list(self.book.ended_by(pending.code))
        if not rules:
            return []
        rows = self.conn.execute(
            load("alerts")["alerts_held_by"],
            {
                "device_id": pending.device_id,
                "component": pending.component or DEVICE,
                "rules": rules,
            },
        ).fetchall()
        return [Relief(row["id"], rules, pending.at, restored=True) for row in rows]

    def _relieve(self, relief: Relief) -> None:
        fault = board.relieve(self.conn, relief.alert_id, relief.rules, relief.at)
        if fault is not None:
            self.desk.returned(self.conn, fault, relief.at, restored=relief.restored)
            board.close_if_over(self.conn, relief.alert_id, self.now)

    def _open_alerts(self, device_id: int) -> list[OpenAlert]:
        rows = self.conn.execute(
            load("alerts")["open_of_device"], {"device_id": device_id, "now": self.now}
        ).fetchall()
        return [
            OpenAlert(
                row["component"], FaultClass(row["fault_class"]), row["foretold"], row["active"]
            )
            for row in rows
        ]

    def _record_failure(self, sign: Sign, source: str) -> None:
        self.conn.execute(
            load("alerts")["record_failure"],
            {
                "device_id": sign.fault.device_id,
                "component": sign.fault.component,
                "at": sign.at,
                "now": self.now,
                "source": source,
            },
        )


def _pending(row: Row) -> Pending:
    device = Subject(row.pop("device_kind"), row.pop("model"), row.pop("site"))
    return Pending(**row, device=device)
