"""The archive: every report that was made, as it was, and the hash of what it was made of."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, fields
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from domain.errors import BadInputError, ForecallError, NotFoundError
from kpi.reports.asked import Asked
from kpi.reports.document import Document
from kpi.reports.render import Format
from storage.database import Conn, Row
from storage.queries import load

LONGEST = 30 << 20
"""Bytes that the file of a report may have."""

_MOST_SHOWN = 500
_UNSAFE = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One report in the archive, without its file.

    Attributes:
        customer: a key; None: it is about the whole fleet.
        made_at: the moment of which the figures are.
        figures_sha256: of the figures, whatever the language and the format.
        size: of the file, in bytes.
    """

    id: int
    kind: str
    period: str
    time_zone: str
    customer: str | None
    language: str
    format: Format
    made_at: datetime
    made_by: str
    figures_sha256: str
    file_sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """A name for the file that every system takes."""
        parts = (self.kind, self.period, self.customer or "", self.language)
        return (
            f"{'-'.join(_UNSAFE.sub('-', part).strip('-') for part in parts if part)}.{self.format}"
        )


def figures(document: Document) -> bytes:
    """What a report says, as JSON: the same figures of the same period give the same bytes, whenever
    they are asked for."""
    told = {
        each.name: getattr(document, each.name)
        for each in fields(document)
        if each.name != "made_at"
    }
    return msgspec.json.encode(told, enc_hook=_plain, order="deterministic")


def _plain(value: object) -> object:
    """Numbers of NumPy as Python's; anything else does not belong into a report."""
    if isinstance(value, float):
        return float(value)
    raise BadInputError(
        f"a report holds {value!r}, a {type(value).__name__}: not one of its values"
    )


def store(
    conn: Conn,
    asked: Asked,
    document: Document,
    file: bytes,
    form: Format,
    language: str,
    actor: str,
) -> Entry:
    """Puts a report into the archive for good. Raises BadInputError when its file is too large."""
    if len(file) > LONGEST:
        raise BadInputError(
            f"the report {document.kind!r} of {asked.period.name}: {len(file):,} bytes as {form}; "
            f"allowed: {LONGEST:,}"
        )
    said = figures(document)
    row: Row = {
        "kind": document.kind,
        "period": asked.period.name,
        "time_zone": asked.zone.key,
        "customer": asked.customer,
        "language": language,
        "format": form,
        "made_at": document.made_at,
        "made_by": actor,
        "figures_sha256": hashlib.sha256(said).hexdigest(),
        "file_sha256": hashlib.sha256(file).hexdigest(),
        "size": len(file),
    }
    conn.execute(
        load("reports")["store_figures"], {"sha256": row["figures_sha256"], "figures": said}
    )
    stored = conn.execute(load("reports")["store"], row | {"file": file}).fetchone()
    assert stored is not None
    return Entry(id=stored["id"], **row)


def entries(
    conn: Conn,
    *,
    kind: str | None = None,
    customer: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The archive, newest first; `before`: only what is older than this entry."""
    parameters = {
        "kind": kind,
        "customer": customer,
        "after": before,
        "limit": max(1, min(limit, _MOST_SHOWN)),
    }
    rows = conn.execute(load("reports")["entries"], parameters).fetchall()
    return [_entry(row) for row in rows]


def read_entry(conn: Conn, entry_id: int) -> Entry:
    """Raises NotFoundError."""
    row = conn.execute(load("reports")["entry"], {"id": entry_id}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no report {entry_id}")
    return _entry(row)


def read_file(conn: Conn, entry: Entry) -> bytes:
    """The file as it was made. Raises ForecallError when it is not what was stored."""
    row = conn.execute(load("reports")["file"], {"id": entry.id}).fetchone()
    assert row is not None, "reports stay"
    file = bytes(row["file"])
    if hashlib.sha256(file).hexdigest() != entry.file_sha256:
        raise ForecallError(f"report {entry.id}: the file is not the one that was stored")
    return file


def read_figures(conn: Conn, entry: Entry) -> bytes:
    """The figures that a report was made of, as JSON."""
    row = conn.execute(load("reports")["figures"], {"sha256": entry.figures_sha256}).fetchone()
    assert row is not None, "figures stay"
    return bytes(row["figures"])


def read_zone(name: str) -> ZoneInfo:
    """Raises BadInputError unless there is such a time zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise BadInputError(
            f"time zone: {name[:60]!r}; allowed: a name such as Asia/Tehran"
        ) from error


def _entry(row: Row) -> Entry:
    return Entry(**(row | {"format": Format(row["format"])}))
