"""What it costs to set a report: one with every kind of block, of three pages, and ones with tables of 500
and 2,000 rows. `processor`: of this process and of the one that sets a PDF, which other work on the machine does not
stretch.

python -m benchmarks.reports
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from console.i18n.speech import reader
from kpi.reports.document import Document
from kpi.reports.render import Format, render
from tests.reports.sample import sample

_TIMES = 3


def main() -> None:
    table = Table("rows", "format", "language", "first", "then", "processor", "KiB")
    for rows in (45, 500, 2000):
        document = sample(rows)
        for form in Format:
            for language in ("en", "zh_Hans_CN", "fa"):
                table.add_row(str(rows), form, language, *_measured(document, form, language))
    out = Console()
    out.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.print(f"peak memory of the process: {peak:.0f} MB")


def _measured(document: Document, form: Format, language: str) -> tuple[str, str, str, str]:
    how = reader(language, "Asia/Tehran")
    first, file = _timed(lambda: render(document, form, how))
    began = _processor()
    then = min(_timed(lambda: render(document, form, how))[0] for _ in range(_TIMES))
    took = (_processor() - began) / _TIMES
    return f"{first:.2f} s", f"{then:.2f} s", f"{took:.2f} s", f"{len(file) / 1024:,.0f}"


def _processor() -> float:
    """Seconds that this process and those that it started have used."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, whose))


def _timed(do: Callable[[], bytes]) -> tuple[float, bytes]:
    began = time.perf_counter()
    made = do()
    return time.perf_counter() - began, made


if __name__ == "__main__":
    main()
