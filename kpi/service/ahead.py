"""What is coming, as it is known now: foretold failures, supplies, ends of warranty and service life."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from desk.contracts.reading import contracts_of
from desk.coverage import ends
from domain.reason import Reason
from domain.text import N_, Text
from kpi.service.running import Standing
from kpi.service.scope import Whose
from storage.database import Conn, Row
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Foretold:
    """A failure that is foretold and has not come.

    Attributes:
        probability, until: of the newest prediction; None: it is foretold no more, and nobody has
            looked yet.
        why: its first reason.
    """

    ticket_id: int
    device: str
    site: str
    component: str
    predicted_at: datetime
    probability: float | None
    until: datetime | None
    why: Text | None


@dataclass(frozen=True, slots=True)
class Supply:
    """Something that runs out or fills up. One in ten comes before `early`, half before `likely`, one
    in ten after `late`; None: later than is looked ahead."""

    device: str
    site: str
    metric: str
    early: datetime
    likely: datetime | None
    late: datetime | None


class Ends(StrEnum):
    """What comes to its end."""

    WARRANTY = "warranty"
    LIFE = "life"


ENDS_TEXT: dict[Ends, str] = {
    Ends.WARRANTY: N_("warranty"),
    Ends.LIFE: N_("service life"),
}


@dataclass(frozen=True, slots=True)
class Ending:
    """A device's warranty or service life ends: `day` is the first one that is not within."""

    device: str
    site: str
    model: str
    what: Ends
    day: date


def read_foretold(conn: Conn, of: Whose, now: datetime) -> list[Foretold]:
    """The likeliest first."""
    asked = {"customer_id": of.customer_id, "now": now}
    return [_foretold(row) for row in conn.execute(load("reports_service")["foretold"], asked)]


def read_supplies(conn: Conn, of: Whose, now: datetime, before: datetime) -> list[Supply]:
    """Those that may end before a moment, the earliest first."""
    asked = {"customer_id": of.customer_id, "now": now, "before": before}
    return [Supply(**row) for row in conn.execute(load("reports_service")["supplies"], asked)]


def read_endings(
    conn: Conn, devices: Iterable[Standing], now: datetime, first: date, last: date
) -> list[Ending]:
    """Warranties and service lives that end on a day of [first, last), by day."""
    known = list(devices)
    agreed = contracts_of(conn, [device.device_id for device in known])
    found = [
        Ending(device.key, device.site, device.model, what, day)
        for device in known
        for what, day in _days(ends(agreed[device.device_id], now))
        if first <= day < last
    ]
    return sorted(found, key=lambda one: (one.day, one.device, one.what))


def _days(found: tuple[date | None, date | None]) -> Iterator[tuple[Ends, date]]:
    for what, day in zip(Ends, found, strict=True):
        if day is not None:
            yield what, day


def _foretold(row: Row) -> Foretold:
    reasons = row.pop("reasons") or []
    why = Reason.from_json(reasons[0]).text if reasons else None
    return Foretold(**row, why=why)
