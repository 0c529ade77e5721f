"""The cases of a period as the reports tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from desk.calls import Channel
from desk.coverage import Verdict
from domain.fault import CausedBy, Finding, Grade, Handling, handling_of
from kpi.service.scope import Whose
from storage.database import Conn, Row
from storage.queries import load

CALLED = frozenset(channel.value for channel in Channel)
"""The origins of cases that somebody had to call about before Forecall knew."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case, as it stood at the period's end.

    Attributes:
        device: its key; empty: of a site, or of a batch.
        handling: as somebody said; else what is usual of its fault class.
        grade: as somebody said; None: as its plan has it.
        ended_at: closed or cancelled; None: open at the period's end.
        failed_at: None: it was foretold and has not failed, or nothing failed at all.
        called_at: when somebody first called about it.
        second_calls: how many of its calls were about something called about before.
        arrived_at: when somebody first was there; repaired_at: when it was last repaired.
        replaced: a part or the unit was. mended: a person repaired or replaced something.
        coverage: as it was found when the case was opened; None: nobody looked.
        rule: the alert rule that opened it; empty: a person did.
    """

    ticket_id: int
    device: str
    kind: str
    model: str
    firmware: str
    site_key: str
    site: str
    component: str
    fault_class: str
    handling: Handling
    grade: Grade | None
    origin: str
    severity: str
    opened_at: datetime
    ended_at: datetime | None
    cancelled: bool
    predicted_at: datetime | None
    failed_at: datetime | None
    finding: Finding | None
    caused_by: CausedBy | None
    called_at: datetime | None
    calls: int
    second_calls: int
    arrived_at: datetime | None
    repaired_at: datetime | None
    replaced: bool
    mended: bool
    coverage: Verdict | None
    rule: str

    @property
    def is_fault(self) -> bool:
        """Whether there was a fault: not a false alarm, and not merely foretold."""
        return not self.cancelled and (self.predicted_at is None or self.failed_at is not None)

    @property
    def by_call(self) -> bool:
        """Whether a call opened it."""
        return self.origin in CALLED

    @property
    def repair(self) -> timedelta | None:
        """From the arrival to the repair; None where nobody had to go, or it is not repaired."""
        if self.arrived_at is None or self.repaired_at is None:
            return None
        return self.repaired_at - self.arrived_at if self.repaired_at >= self.arrived_at else None


def read_cases(conn: Conn, of: Whose, start: datetime, end: datetime) -> list[Case]:
    """The cases that were open at some time of [start, end), the oldest first."""
    asked = {"customer_id": of.customer_id, "start": start, "end": end}
    rows = conn.execute(load("reports_service")["cases"], asked).fetchall()
    return [_case(row) for row in rows]


def _case(row: Row) -> Case:
    words = {
        "handling": Handling(row["handling"] or handling_of(row["fault_class"])),
        "grade": Grade(row["grade"]) if row["grade"] else None,
        "finding": Finding(row["finding"]) if row["finding"] else None,
        "caused_by": CausedBy(row["caused_by"]) if row["caused_by"] else None,
        "coverage": Verdict(row["coverage"]) if row["coverage"] else None,
    }
    return Case(**(row | words))
