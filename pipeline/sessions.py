"""Which messages are new: each device's session remembers the sequence numbers that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.report import DeviceReport
from storage.database import Conn
from storage.queries import load


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report of a registered device. `new_session`: its boot was never heard of before."""

    device_id: int
    report: DeviceReport
    new_session: bool = False


def drop_duplicates(
    conn: Conn, arrivals: Sequence[tuple[int, DeviceReport]], now: datetime
) -> list[Arrival]:
    """What of `arrivals` (device id, report) is not stored yet, marked as stored from now on.

    Locks the sessions until the transaction ends. A report without an identity is always new.
    """
    known = [(device, report) for device, report in arrivals if report.identity is not None]
    new_sessions = _open(conn, known, now)
    fresh = _claim(conn, known)
    kept = [
        Arrival(device, report, (device, _boot(report)) in new_sessions) for device, report in fresh
    ]
    return kept + [Arrival(device, report) for device, report in arrivals if not report.identity]


def _boot(report: DeviceReport) -> str:
    assert report.identity is not None
    return report.identity.boot_id


def _open(
    conn: Conn, known: Sequence[tuple[int, DeviceReport]], now: datetime
) -> set[tuple[int, str]]:
    sessions = {(device, _boot(report)) for device, report in known}
    if not sessions:
        return set()
    devices, boots = zip(*sessions, strict=True)
    rows = conn.execute(
        load("ingest")["open_sessions"],
        {"devices": list(devices), "boots": list(boots), "now": now},
    ).fetchall()
    return {(row["device_id"], row["boot_id"]) for row in rows}


def _claim(conn: Conn, known: Sequence[tuple[int, DeviceReport]]) -> list[tuple[int, DeviceReport]]:
    if not known:
        return []
    rows = conn.execute(
        load("ingest")["claim_messages"],
        {
            "devices": [device for device, _ in known],
            "boots": [_boot(report) for _, report in known],
            "seqs": [report.identity.seq for _, report in known if report.identity],
        },
    ).fetchall()
    return [known[place] for place in sorted(row["nth"] - 1 for row in rows)]
