"""Judges what is new - events, state changes, predictions, gauges - many signs in one transaction.

The transaction that takes a sign from `pending_sign` is the one that raises the alert: a process that
is killed in between has done neither, and the next one does both. The ticket opens in the same
transaction, or in the one that finds that nothing holds the news back any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts import board, pending, raising, steps
from alerts.correlation import correlate, growing
from alerts.desk_port import CaseDesk, Returned
from alerts.heard import hear, note
from alerts.raising import Raised
from alerts.rules import ALERT_KEPT, CASE_SEVERITY, RuleBook, RuleBooks
from alerts.series import Relief
from alerts.sign import Origin, Sign
from alerts.steps import Alert
from alerts.suppression import cover
from alerts.telling import tell
from domain.clock import Clock
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import N_, Text
from storage.database import Conn, Database, Row
from storage.queries import load
from storage.rows import as_ids, as_rows

HOLD = timedelta(seconds=4)
"""So long, by the wall's time, the news of a fault waits that other devices may share: by then the
others have spoken, and it is known whether it is one cause."""

_SHARED = frozenset({Origin.TRANSITION, Origin.EVENT})
"""Signs that come when the fault does. Predictions and limits come when somebody looks: that many
come at once says nothing."""

FLAPS = N_("The fault comes and goes: nobody is told of it each time")
FLAPS_NO_MORE = N_("The fault is steady again")

_BATCH = 5000
"""Signs a transaction: so many are judged quickly enough that nobody waits long for their rows."""


def evaluate(
    database: Database,
    clock: Clock,
    desk: CaseDesk,
    books: RuleBooks,
    *,
    hold: timedelta = HOLD,
) -> int:
    """Judges everything new by the book in force, and returns how many signs spoke of a fault or
    of its end. No `hold`: nothing waits, as in a replay, where nobody is called.

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
            judge = _Judge(conn, desk, clock.now(), hold * clock.speed)
            spoke, more = judge.hear_pending(book)
            judged += spoke
            if not more:
                judged += judge.hear_series(book) + judge.lapse()
            judge.settle(flood=more)
            if not more:
                return judged


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
    judge = _Judge(conn, desk, now)
    tell(conn, now, desk, judge.hear([sign], source))


def hear_outside(
    conn: Conn,
    now: datetime,
    desk: CaseDesk,
    signs: Sequence[Sign],
    over: Sequence[tuple[Fault, str]] = (),
) -> None:
    """Hears what other systems say: `signs`, and conditions (of a fault, by their rule) that are
    `over`. Any number of callers may do so at once, and say the same."""
    judge = _Judge(conn, desk, now)
    tell(conn, now, desk, judge.hear(signs))
    judge.relieve(_over(conn, over, now))


