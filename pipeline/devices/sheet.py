"""A table of devices as people keep it: CSV, from a spreadsheet, in their own encoding and digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from domain.errors import BadInputError
from pipeline.csv_rows import read_rows
from pipeline.devices.fields import FIELDS, DevicePlan, Problem, SitePlan, try_device

MAX_ROWS = 50_000
_SHOWN = 12  # problems in one message


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a sheet; `number` counts from 1 as a spreadsheet does, the header being row 1."""

    number: int
    device: DevicePlan


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that was read and fits in itself: no device twice, no site described in two ways."""

    file: str
    lines: Sequence[Line]
    sites: Sequence[tuple[int, SitePlan]]

    def refuse(self, row: int, column: str, value: str, allowed: str) -> BadInputError:
        problem = Problem(column, value, allowed)
        return BadInputError(f"{self.file}, row {row}, column {problem}")


def read_sheet(file: str, data: bytes, encoding: str | None = None) -> Sheet:
    """Reads all of `data`; `file` is its name, for messages.

    The separator may be a comma, a semicolon or a tab. Raises BadInputError, whose message names
    the file and each row, column and value that does not fit, with what is allowed.
    """
    rows = read_rows(file, data, encoding)
    header = _header(file, next(rows, (1, []))[1])
    lines: list[Line] = []
    problems: list[str] = []
    for number, cells in rows:
        if len(lines) >= MAX_ROWS:
            raise BadInputError(f"{file}: more than {MAX_ROWS} rows; split it")
        plan, found = _line(header, cells)
        problems += [f"row {number}, column {problem}" for problem in found]
        if plan is not None:
            lines.append(Line(number, plan))
    sites, clashes = _consistent(lines)
    _refuse_all(file, problems + clashes)
    return Sheet(file, lines, sites)


def template() -> str:
    """A sheet to begin with: the header and one example."""
    return "\n".join(
        (",".join(FIELDS), ",".join(f'"{field.example}"' for field in FIELDS.values()), "")
    )


def _header(file: str, cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    for name in names:
        if name not in FIELDS:
            raise BadInputError(f"{file}, row 1: column {name!r}; allowed: {', '.join(FIELDS)}")
        if names.count(name) > 1:
            raise BadInputError(f"{file}, row 1: column {name!r} stands there twice")
    if "device" not in names:
        raise BadInputError(f"{file}, row 1: the column 'device' is missing")
    return names


def _line(header: Sequence[str], cells: Sequence[str]) -> tuple[DevicePlan | None, list[Problem]]:
    extra = [cell for cell in cells[len(header) :] if cell.strip()]
    if extra:
        return None, [Problem(str(len(header) + 1), extra[0], f"{len(header)} columns, as row 1")]
    return try_device(dict(zip(header, cells, strict=False)))


def _consistent(lines: Sequence[Line]) -> tuple[list[tuple[int, SitePlan]], list[str]]:
    """Each site once, with all that was said of it; and what contradicts itself."""
    seen: dict[str, int] = {}
    sites: dict[str, tuple[int, SitePlan]] = {}
    names: dict[tuple[str, str], str] = {}
    clashes = []
    for line in lines:
        key = line.device.key
        if key in seen:
            clash = Problem("device", key, f"each device once; it stands in row {seen[key]} too")
            clashes.append(f"row {line.number}, column {clash}")
        seen.setdefault(key, line.number)
        site = line.device.site
        if site is not None:
            row, known = sites.get(site.key, (line.number, SitePlan(site.key)))
            merged, found = _merged(known, site)
            sites[site.key] = row, merged
            found += _names_differ(names, site)
            clashes += [f"row {line.number}, column {problem}" for problem in found]
    return list(sites.values()), clashes


def _names_differ(names: dict[tuple[str, str], str], site: SitePlan) -> list[Problem]:
    """A customer or engineer has one name, at whichever site it stands."""
    problems = []
    for word in ("customer", "engineer"):
        key, name = getattr(site, word), getattr(site, f"{word}_name")
        if key and name and names.setdefault((word, key), name) != name:
            allowed = f"{names[word, key]!r}, as above for {key}"
            problems.append(Problem(f"{word}_name", name, allowed))
    return problems


def _merged(known: SitePlan, said: SitePlan) -> tuple[SitePlan, list[Problem]]:
    problems = []
    for field in fields(SitePlan):
        before, now = getattr(known, field.name), getattr(said, field.name)
        if now is None or field.name == "key":
            continue
        if before is not None and before != now:
            column = "site_name" if field.name == "name" else field.name
            problems.append(Problem(column, now, f"{before!r}, as above for site {said.key}"))
        known = replace(known, **{field.name: now})
    return known, problems


def _refuse_all(file: str, problems: Sequence[str]) -> None:
    if not problems:
        return
    shown = [f"{file}, {problem}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        shown.append(f"... and {len(problems) - _SHOWN} more")
    raise BadInputError("\n".join(shown))
