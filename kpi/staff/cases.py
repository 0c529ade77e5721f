"""What became of each case that ended in a period: its times, visits, calls, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.fault import CausedBy, FaultClass, Finding
from kpi.staff.rules import Rules
from storage.database import Conn
from storage.queries import load

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case that was closed; cancelled ones are none of anybody's work, but see `false_alarm`.

    Attributes:
        engineer: the key of whom it was assigned to in the end; None: nobody.
        region: the site's city. region_class: urban, suburban or other_city.
        age_years: of the device when the case was opened; None: not known.
        responded_at: when it left `new`. set_out_at, arrived_at: the first time.
        repaired_at: the last time. visits: how often somebody arrived.
        calls, second_calls: calls about it, and those of them about something called about before.
        relapsed: it failed again before it was closed.
        back_after_s: how long after its closing the same fault had another case; None: not yet.
        foretold: it was opened, or joined, by a prediction before the failure.
        failed: the failure came.
        excused: somebody disputed it, and that was accepted.
        team: the key of who leads the engineer's team; empty: nobody does.
        hold_out_id: the setting of the hold-out in whose draw the prediction took part that foretold it,
            to be acted upon; None: it took part in none.
    """

    ticket_id: int
    engineer: str | None
    site: str
    customer: str
    region: str
    region_class: str
    kind: str
    model: str
    age_years: float | None
    fault_class: FaultClass | None
    origin: str
    opened_at: datetime
    responded_at: datetime | None
    set_out_at: datetime | None
    arrived_at: datetime | None
    repaired_at: datetime | None
    closed_at: datetime
    visits: int
    calls: int
    second_calls: int
    relapsed: bool
    back_after_s: float | None
    foretold: bool
    failed: bool
    finding: Finding | None
    caused_by: CausedBy | None
    excused: bool
    team: str = ""
    hold_out_id: int | None = None

    @property
    def response(self) -> timedelta | None:
        return _span(self.opened_at, self.responded_at)

    @property
    def travel(self) -> timedelta | None:
        return _span(self.set_out_at, self.arrived_at)

    @property
    def repair(self) -> timedelta | None:
        """From the arrival; of a case that was repaired from afar there is none."""
        return _span(self.arrived_at, self.repaired_at)

    def repeated(self, rules: Rules) -> bool:
        """Whether the same fault came back soon."""
        return self.back_after_s is not None and self.back_after_s < rules.repeat_days * _DAY_S

    def fixed_at_once(self, rules: Rules) -> bool | None:
        """One visit, and it held; None where nobody had to go."""
        if not self.visits:
            return None
        return self.visits == 1 and not self.relapsed and not self.repeated(rules)

    @property
    def found_worn(self) -> bool | None:
        """A foretold failure that did not come, and the part was found worn; None where it was not
        foretold, or nobody could tell."""
        if not self.foretold or self.finding in (None, Finding.CANNOT_TELL):
            return None
        return self.finding is Finding.WORN and not self.failed


def read_cases(conn: Conn, start: datetime, end: datetime) -> list[CaseFacts]:
    """The cases that were closed in [start, end), by when. What came back is what has until now."""
    asked = {"start": start, "end": end}
    rows = conn.execute(load("kpi")["cases"], asked).fetchall()
    return [CaseFacts(**(row | _words(row))) for row in rows]


def _words(row: dict[str, str | None]) -> dict[str, object]:
    fault_class, finding, cause = row["fault_class"], row["finding"], row["caused_by"]
    return {
        "fault_class": FaultClass(fault_class) if fault_class else None,
        "finding": Finding(finding) if finding else None,
        "caused_by": CausedBy(cause) if cause else None,
    }


def _span(since: datetime | None, until: datetime | None) -> timedelta | None:
    return None if since is None or until is None or until < since else until - since