@dataclass(frozen=True, slots=True)
class _Judge:
    """One round: everything in one transaction, as of one moment.

    Attributes:
        hold: how long the news of faults waits that others may share, by the clock's time.
    """

    conn: Conn
    desk: CaseDesk
    now: datetime
    hold: timedelta = timedelta()

    def hear_pending(self, book: RuleBook) -> tuple[int, bool]:
        """Judges some of what waits; returns how many signs spoke of a fault, and whether more wait."""
        taken, count = pending.take(self.conn, _BATCH)
        note(self.conn, self.now, book, taken)
        spoke = 0
        for wave in pending.waves(taken, lambda one: one.device_id):
            found = pending.judge(self.conn, wave, self.now, book)
            spoke += self._hear_all(found)
            if not self.hold:
                self.settle(flood=False)
        return spoke, count == _BATCH

    def hear_series(self, book: RuleBook) -> int:
        return self._hear_all(hear(self.conn, self.now, book))

    def lapse(self) -> int:
        """Ends what was not repeated, has calmed down, or is an alert that nobody waits for."""
        rows = self.conn.execute(load("alerts")["expired_conditions"], {"now": self.now}).fetchall()
        self.relieve([Relief(row["alert_id"], row["rules"], self.now, False) for row in rows])
        calmed, gone = raising.calm(self.conn, self.now)
        self._note(calmed, FLAPS_NO_MORE)
        self._write_returned(gone)
        forgotten = self.conn.execute(
            load("alerts")["forgotten"], {"before": self.now - ALERT_KEPT}
        ).fetchall()
        board.settle_all(self.conn, [row["id"] for row in forgotten], self.now, steps.SYSTEM)
        return len(rows)

    def settle(self, *, flood: bool) -> None:
        """Finds what many faults share, holds back what is to be held back, and tells the rest; in a
        flood of signs, no more than is needed to know where the others belong."""
        over = correlate(self.conn, self.now, self.desk, flood=flood)
        self._write_returned(over)
        if not flood:
            cover(self.conn, self.now)
        tell(self.conn, self.now, self.desk)

    def hear(self, signs: Sequence[Sign], source: str | None = None) -> list[int]:
        """Puts signs on their alerts and into their cases; returns the alerts that they are on."""
        heard: list[int] = []
        for wave in pending.waves(signs, lambda sign: sign.fault):
            batches = growing(self.conn, wave)
            raised = raising.raise_or_join(self.conn, wave, self.now, self._told_from, batches)
            self._record_failures(raised, source)
            self._add_to_cases(raised)
            came = [one for one in raised if one.came and not one.joined_batch]
            cover(self.conn, self.now, [one.alert.id for one in came])
            again = [one.alert.id for one in came if not one.opened]
            self._note(raising.dampen(self.conn, again, self.now), FLAPS)
            heard += [one.alert.id for one in raised]
        return heard

    def relieve(self, reliefs: Sequence[Relief]) -> None:
        self._write_returned(raising.relieve(self.conn, reliefs))

    def _hear_all(self, found: Sequence[Sign | Relief]) -> int:
        self.hear([one for one in found if isinstance(one, Sign)])
        self.relieve([one for one in found if isinstance(one, Relief)])
        return len(found)

    def _note(self, alerts: Sequence[Alert], message: str) -> None:
        faults = [alert.fault for alert in alerts if alert.fault is not None]
        if faults:
            self.desk.note(self.conn, faults, Text(message))

    def _write_returned(self, returned: Sequence[Returned]) -> None:
        if returned:
            self.desk.returned(self.conn, returned)
            steps.close_over(self.conn, [one.alert_id for one in returned], self.now)

    def _add_to_cases(self, raised: Sequence[Raised]) -> None:
        news = [one for one in raised if one.news]
        have = self.desk.heard(self.conn, [one.heard for one in news])
        opened = {one.alert.id for one in news if one.opened}
        grave = {one.alert.id for one in news if one.sign.severity.rank >= CASE_SEVERITY.rank}
        self._mark("have_cases", opened & grave & have)
        self._mark("want_cases", grave - opened - have)

    def _mark(self, statement: str, alert_ids: set[int]) -> None:
        if alert_ids:
            parameters = {"alert_ids": as_ids(alert_ids), "now": self.now}
            self.conn.execute(load("board")[statement], parameters)

    def _told_from(self, sign: Sign) -> datetime:
        return self.now + self.hold if sign.origin in _SHARED else self.now

    def _record_failures(self, raised: Sequence[Raised], source: str | None) -> None:
        broke = [
            one.sign
            for one in raised
            if one.news.broke and one.sign.fault.fault_class is FaultClass.BREAKDOWN
        ]
        if broke:
            told = {"now": self.now, "rows": as_rows(_failure(sign, source) for sign in broke)}
            self.conn.execute(load("alerts")["record_failures"], told)


def _failure(sign: Sign, source: str | None) -> Row:
    return {
        "device_id": sign.fault.device_id,
        "component": sign.fault.component,
        "at": sign.at,
        "source": source or sign.origin,
    }


def _over(conn: Conn, over: Sequence[tuple[Fault, str]], now: datetime) -> list[Relief]:
    if not over:
        return []
    rows = conn.execute(
        load("alerts")["alerts_of_faults"],
        {
            "device_ids": [fault.device_id for fault, _ in over],
            "components": [fault.component for fault, _ in over],
            "classes": [fault.fault_class for fault, _ in over],
            "rules": [rule for _, rule in over],
        },
    ).fetchall()
    return [Relief(row["id"], [row["rule"]], now, restored=True) for row in rows]
