"""What is coming, as it is known when the report is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.text import N_, Text
from domain.vocabulary import metric
from kpi.reports.chapters.words import columns, component_text, listed, ticket_text
from kpi.reports.document import Block, Table, Unit
from kpi.service.ahead import (
    ENDS_TEXT,
    Ending,
    Foretold,
    Supply,
    read_endings,
    read_foretold,
    read_supplies,
)
from kpi.service.happenings import Window, read_windows
from kpi.service.running import read_devices
from kpi.service.scope import Whose
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is known at `now` of the time until `until`."""

    windows: Sequence[Window]
    foretold: Sequence[Foretold]
    supplies: Sequence[Supply]
    endings: Sequence[Ending]


def read_ahead(conn: Conn, of: Whose, now: datetime, until: datetime, zone: ZoneInfo) -> Ahead:
    """Of [now, until); where that is over, only what is open still."""
    until = max(now, until)
    first, last = (moment.astimezone(zone).date() for moment in (now, until))
    later = read_windows(conn, of, now, until) if until > now else []
    return Ahead(
        windows=later,
        foretold=read_foretold(conn, of, now),
        supplies=read_supplies(conn, of, now, until),
        endings=read_endings(conn, read_devices(conn, of, now), now, first, last),
    )


def ahead(found: Ahead) -> tuple[Block, ...]:
    """Windows, foretold failures, supplies, and ends of warranty and service life."""
    return _foretold(found), _supplies(found), _windows(found), _endings(found)


def _foretold(found: Ahead) -> Table:
    return listed(
        N_("Failures that are foretold"),
        columns(
            (N_("Device"), Unit.WORDS),
            (N_("Site"), Unit.WORDS),
            (N_("Component"), Unit.WORDS),
            (N_("Probability"), Unit.SHARE, 0),
            (N_("Until"), Unit.MOMENT),
            (N_("Why"), Unit.WORDS),
            (N_("Ticket"), Unit.CODE),
        ),
        (
            (
                one.device,
                one.site,
                component_text(one.component),
                one.probability,
                one.until,
                one.why,
                ticket_text(one.ticket_id),
            )
            for one in found.foretold
        ),
        N_("No failure is foretold."),
    )


def _supplies(found: Ahead) -> Table:
    return listed(
        N_("Supplies that may run out, and stores that may fill up"),
        columns(
            (N_("Device"), Unit.WORDS),
            (N_("Site"), Unit.WORDS),
            (N_("Supply"), Unit.WORDS),
            (N_("Not before"), Unit.DAY),
            (N_("Probably"), Unit.DAY),
            (N_("Not after"), Unit.DAY),
        ),
        (
            (one.device, one.site, Text(metric(one.metric).label), one.early, one.likely, one.late)
            for one in found.supplies
        ),
        N_("Nothing is expected to run out or fill up."),
        N_(
            "One in ten comes earlier than the first day, one in ten later than the last. A dash: later than is looked ahead."
        ),
    )


def _windows(found: Ahead) -> Table:
    return listed(
        N_("Maintenance windows that are agreed"),
        columns(
            (N_("From"), Unit.MOMENT),
            (N_("Until"), Unit.MOMENT),
            (N_("Where"), Unit.WORDS),
            (N_("Why"), Unit.WORDS),
        ),
        ((one.since, one.until, one.place, one.reason) for one in found.windows),
        N_("No maintenance window is agreed."),
    )


def _endings(found: Ahead) -> Table:
    return listed(
        N_("Warranties and service lives that end"),
        columns(
            (N_("Device"), Unit.WORDS),
            (N_("Site"), Unit.WORDS),
            (N_("Model"), Unit.WORDS),
            (N_("What ends"), Unit.WORDS),
            (N_("First day without"), Unit.DAY),
        ),
        (
            (one.device, one.site, one.model, Text(ENDS_TEXT[one.what]), one.day)
            for one in found.endings
        ),
        N_("None ends, as far as the days of installation are known."),
    )
