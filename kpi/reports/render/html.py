"""A report as one HTML page that loads nothing: styles, charts and fonts are in it."""

from __future__ import annotations

import base64
from functools import cache

from jinja2 import Environment, StrictUndefined, Template

from kpi.reports.document import Document
from kpi.reports.reader import Reader
from kpi.reports.render.fonts import FOLDER, WEIGHTS
from kpi.reports.render.layout import lay_out


def html(document: Document, reader: Reader) -> bytes:
    """The page, in UTF-8."""
    report = lay_out(document, reader)
    # Only Persian needs its font sent along: other scripts look well in the reader's own.
    fonts = _embedded() if reader.direction == "rtl" else ()
    return _template().render(report=report, fonts=fonts).encode()


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    return environment.from_string((FOLDER.parent / "report.html").read_text(encoding="utf-8"))


@cache
def _embedded() -> tuple[tuple[int, str], ...]:
    return tuple(
        (weight, base64.b64encode((FOLDER / file).read_bytes()).decode())
        for weight, file in WEIGHTS.items()
    )
