"""A report as PDF, set by typst: tagged for screen readers (PDF/UA-1), its text to be searched.

What the report says goes to typst as JSON and is never part of its markup.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import typst

from domain.errors import BadInputError
from domain.text import N_, Text
from kpi.reports.document import Document
from kpi.reports.reader import Reader
from kpi.reports.render import fonts
from kpi.reports.render.layout import lay_out
from kpi.reports.render.words import said

_TEMPLATE = (fonts.FOLDER.parent / "report.typ").read_bytes()
_PAGE, _PAGES = "<page>", "<pages>"  # where the numbers of pages belong


def pdf(document: Document, reader: Reader) -> bytes:
    """The file. Raises NotAllowedError where the machine has no font for what it says."""
    report = lay_out(document, reader)
    language, _, rest = report.tag.partition("-")
    made = document.made_at.astimezone(UTC)
    page_words = Text(N_("Page {page} of {pages}"), {"page": _PAGE, "pages": _PAGES})
    data = {
        **msgspec.to_builtins(report),
        "language": language,
        "region": rest.rpartition("-")[2],
        "digits": reader.plain("0123456789"),
        "page_words": said(page_words, reader),
        "made": [made.year, made.month, made.day, made.hour, made.minute],
    }
    told = msgspec.json.encode(data).decode()
    inputs = {
        "report": told,
        "fonts": msgspec.json.encode(fonts.families(told)).decode(),
    }
    try:
        return _set(inputs, made, ["ua-1"])
    except typst.TypstError:
        # The standard refuses signs that no font of this machine has, such as those of a rare script
        # in a name: the rest is worth more than the seal.
        return _set_plainly(document, inputs, made)


def _set_plainly(document: Document, inputs: dict[str, str], made: datetime) -> bytes:
    try:
        return _set(inputs, made, [])
    except typst.TypstError as error:
        raise BadInputError(f"the report {document.kind!r} can't be set as PDF: {error}") from error


def _set(inputs: dict[str, str], made: datetime, standards: list[str]) -> bytes:
    file: bytes = typst.compile(
        _TEMPLATE,
        font_paths=fonts.found(),
        sys_inputs=inputs,
        pdf_standards=standards,
        timestamp=int(made.timestamp()),
    )
    return file
