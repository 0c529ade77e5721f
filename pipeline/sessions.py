"""Which messages are new: each device's session remembers the sequence numbers that are stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct

from domain.report import DeviceReport
from pipeline.registry import RowGoneError
from storage.database import Conn, Row
from storage.literals import numbers, texts
from storage.queries import load


class Stretch(Struct):
    """What a batch holds of one session of one device.

    Attributes:
        boot_id: None for reports that were asked for: they are always new.
        places: of its reports in the batch, in the order in which the device sent them, its last
            will last.
        new: the session was never heard of before.
    """

    device_id: int
    boot_id: str | None
    places: list[int]
    new: bool = False


def stretches_of(reports: Sequence[DeviceReport], ids: Mapping[str, int]) -> list[Stretch]:
    """All that the batch holds, by device and session."""
    groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for place, report in enumerate(reports):
        boot = report.identity.boot_id if report.identity else None
        groups[report.device_key, boot].append(place)
    stretches = []
    for (key, boot), places in groups.items():
        if boot is None:
            places.sort(key=lambda place: reports[place].at)
            stretches.append(Stretch(ids[key], None, places))
        else:
            stretches.append(Stretch(ids[key], boot, _in_order(reports, places)))
    return stretches


def only_new(
    conn: Conn, reports: Sequence[DeviceReport], stretches: Sequence[Stretch]
) -> list[Stretch]:
    """What of `stretches` is not stored yet, marked as stored from now on, ordered by device.

    The statuses of the devices must be locked: who holds them is alone with their sessions. Raises
    RowGoneError when a session is not there.
    """
    told = [stretch for stretch in stretches if stretch.boot_id is not None]
    if told:
        _drop_known(conn, reports, told)
    return sorted(
        [stretch for stretch in stretches if stretch.places],
        key=lambda stretch: _rank(reports, stretch),
    )


def _rank(reports: Sequence[DeviceReport], stretch: Stretch) -> tuple[int, bool, datetime, str]:
    """Old sessions first: what a device's latest boot says is heard last."""
    return stretch.device_id, stretch.new, reports[stretch.places[0]].at, stretch.boot_id or ""


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


def _drop_known(conn: Conn, reports: Sequence[DeviceReport], stretches: Sequence[Stretch]) -> None:
    values = {
        "devices": numbers([stretch.device_id for stretch in stretches]),
        "boots": texts([stretch.boot_id or "" for stretch in stretches]),
        "seqs": "{" + ",".join([_ranges(_seqs(reports, each.places)) for each in stretches]) + "}",
    }
    rows = conn.execute(load("ingest")["mark_messages"], values).fetchall()
    missing = len(stretches) - rows[0]["marked"]
    if missing:
        raise RowGoneError(f"{missing} sessions are not there any more")
    for row in rows:
        if row["nth"] is not None:
            _note(reports, stretches[row["nth"] - 1], row)


def _note(reports: Sequence[DeviceReport], stretch: Stretch, row: Row) -> None:
    stretch.new = row["new"]
    if row["known"]:
        seqs = _seqs(reports, stretch.places)
        stretch.places = [
            place
            for place, seq in zip(stretch.places, seqs, strict=True)
            if not any(seq in part for part in row["known"])
        ]


def _ranges(seqs: Sequence[int]) -> str:
    """`seqs` as PostgreSQL reads a multirange in an array."""
    first, last = seqs[0], seqs[-1]
    if last - first == len(seqs) - 1 and all(a < b for a, b in pairwise(seqs)):
        return f'"{{[{first},{last}]}}"'
    return '"{' + ",".join(f"[{seq},{seq}]" for seq in seqs) + '}"'
