"""A report as PDF, set by typst: tagged for screen readers (PDF/UA-1), its text to be searched.

What the report says goes to typst as JSON and is never part of its markup.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC
from typing import Any

import msgspec

from domain.errors import BadInputError
from domain.text import N_, Text
from kpi.reports.document import Document
from kpi.reports.reader import Reader
from kpi.reports.render import fonts
from kpi.reports.render.columns import fit
from kpi.reports.render.layout import LaidTable, Layout, lay_out
from kpi.reports.render.words import said

_TYPESET = fonts.FOLDER.parent / "typeset.py"
_LONGEST_S, _SHOWN = 300.0, 500
_PAGE, _PAGES = "<page>", "<pages>"  # where the numbers of pages belong


def pdf(document: Document, reader: Reader) -> bytes:
    """The file. Raises NotAllowedError where the machine has no font for what it says."""
    report = lay_out(document, reader)
    language, _, rest = report.tag.partition("-")
    made = document.made_at.astimezone(UTC)
    page_words = Text(N_("Page {page} of {pages}"), {"page": _PAGE, "pages": _PAGES})
    data = {
        **_fitted(report),
        "language": language,
        "region": rest.rpartition("-")[2],
        "digits": reader.plain("0123456789"),
        "page_words": said(page_words, reader),
        "made": [made.year, made.month, made.day, made.hour, made.minute],
    }
    wanted = {
        "report": data,
        "fonts": fonts.families(msgspec.json.encode(data).decode()),
        "timestamp": int(made.timestamp()),
    }
    return _typeset(document.kind, msgspec.json.encode(wanted))


def _fitted(report: Layout) -> dict[str, Any]:
    """The layout with the columns of its tables."""
    data: dict[str, Any] = msgspec.to_builtins(report)
    for laid, section in zip(report.sections, data["sections"], strict=True):
        for block, told in zip(laid.blocks, section["blocks"], strict=True):
            if isinstance(block, LaidTable):
                told |= msgspec.to_builtins(fit(block))
    return data


def _typeset(kind: str, wanted: bytes) -> bytes:
    command = [sys.executable, "-I", str(_TYPESET)]
    try:
        done = subprocess.run(command, input=wanted, capture_output=True, timeout=_LONGEST_S)
    except subprocess.TimeoutExpired as error:
        raise BadInputError(
            f"the report {kind!r} was not set as PDF within {_LONGEST_S:.0f} s: it is too long"
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-_SHOWN:]
        raise BadInputError(f"the report {kind!r} can't be set as PDF: {said}")
    return done.stdout
