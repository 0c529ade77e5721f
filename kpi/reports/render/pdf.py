"""A report as PDF, set by typst: tagged for screen readers (PDF/UA-1), its text to be searched.

What the report says goes to typst as JSON and is never part of its markup.
"""

from __future__ import annotations

from datetime import UTC

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
_PAGE, _PAGES = "\ue000", "\ue001"  # where the numbers of pages belong


def pdf(document: Document, reader: Reader) -> bytes:
    """The file. Raises ConfigurationError where the machine has no font for what it says."""
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
    data["fonts"] = fonts.families(msgspec.json.encode(data).decode())
    try:
        made_file: bytes = typst.compile(
            _TEMPLATE,
            font_paths=fonts.found(),
            sys_inputs={"report": msgspec.json.encode(data).decode()},
            pdf_standards=["ua-1"],
            timestamp=int(made.timestamp()),
        )
    except typst.TypstError as error:
        raise BadInputError(f"the report {document.kind!r} can't be set as PDF: {error}") from error
    return made_file
