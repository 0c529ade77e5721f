"""Contracts and warranties as people keep them: a CSV file, read whole or refused with every reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from desk.contracts.contract import Payer, Replacement
from domain.errors import BadInputError
from pipeline.csv_rows import read_rows

MAX_ROWS = 50_000
_SHOWN = 12
_MAX_TEXT = 200
_MOST_MONTHS = 600


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `read` raises ValueError for a value that is not allowed; "" is never read."""

    read: Callable[[str], Any]
    allowed: str
    example: str
    needed: bool = False
    usual: Any = None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a sheet as values by column; `number` counts as a spreadsheet does."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file whose every cell could be read. `of_devices`: it tells warranties, not contracts."""

    file: str
    of_devices: bool
    lines: Sequence[Line]

    def refuse(self, problems: Sequence[str]) -> None:
        """Raises BadInputError with the file's name when there are any."""
        _refuse(self.file, problems)


def _word(text: str) -> str:
    if len(text) > _MAX_TEXT or not text.isprintable():
        raise ValueError(text)
    return text


def _one_of(words: type[Payer] | type[Replacement]) -> Column:
    return Column(
        lambda text: words(text.lower()),
        ", ".join(words),
        next(iter(words)),
        usual=next(iter(words)),
    )


def _months(text: str) -> int:
    months = int(text)
    if not 0 <= months <= _MOST_MONTHS:
        raise ValueError(text)
    return months


def _day(text: str) -> date:
    return date(*(int(part) for part in text.replace("/", "-").split("-")))


_TEXT = f"at most {_MAX_TEXT} signs"
_DAY = "a day such as 2026-03-21"
_MONTHS = f"0 to {_MOST_MONTHS}; empty: as the plan says"

CONTRACT_COLUMNS: Mapping[str, Column] = {
    "contract": Column(_word, _TEXT, "C-2026-014", needed=True),
    "customer": Column(_word, "a customer's key", "lotus", needed=True),
    "site": Column(_word, "a site's key; empty: all sites of the customer", ""),
    "plan": Column(_word, "a plan's name", "kiosk", needed=True),
    "calendar": Column(_word, "a calendar's name; empty: the plan's", "office_cn"),
    "valid_from": Column(_day, _DAY, "2026-01-01", needed=True),
    "valid_until": Column(_day, f"{_DAY}; empty: no end", "2026-12-31"),
    "price": Column(_word, _TEXT, "1200 CNY a year", usual=""),
    "travel": _one_of(Payer),
    "free_support_months": Column(_months, _MONTHS, ""),
    "replacement": _one_of(Replacement),
}
WARRANTY_COLUMNS: Mapping[str, Column] = {
    "device": Column(_word, "a device's key", "kiosk-0042", needed=True),
    "starts_on": Column(_day, f"{_DAY}; empty: the day it was installed", "2025-06-01"),
    "months": Column(_months, _MONTHS, "24"),
    "support_life_months": Column(_months, _MONTHS, "144"),
}


def template(*, of_devices: bool = False) -> str:
    """A sheet to begin with: the header and one example."""
    columns = WARRANTY_COLUMNS if of_devices else CONTRACT_COLUMNS
    return "\n".join(
        (",".join(columns), ",".join(f'"{column.example}"' for column in columns.values()), "")
    )


def read_sheet(file: str, data: bytes, encoding: str | None = None) -> Sheet:
    """Reads a sheet of contracts, or of warranties if it has a column `device`.

    Raises BadInputError that names the file and each row, column and value that does not fit, with
    what is allowed.
    """
    rows = read_rows(file, data, encoding)
    header = [cell.strip().lower().replace(" ", "_") for cell in next(rows, (1, []))[1]]
    of_devices = "device" in header
    columns = WARRANTY_COLUMNS if of_devices else CONTRACT_COLUMNS
    _check_header(file, header, columns)
    lines: list[Line] = []
    problems: list[str] = []
    for number, cells in rows:
        if len(lines) >= MAX_ROWS:
            raise BadInputError(f"{file}: more than {MAX_ROWS} rows; split it")
        values, found = _read(columns, dict(zip(header, cells, strict=False)))
        problems += [f"row {number}, column {problem}" for problem in found]
        lines.append(Line(number, values))
    key = next(iter(columns))
    problems += _twice(key, lines)
    _refuse(file, problems)
    return Sheet(file, of_devices, lines)


def _check_header(file: str, header: Sequence[str], columns: Mapping[str, Column]) -> None:
    for name in header:
        if name not in columns:
            raise BadInputError(f"{file}, row 1: column {name!r}; allowed: {', '.join(columns)}")
        if header.count(name) > 1:
            raise BadInputError(f"{file}, row 1: column {name!r} stands there twice")
    for name, column in columns.items():
        if column.needed and name not in header:
            raise BadInputError(f"{file}, row 1: the column {name!r} is missing")


def _read(
    columns: Mapping[str, Column], cells: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, column in columns.items():
        text = cells.get(name, "").strip()
        values[name] = column.usual
        try:
            if text:
                values[name] = column.read(text)
        except (ValueError, TypeError):
            problems.append(f"{name}: {text[:80]!r}; allowed: {column.allowed}")
        if not text and column.needed:
            problems.append(f"{name}: ''; allowed: {column.allowed}")
    ends = values.get("valid_until")
    if ends is not None and values["valid_from"] is not None and ends < values["valid_from"]:
        problems.append(f"valid_until: '{ends}'; allowed: {values['valid_from']} or later")
    return values, problems


def _twice(key: str, lines: Sequence[Line]) -> list[str]:
    seen: dict[Any, int] = {}
    problems = []
    for line in lines:
        name = line.values[key]
        first = seen.setdefault(name, line.number)
        if name is not None and first != line.number:
            problems.append(
                f"row {line.number}, column {key}: {name!r}; allowed: once; it stands in row {first}"
            )
    return problems


def _refuse(file: str, problems: Sequence[str]) -> None:
    if not problems:
        return
    shown = [f"{file}, {problem}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        shown.append(f"... and {len(problems) - _SHOWN} more")
    raise BadInputError("\n".join(shown))
