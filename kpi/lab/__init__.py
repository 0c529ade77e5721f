"""A running system's fleet as pandas DataFrames: devices, uptime, tickets, promises, the staff's review.

    from forecall import fleet

    here = fleet.open_fleet()                    # as the read-only role of this installation
    here.devices()
    here.uptime("site", "2026-11-01", "2026-12-01")

Moments are asked for as aware datetimes, or as text: a day alone is its midnight in UTC. Times that come
back are aware, in UTC; spans are in hours; unknown numbers are NaN. Nothing here writes, and nothing
computes: the figures are those of the console. `kpi.lab.columns.COLUMNS` says what each column is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from desk.sla.outcomes import outcomes
from domain.clock import Clock
from domain.errors import BadInputError
from kpi.lab.columns import COLUMNS
from kpi.staff.months import bounds
from kpi.staff.review import GROUPS, read_evidence, review
from kpi.staff.rules import rules
from kpi.uptime.downtimes import downtimes
from kpi.uptime.exclusions import Exclusion
from kpi.uptime.figures import AGREED, Counting, Uptime, uptime
from kpi.uptime.fleet import Scope
from kpi.uptime.reliability import reliability
from models.lab.frames import Frame, pd
from storage.database import Database
from storage.queries import load

__all__ = ["COLUMNS", "FleetLab"]

Moment: TypeAlias = datetime | str

_H = 3600.0
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class FleetLab:
    """A store's fleet. `clock`: the time that its installation goes by."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def close(self) -> None:
        """Ends its connections."""
        self._database.close()

    def now(self) -> datetime:
        """The installation's time; a demo's runs faster. Nothing is known beyond it."""
        return self._clock.now()

    def devices(self) -> Frame:
        """One row a device that is in the fleet, by its key."""
        return self._table("devices", load("lab")["devices"], {}, index="device")

    def uptime(
        self, scope: str, start: Moment, end: Moment, *, customer: str | None = None
    ) -> Frame:
        """The uptime of every device, component, site, customer, engineer, team, region, model or of
        the whole fleet over [start, end), as it was agreed. Raises BadInputError for another scope,
        or an empty period."""
        rows = [_uptime_row(one) for one in self._uptime(scope, start, end, customer, AGREED)]
        return _frame("uptime", rows, index="key")

    def downtimes(self, scope: str, key: str, start: Moment, end: Moment) -> Frame:
        """Each stretch of which the uptime of one device, site, ... is made, by start."""
        with self._database.transaction() as conn:
            found = downtimes(conn, _scope(scope), key, _moment(start), self._until(end))
        rows = [
            {
                "device": one.device,
                "start": one.start,
                "end": one.end,
                "counts_h": one.counts_s / _H,
                "excluded_h": sum(one.excluded_s.values()) / _H,
                "reasons": ", ".join(one.excluded_s),
                "cause": one.cause,
                "detail": one.detail,
                "component": one.component,
            }
            for one in found
        ]
        return _frame("downtimes", rows)

    def failures(self, start: Moment = _FIRST, end: Moment | None = None) -> Frame:
        """Failures of components within [start, end), by time."""
        return self._table("failures", load("lab")["failures"], self._span(start, end))

    def tickets(self, start: Moment = _FIRST, end: Moment | None = None) -> Frame:
        """Cases that were opened within [start, end), by their numbers."""
        return self._table("tickets", load("lab")["tickets"], self._span(start, end), "ticket")

    def sla(self, start: Moment = _FIRST, end: Moment | None = None) -> Frame:
        """Every promised time of the cases that were closed within [start, end); cancelled cases are
        not among them."""
        span = self._span(start, end)
        with self._database.transaction() as conn:
            found = list(outcomes(conn, span["start"], span["end"]))
        rows = [
            {
                "ticket": one.ticket_id,
                "clock": one.clock,
                "plan": one.plan,
                "started_at": one.started_at,
                "due_at": one.due_at,
                "met_at": one.met_at,
                "target_h": one.target_s / _H,
                "used_h": one.used_s / _H,
                "kept": one.kept,
            }
            for one in found
            if not one.cancelled
        ]
        return _frame("sla", rows)

    def review(self, month: str, *, by: str = "engineer", zone: str = "UTC") -> Frame:
        """The staff's review of a month such as 2026-11, as things are known now; a row a group and
        measure. By engineer, region, customer, site. Raises BadInputError for anything else."""
        scope = _scope(by)
        if scope not in GROUPS:
            raise BadInputError(f"by: {by!r}; allowed: {', '.join(GROUPS)}")
        start, end = bounds(_month(month), ZoneInfo(zone))
        with self._database.transaction() as conn:
            found = review(read_evidence(conn, start, self._until(end)), scope, rules())
        names = ("value", "low", "high", "adjusted", "adjusted_low", "adjusted_high", "few")
        rows = [
            {"key": row.key, "name": row.name, "measure": one.measure, "cases": len(one.cases)}
            | {name: getattr(one, name) for name in names}
            for row in found.rows
            for one in row.figures
        ]
        return _frame("review", rows)

    def what_if(
        self,
        scope: str,
        start: Moment,
        end: Moment,
        *,
        exclusions: Collection[str] = tuple(Exclusion),
        service_hours: bool = True,
    ) -> Frame:
        """The uptime as it is counted, beside what it would be if only `exclusions` (maintenance,
        outside, customer, disputed) were excluded, or all hours were service hours."""
        other = Counting(frozenset(_exclusion(name) for name in exclusions), service_hours)
        agreed = {one.key: one for one in self._uptime(scope, start, end, None, AGREED)}
        rows = [
            {
                "key": one.key,
                "name": one.name,
                "agreed": agreed[one.key].ratio,
                "what_if": one.ratio,
                "change": _points(agreed[one.key].ratio, one.ratio),
                "down_h": one.down_s / _H,
            }
            for one in self._uptime(scope, start, end, None, other)
        ]
        return _frame("what_if", rows, index="key")

    def _uptime(
        self, scope: str, start: Moment, end: Moment, customer: str | None, counting: Counting
    ) -> list[Uptime]:
        with self._database.transaction() as conn:
            return uptime(
                conn,
                _scope(scope),
                _moment(start),
                self._until(end),
                customer=customer,
                counting=counting,
            )

    def _until(self, end: Moment) -> datetime:
        """No later than now: the state that holds is not known to last."""
        return min(_moment(end), self._clock.now())

    def _span(self, start: Moment, end: Moment | None) -> dict[str, datetime]:
        return {"start": _moment(start), "end": self._until(end or self._clock.now())}

    def _table(
        self, name: str, statement: Any, asked: Mapping[str, Any], index: str | None = None
    ) -> Frame:
        with self._database.transaction() as conn:
            return _frame(name, conn.execute(statement, asked).fetchall(), index)


