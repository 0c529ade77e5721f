"""Which messages are new: each device's session remembers the sequence numbers that are stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from psycopg.types.multirange import Multirange

from domain.report import DeviceReport
from storage.database import Conn
from storage.queries import load


@dataclass(slots=True)
class Stretch:
    """What a batch holds of one session of one device.

    Attributes:
        places: of its reports in the batch, in the order in which the device sent them, its last
            will last.
        new: the session was never heard of before.
    """

    device_id: int
    boot_id: str
    places: list[int]
    new: bool = False


def new_stretches(
    conn: Conn, ids: Mapping[str, int], reports: Sequence[DeviceReport], now: datetime
) -> list[Stretch]:
    """What of `reports` is not stored yet, marked as stored from now on, ordered by device.

    Locks the sessions until the transaction ends. A report without an identity is always new.
    """
    groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for place, report in enumerate(reports):
        boot = report.identity.boot_id if report.identity else None
        groups[report.device_key, boot].append(place)
    told, untold = [], []
    for (key, boot), places in groups.items():
        if boot is None:
            places.sort(key=lambda place: reports[place].at)
            untold.append(Stretch(ids[key], "", places))
        else:
            told.append(Stretch(ids[key], boot, _in_order(reports, places)))
    _drop_known(conn, reports, told, now)
    fresh = [stretch for stretch in (*told, *untold) if stretch.places]
    return sorted(fresh, key=lambda stretch: _rank(reports, stretch))


def _rank(reports: Sequence[DeviceReport], stretch: Stretch) -> tuple[int, bool, datetime, str]:
    """Old sessions first: what a device's latest boot says is heard last."""
    begun = min(reports[place].at for place in stretch.places)
    return stretch.device_id, stretch.new, begun, stretch.boot_id


def _seqs(reports: Sequence[DeviceReport], places: Sequence[int]) -> list[int]:
    return [identity.seq for place in places if (identity := reports[place].identity)]


def _in_order(reports: Sequence[DeviceReport], places: list[int]) -> list[int]:
    """By number, each once, the last will last. Mostly they come so."""
    seqs = _seqs(reports, places)
    if seqs[0] and seqs == list(range(seqs[0], seqs[0] + len(seqs))):
        return places
    first: dict[int, int] = {}
    for seq, place in zip(seqs, places, strict=True):
        first.setdefault(seq, place)

    def rank(item: tuple[int, int]) -> tuple[bool, int]:
        seq, place = item
        return reports[place].contact.is_will, seq

    return [place for _, place in sorted(first.items(), key=rank)]


def _drop_known(
    conn: Conn, reports: Sequence[DeviceReport], stretches: Sequence[Stretch], now: datetime
) -> None:
    if not stretches:
        return
    found = _mark(conn, reports, stretches)
    if len(found) < len(stretches):
        missing = [stretch for place, stretch in enumerate(stretches) if place not in found]
        _open(conn, missing, now)
        again = _mark(conn, reports, missing)
        known = [(missing[place], numbers) for place, numbers in again.items()]
    else:
        known = []
    for stretch, numbers in [*((stretches[place], each) for place, each in found.items()), *known]:
        if numbers:
            seqs = _seqs(reports, stretch.places)
            stretch.places = [
                place
                for place, seq in zip(stretch.places, seqs, strict=True)
                if not any(seq in stored for stored in numbers)
            ]


def _mark(
    conn: Conn, reports: Sequence[DeviceReport], stretches: Sequence[Stretch]
) -> dict[int, Multirange[int] | None]:
    """By place, for each session that is known: those of its numbers that were stored before."""
    values = {
        "devices": [stretch.device_id for stretch in stretches],
        "boots": [stretch.boot_id for stretch in stretches],
        "seqs": [_ranges(_seqs(reports, stretch.places)) for stretch in stretches],
    }
    rows = conn.execute(load("ingest")["mark_messages"], values).fetchall()
    return {row["nth"] - 1: row["known"] for row in rows}


def _open(conn: Conn, stretches: Sequence[Stretch], now: datetime) -> None:
    values = {
        "devices": [stretch.device_id for stretch in stretches],
        "boots": [stretch.boot_id for stretch in stretches],
        "now": now,
    }
    rows = conn.execute(load("ingest")["open_sessions"], values).fetchall()
    opened = {(row["device_id"], row["boot_id"]) for row in rows}
    for stretch in stretches:
        stretch.new = (stretch.device_id, stretch.boot_id) in opened


def _ranges(seqs: Sequence[int]) -> str:
    """`seqs` as PostgreSQL reads a multirange."""
    first, last = seqs[0], seqs[-1]
    if last - first == len(seqs) - 1 and all(a < b for a, b in pairwise(seqs)):
        return f"{{[{first},{last}]}}"
    return "{" + ",".join(f"[{seq},{seq}]" for seq in seqs) + "}"
