"""What really befell the simulated parts: what a report can be held against, and no model may read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from domain.device import DeviceKind
from domain.errors import BadInputError
from simulator.evidence import visible_from
from simulator.fleet import Device
from simulator.lives import usage_of
from simulator.wear import Life, Rise

TRUTH_FILE = "truth.csv"
_FULL_USE = 1.0
_MAX_BYTES = 200_000_000


class Outcome(StrEnum):
    """How a rise of wear ended. `PREVENTED`: a planned repair came before the failure."""

    FAILED = "failed"
    PREVENTED = "prevented"
    SUBSIDED = "subsided"


@dataclass(frozen=True, slots=True)
class Truth:
    """One rise of wear of one component.

    Attributes:
        device, kind: its key and what it is.
        story: which of `simulator.stories` it is.
        first_sign: when the signs began; None: there were none.
        visible_from: when they had become visible (`simulator.evidence`); None: never.
        at: when it failed, was prevented, or had subsided.
        strength: share of the full effect on the signs that was reached.
    """

    device: str
    kind: str
    component: str
    story: str
    outcome: Outcome
    first_sign: datetime | None
    visible_from: datetime | None
    at: datetime
    strength: float


def truth_of(
    device: Device, time_zone: str, life: Life, start: datetime, end: datetime
) -> Iterator[Truth]:
    """The truth of every rise of `life` that ended between `start` and `end`, in order of time."""
    usage = _FULL_USE if device.kind is DeviceKind.CLOCK else usage_of(device.key)
    for rise in life.rises:
        if start <= rise.peak < end:
            yield Truth(
                device.key,
                device.kind.value,
                rise.component,
                rise.story,
                outcome_of(rise),
                rise.onset if rise.onset < rise.peak else None,
                visible_from(device, usage, time_zone, rise),
                rise.peak,
                round(rise.height, 3),
            )


def outcome_of(rise: Rise) -> Outcome:
    """How `rise` ended."""
    if rise.fails:
        return Outcome.FAILED
    return Outcome.PREVENTED if rise.service == "replaced" else Outcome.SUBSIDED


def write_truth(path: Path, rows: Iterable[Truth]) -> None:
    """Writes a CSV file with the columns of `Truth`; times in UTC."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Truth))
        for row in rows:
            writer.writerow(_cell(value) for value in astuple(row))


def read_truth(path: Path) -> list[Truth]:
    """Reads what `write_truth` wrote. Raises BadInputError with row and column of what does not fit."""
    if not path.is_file():
        raise BadInputError(f"truth: {path} is missing; `forecall simulate --history` writes it")
    if path.stat().st_size > _MAX_BYTES:
        raise BadInputError(f"truth: {path} is larger than {_MAX_BYTES} bytes")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = {field.name for field in fields(Truth)} - set(reader.fieldnames or ())
        if missing:
            raise BadInputError(f"{path.name}: column {min(missing)} is missing")
        return [_row(path.name, number, row) for number, row in enumerate(reader, start=2)]


def _row(file: str, number: int, row: dict[str, str]) -> Truth:
    try:
        at = _moment(row["at"])
        if at is None:
            raise ValueError("at: a time is needed")
        return Truth(
            row["device"],
            row["kind"],
            row["component"],
            row["story"],
            Outcome(row["outcome"]),
            _moment(row["first_sign"]),
            _moment(row["visible_from"]),
            at,
            float(row["strength"]),
        )
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{file}, row {number}: {error}") from error


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return "" if value is None else value
