"""From a report to a file that people open."""

from __future__ import annotations

from enum import StrEnum

from kpi.reports.document import Document
from kpi.reports.reader import Reader


class Format(StrEnum):
    """What a report is written as."""

    PDF = "pdf"
    HTML = "html"
    XLSX = "xlsx"


MEDIA = {
    Format.PDF: "application/pdf",
    Format.HTML: "text/html",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The media type of each."""


def render(document: Document, form: Format, reader: Reader) -> bytes:
    """The file. Raises NotAllowedError where the machine lacks what it needs, BadInputError."""
    # What sets a format is loaded when it is asked for: typst and XlsxWriter are not small.
    if form is Format.PDF:
        from kpi.reports.render.pdf import pdf

        return pdf(document, reader)
    if form is Format.XLSX:
        from kpi.reports.render.xlsx import xlsx

        return xlsx(document, reader)
    from kpi.reports.render.html import html

    return html(document, reader)
