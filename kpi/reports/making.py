"""From what somebody asks for to a report in the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from alerts.notify.policy import LANGUAGES
from alerts.outbox import Announcement, Topic, announce
from desk.actions import audit
from domain.clock import Clock
from domain.errors import BadInputError
from domain.text import N_, Text
from kpi.reports.archive import Entry, read_zone, store
from kpi.reports.asked import Asked, Kind
from kpi.reports.document import Document
from kpi.reports.period import read_period
from kpi.reports.reader import Reader, Readers
from kpi.reports.registry import kind_of
from kpi.reports.render import Format, render
from storage.database import Conn, Database
from storage.queries import load

SIMULATED = N_("Simulated: the fleet of this demo, and all that befell it, is invented.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report that somebody wants, as they write it. Empty `customer`: the whole fleet."""

    kind: str
    period: str
    customer: str = ""
    language: str = "en"
    format: str = Format.PDF
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Style:
    """In which language and format a report is written."""

    language: str
    format: Format


@dataclass(frozen=True, slots=True)
class Made:
    """A report in the archive, and its file."""

    entry: Entry
    file: bytes


def make(database: Database, clock: Clock, readers: Readers, wanted: Wanted, actor: str) -> Made:
    """Makes one report and keeps it. Raises BadInputError that says what can't be asked for."""
    kind, style = kind_of(wanted.kind), read_style(wanted.language, wanted.format)
    zone = read_zone(wanted.time_zone)
    asked = Asked(read_period(wanted.period), zone, clock.now(), wanted.customer or None)
    kind.check(asked)
    with database.transaction() as conn:
        document = snapshot(conn, kind, asked)
    with database.transaction() as conn:
        return write(conn, asked, document, [style], readers, actor)[0]


def snapshot(conn: Conn, kind: Kind, asked: Asked) -> Document:
    """The report's figures, all as of one moment of the store: in a transaction of their own. A report of
    a demo says first that it is one.

    Raises BadInputError.
    """
    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    document = kind.make(conn, asked)
    fleet = conn.execute(load("demo")["devices"]).fetchone()
    if fleet and fleet["simulated"]:
        return replace(document, summary=(Text(SIMULATED), *document.summary))
    return document


def write(
    conn: Conn,
    asked: Asked,
    document: Document,
    styles: Sequence[Style],
    readers: Readers,
    actor: str,
) -> list[Made]:
    """Writes a report in each language and format, and keeps it."""
    made = []
    for style in styles:
        file = render(document, style.format, reader_of(readers, style.language, asked.zone))
        entry = store(conn, asked, document, file, style.format, style.language, actor)
        told = {"kind": entry.kind, "period": entry.period, "sha256": entry.file_sha256}
        audit(conn, actor, "make_report", f"report/{entry.id}", told)
        announce(conn, _announcement(entry))
        made.append(Made(entry, file))
    return made


def _announcement(entry: Entry) -> Announcement:
    """What a webhook hears of a new report: what it is, its hashes, and where it is."""
    told = {
        "kind": entry.kind,
        "period": entry.period,
        "customer": entry.customer or "",
        "language": entry.language,
        "format": entry.format,
        "figures_sha256": entry.figures_sha256,
        "file_sha256": entry.file_sha256,
        "path": f"/api/v1/reports/{entry.id}/file",
    }
    return Announcement(Topic.REPORT_MADE, f"report/{entry.id}", entry.made_at, told)


def read_style(language: str, form: str) -> Style:
    """Raises BadInputError unless there are such a language and such a format."""
    if language not in LANGUAGES:
        raise BadInputError(f"language: {language[:40]!r}; allowed: {', '.join(LANGUAGES)}")
    try:
        return Style(language, Format(form))
    except ValueError as error:
        raise BadInputError(f"format: {form[:40]!r}; allowed: {', '.join(Format)}") from error


def reader_of(readers: Readers, language: str, zone: ZoneInfo) -> Reader:
    """Who reads `language` (en, zh, fa) and lives by `zone`."""
    return readers(LANGUAGES[language], zone.key)
