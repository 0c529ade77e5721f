"""The operations report: how the fleet, or a customer's part of it, ran, failed and was looked after."""

from __future__ import annotations

from domain.text import N_, Text
from kpi.reports.asked import About, Asked, Kind
from kpi.reports.chapters import period
from kpi.reports.chapters.ahead import ahead, read_ahead
from kpi.reports.chapters.faults import faults, tickets
from kpi.reports.chapters.handling import handling
from kpi.reports.chapters.running import running
from kpi.reports.chapters.summary import summary
from kpi.reports.chapters.words import about
from kpi.reports.document import Document, Section
from kpi.service.scope import whose
from storage.database import Conn


def operations(conn: Conn, asked: Asked) -> Document:
    """Of the period so far as it is over; what is coming until the end of the next one.

    Raises BadInputError when there is no such customer.
    """
    of = whose(conn, asked.customer)
    story = period.read(conn, of, asked)
    _, until = asked.period.after.bounds(asked.zone)
    coming = ahead(read_ahead(conn, of, asked.made_at, until, asked.zone))
    return Document(
        kind=KIND.name,
        title=Text(KIND.title),
        about=about(of),
        start=asked.start,
        end=asked.end,
        made_at=asked.made_at,
        summary=tuple(summary(story)),
        sections=(
            running(story),
            faults(story),
            tickets(story),
            handling(story),
            Section(Text(N_("What is coming")), coming),
        ),
    )


KIND = Kind("operations", N_("Operations report"), About.EITHER, operations)