def _frame(name: str, rows: Iterable[Mapping[str, Any]], index: str | None = None) -> Frame:
    """With exactly the columns of COLUMNS; what is a time becomes one in UTC, also where there is none."""
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS[name]))
    for column, unit in COLUMNS[name].items():
        if unit in ("UTC", "day"):
            frame[column] = pd.to_datetime(frame[column], utc=unit == "UTC")
    return frame.set_index(index) if index else frame


def _uptime_row(one: Uptime) -> dict[str, Any]:
    means = reliability(one.failures, one.up_s, one.down_s)
    return {
        "key": one.key,
        "name": one.name,
        "availability": one.ratio,
        "up_h": one.up_s / _H,
        "down_h": one.down_s / _H,
        "excluded_h": sum(one.excluded_s.values()) / _H,
        "unwatched_h": one.unwatched_s / _H,
        "off_hours_h": one.off_hours_s / _H,
        "failures": one.failures,
        "mtbf_h": means.mtbf_h,
        "mttr_h": means.mttr_h,
    }


def _points(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else 100 * (after - before)


def _scope(name: str) -> Scope:
    if name not in list(Scope):
        raise BadInputError(f"scope: {name!r}; allowed: {', '.join(Scope)}")
    return Scope(name)


def _exclusion(name: str) -> Exclusion:
    if name not in list(Exclusion):
        raise BadInputError(f"exclusions: {name!r}; allowed: {', '.join(Exclusion)}")
    return Exclusion(name)


def _moment(at: Moment) -> datetime:
    """A day or moment without a zone is in UTC where it is text."""
    if isinstance(at, datetime):
        return at
    try:
        found = datetime.fromisoformat(at)
    except ValueError as error:
        raise BadInputError(
            f"time: {at!r}; allowed: 2026-11-01 or 2026-11-01T08:00+03:30"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise BadInputError(f"month: {text!r}; allowed: such as 2026-11") from error
