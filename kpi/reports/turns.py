"""The schedule at work: each report that is due is made once, kept, and sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog

from alerts.notify.policy import Policy
from alerts.outbox.delivery import enqueue
from domain.clock import Clock
from domain.errors import ForecallError, StoreUnavailableError
from kpi.reports.asked import Asked
from kpi.reports.making import Style, snapshot, write
from kpi.reports.reader import Readers
from kpi.reports.registry import kind_of
from kpi.reports.schedule import Plan, Schedule, Turn, due
from kpi.reports.sending import letters
from storage.database import Conn, Database
from storage.queries import load

log = structlog.get_logger()

ACTOR = "schedule"
_REMEMBERED = timedelta(days=1500)  # longer than the quarters that are made up for
_AGAIN_AFTER = timedelta(minutes=15)  # of the wall's time, after a report could not be made


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes what is due. Any number of workers may do this at once: the store decides who makes one.

    Args:
        wall: what the outbox and further attempts go by.
        url: the console's address; empty: letters have no links.
    """

    database: Database
    clock: Clock
    wall: Clock
    schedule: Callable[[], Schedule]
    policy: Callable[[], Policy]
    readers: Readers
    url: str = ""
    _not_before: dict[str, datetime] = field(default_factory=dict)

    def turn(self) -> int:
        """Makes every report that is due; returns how many. Raises StoreUnavailableError."""
        schedule = self.schedule()
        if not schedule.report:
            return 0
        with self.database.transaction() as conn:
            turns = due_turns(conn, schedule, self.clock.now())
        return sum(self._attempt(turn) for turn in turns)

    def _attempt(self, turn: Turn) -> bool:
        """Makes one report; what fails is tried again later and holds up no other."""
        name = f"{turn.plan.name}/{turn.period.name}/{turn.customer}"
        if self._not_before.get(name, self.wall.now()) > self.wall.now():
            return False
        try:
            made = self._make(turn)
        except StoreUnavailableError:
            raise
        except ForecallError as error:
            log.error("a report that is due could not be made", report=name, error=str(error))
        except Exception:  # a defect in one kind must not stop the others
            log.exception("a report that is due could not be made", report=name)
        else:
            self._not_before.pop(name, None)
            return made
        self._not_before[name] = self.wall.now() + _AGAIN_AFTER
        return False

    def _make(self, turn: Turn) -> bool:
        plan = turn.plan
        asked = Asked(turn.period, plan.zone, self.clock.now(), turn.customer or None)
        kind = kind_of(plan.kind)
        kind.check(asked)
        with self.database.transaction() as conn:
            document = snapshot(conn, kind, asked)
        styles = [Style(language, form) for language in plan.languages for form in plan.formats]
        with self.database.transaction() as conn:
            if not _take(conn, turn, asked.made_at):
                return False
            made = write(conn, asked, document, styles, self.readers, ACTOR)
            policy = self.policy()
            told = list(letters(turn, document, made, policy, self.readers, self.url))
            enqueue(conn, told, self.clock.now(), self.wall.now())
        log.info("report made", report=plan.name, period=turn.period.name, customer=turn.customer)
        return True


def due_turns(conn: Conn, schedule: Schedule, now: datetime) -> list[Turn]:
    """What is due at `now` and not made, the longest overdue first."""
    made: dict[str, dict[str, list[date]]] = {}
    for row in conn.execute(load("reports")["turns"], {"since": now - _REMEMBERED}).fetchall():
        made.setdefault(row["entry"], {})[row["customer"]] = row["firsts"]
    everybody = tuple(row["key"] for row in conn.execute(load("reports")["customers"]).fetchall())
    turns = _turns(schedule, everybody, made, now)
    return sorted(turns, key=lambda turn: turn.due_at)


def _turns(
    schedule: Schedule,
    everybody: tuple[str, ...],
    made: Mapping[str, Mapping[str, list[date]]],
    now: datetime,
) -> Iterator[Turn]:
    for plan in schedule.report:
        yield from due(plan, _customers(plan, everybody), made.get(plan.name, {}), now)


def _customers(plan: Plan, everybody: tuple[str, ...]) -> tuple[str, ...]:
    if plan.customers == "all":
        return everybody
    return tuple(plan.customers) or ("",)


def _take(conn: Conn, turn: Turn, now: datetime) -> bool:
    """Whether this worker is the one to make it: another one's turn is waited for."""
    row = {
        "entry": turn.plan.name,
        "period": turn.period.name,
        "customer": turn.customer,
        "first": turn.period.first,
        "due_at": turn.due_at,
        "done_at": now,
    }
    return conn.execute(load("reports")["take_turn"], row).fetchone() is not None
