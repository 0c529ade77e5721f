"""docs/dialects.md is what the tables say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from domain.codes import Code
from domain.dialects import DIALECTS
from domain.statistics import GAUGES, STATISTICS

PAGE = Path(__file__).parents[3] / "docs" / "dialects.md"
MARK = "<!-- The tables below are what the code has; a test holds them. -->\n"


def page() -> str:
    """The page as it ought to be: what stands before the mark, and the tables."""
    head, _, _ = PAGE.read_text("utf-8").partition(MARK)
    return head + MARK + "\n".join(_tables()) + "\n"


def _tables() -> Iterator[str]:
    yield "\n## Codes\n"
    yield from _table(
        ("code", "severity", "means"),
        ((f"`{code.value}`", code.severity.value, code.meaning) for code in Code),
    )
    for dialect, rows in DIALECTS.items():
        yield f"\n## `{dialect}`\n"
        yield from _table(
            ("raw code", "name", "component", "code"),
            (
                (
                    f"`{row.raw}`",
                    f"`{row.symbol}`" if row.symbol else "",
                    row.component or "any",
                    f"`{row.code.value}`",
                )
                for row in rows
            ),
        )
    yield "\n## Statistics of UnifiedPOS\n"
    yield "Counters, but for " + ", ".join(f"`{name}`" for name in sorted(GAUGES)) + ".\n"
    parts = sorted(set(STATISTICS.values()))
    yield from _table(
        ("component", "statistics"),
        (
            (part, ", ".join(f"`{name}`" for name, whose in STATISTICS.items() if whose == part))
            for part in parts
        ),
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def test_the_page_says_what_the_tables_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "write it anew: python -m tests.mqtt.codes.test_docs"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
