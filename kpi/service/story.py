"""All that the reports about the service tell of a period, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from desk.contracts.reading import contracts_of_tickets
from desk.sla.outcomes import Outcome, outcomes
from desk.sla.plan import Plan
from kpi.service.availability import Availability, read_availability, read_whole
from kpi.service.cases import Case, read_cases
from kpi.service.faults import faults_since
from kpi.service.flow import Calls, read_calls
from kpi.service.happenings import Batch, Window, read_batches, read_windows
from kpi.service.promises import true_outcomes
from kpi.service.running import Standing, read_devices
from kpi.service.scope import Whose
from kpi.uptime.figures import Uptime
from models.live.outcomes import Settled
from models.live.outcomes import outcomes as settled_between
from storage.database import Conn

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Story:
    """A period [start, end) of a fleet or a customer, and what it is compared with.

    Attributes:
        before, year_ago: the sums of the period before, and of the same one a year ago; None: nothing
            was in the fleet then.
        cases: open at some time of the period; earlier: of the one before.
        kept: the promised times of the cases that were closed.
        settled: the fleet's cases that predictions opened.
        plans: of the cases that were closed, by ticket.
    """

    of: Whose
    start: datetime
    end: datetime
    availability: Availability
    before: Uptime | None
    year_ago: Uptime | None
    devices: Sequence[Standing]
    cases: Sequence[Case]
    earlier: Sequence[Case]
    calls: Calls
    kept: Sequence[Outcome]
    settled: Sequence[Settled]
    batches: Sequence[Batch]
    windows: Sequence[Window]
    plans: Mapping[int, Plan]

    @cached_property
    def opened(self) -> list[Case]:
        """The cases that were opened in the period."""
        return [case for case in self.cases if case.opened_at >= self.start]

    @cached_property
    def closed(self) -> list[Case]:
        """The cases that were closed in the period, not cancelled."""
        return [case for case in self.cases if case.ended_at and not case.cancelled]

    @cached_property
    def faults(self) -> list[Case]:
        """The faults of the period."""
        return faults_since(self.cases, self.start)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell of."""
        return self.availability.whole is None and not self.devices and not self.cases


def read_story(
    conn: Conn,
    of: Whose,
    span: Span,
    before: Span,
    year_ago: Span | None,
    zone: ZoneInfo,
    now: datetime,
) -> Story:
    """What is known `now` of [start, end), which must not lie in the future."""
    start, end = span
    cases = read_cases(conn, of, start, end)
    ended = [case for case in cases if case.ended_at and not case.cancelled]
    contracts = contracts_of_tickets(conn, [case.ticket_id for case in ended])
    return Story(
        of=of,
        start=start,
        end=end,
        availability=read_availability(conn, of, start, end, zone),
        before=read_whole(conn, of, *before),
        year_ago=read_whole(conn, of, *year_ago) if year_ago else None,
        devices=read_devices(conn, of, end),
        cases=cases,
        earlier=faults_since(read_cases(conn, of, *before), before[0]),
        calls=read_calls(conn, of, start, end),
        kept=true_outcomes(outcomes(conn, start, end, of.customer_id)),
        settled=settled_between(conn, start, now),
        batches=read_batches(conn, of, start, end),
        windows=read_windows(conn, of, start, end),
        plans={case.ticket_id: contracts[case.ticket_id].plan_at(case.opened_at) for case in ended},
    )
