"""Which messages are new: the store's ranges against a plain set, whatever order they come in."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from domain.clock import ManualClock
from domain.device import ReportedState
from domain.report import (
    Contact,
    DeviceReport,
    EventReport,
    Identity,
    Severity,
)
from pipeline.ingest import Ingest
from storage.database import Database

STATES = (None, ReportedState.ONLINE, ReportedState.HARDWARE_ERROR)


@pytest.mark.parametrize("seed", range(3))
def test_new_and_known_messages_are_told_apart_as_a_set_would(
    database: Database, clock: ManualClock, seed: int
) -> None:
    chance, ingest = random.Random(seed), Ingest(database, clock, "mqtt")
    seen: set[tuple[str, str, int]] = set()
    for _ in range(25):
        names = [
            (f"d{chance.randrange(3)}", f"b{chance.randrange(2)}", chance.randrange(60))
            for _ in range(chance.randrange(1, 30))
        ]
        result = ingest.store(
            [
                DeviceReport(device, clock.now(), clock.now(), Identity(boot, seq))
                for device, boot, seq in names
            ]
        )
        assert result.stored == len(set(names) - seen)
        assert result.duplicate == len(names) - result.stored
        seen |= set(names)
    with database.transaction() as conn:
        ranges = conn.execute(
            "SELECT range_agg(r)::text AS r FROM "
            "(SELECT unnest(seen) AS r FROM device_session s JOIN device d ON d.id = s.device_id "
            "WHERE d.key = 'd0' AND boot_id = 'b0') AS parts"
        ).fetchone()
    assert ranges
    assert ranges["r"] == _ranges(sorted(seq for d, b, seq in seen if (d, b) == ("d0", "b0")))


def _ranges(numbers: list[int]) -> str:
    """The numbers as PostgreSQL writes a multirange."""
    begins = [n for n in numbers if n - 1 not in numbers]
    ends = [n + 1 for n in numbers if n + 1 not in numbers]
    return "{" + ",".join(f"[{a},{b})" for a, b in zip(begins, ends, strict=True)) + "}"


def _day(chance: random.Random, clock: ManualClock) -> list[DeviceReport]:
    """One batch: two devices, each with two sessions, in the order in which they were sent."""
    reports = []
    for device in ("d1", "d2"):
        moment = clock.now() - timedelta(hours=1)
        for boot in ("first", "second"):
            for seq in range(1, 12):
                moment += timedelta(seconds=chance.randrange(1, 60))
                contact = Contact(interval_s=60, reported=chance.choice(STATES))
                event = EventReport("cardReader", f"c{seq}", Severity.INFO)
                reports.append(
                    DeviceReport(
                        *(device, moment, moment + timedelta(seconds=1), Identity(boot, seq)),
                        contact=contact,
                        gauges={"x.SupplyVoltage": chance.random()},
                        events=(event,),
                    )
                )
    return reports


def _stored(database: Database, prefix: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that a fleet left in the store, without the numbers that the store gave it."""
    statements = {
        "status": "SELECT right(key, 2), state, since, reported, boot_id, seq, last_seen_at, due_at,"
        " version FROM device_status s JOIN device d ON d.id = device_id",
        "transition": "SELECT right(key, 2), from_state, to_state, t.at, cause, detail, version"
        " FROM device_transition t JOIN device d ON d.id = device_id",
        "reading": "SELECT right(key, 2), r.at, value FROM reading r JOIN device d ON d.id = device_id",
        "event": "SELECT right(key, 2), e.at, code FROM device_event e JOIN device d ON d.id = device_id",
        "sign": "SELECT right(key, 2), s.at, code, s.kind, to_state FROM pending_sign s"
        " JOIN device d ON d.id = device_id",
    }
    stored = {}
    with database.transaction() as conn:
        for name, statement in statements.items():
            rows = conn.execute(f"{statement} WHERE key LIKE '{prefix}%'".encode())
            stored[name] = sorted((tuple(row.values()) for row in rows), key=str)
    return stored


@pytest.mark.parametrize("seed", range(4))
def test_order_and_redelivery_of_a_batch_change_nothing(
    database: Database, clock: ManualClock, seed: int
) -> None:
    chance, ingest = random.Random(seed), Ingest(database, clock, "mqtt")
    sent = _day(chance, clock)
    ingest.store([replace(report, device_key=f"a-{report.device_key}") for report in sent])
    mixed = [replace(report, device_key=f"b-{report.device_key}") for report in sent]
    mixed += chance.sample(mixed, 10)
    chance.shuffle(mixed)
    ingest.store(mixed)
    ingest.store(chance.sample(mixed, 20))
    assert _stored(database, "b-") == _stored(database, "a-")
    assert len(_stored(database, "a-")["transition"]) > 4


def test_writers_at_once_store_each_message_once_and_never_block_each_other(
    database: Database, clock: ManualClock
) -> None:
    sent = [
        DeviceReport(
            *(f"d{seq % 10}", clock.now(), clock.now(), Identity(f"b{seq % 3}", seq)),
            contact=Contact(reported=STATES[seq % 3]),
            gauges={"x.SupplyVoltage": float(seq)},
        )
        for seq in range(1, 300)
    ]
    with ThreadPoolExecutor(4) as pool:
        stored = list(pool.map(partial(_store_shuffled, database, clock, sent), range(4)))
    assert sum(stored) == len(sent)
    assert len(_stored(database, "d")["reading"]) == len(sent)


def _store_shuffled(
    database: Database, clock: ManualClock, sent: list[DeviceReport], seed: int
) -> int:
    """Stores all of `sent` in batches of its own order; returns how many were new."""
    mixed = random.Random(seed).sample(sent, len(sent))
    ingest = Ingest(database, clock, "mqtt")
    batches = [mixed[start : start + 40] for start in range(0, len(mixed), 40)]
    return sum(ingest.store(batch).stored for batch in batches)


def test_a_session_full_of_gaps_stays_small_and_knows_what_is_recent(
    database: Database, clock: ManualClock
) -> None:
    ingest = Ingest(database, clock, "mqtt")
    sent = [
        DeviceReport("d", clock.now(), clock.now(), Identity("boot", seq))
        for seq in range(1, 12_001, 2)
    ]
    batches = [sent[at : at + 1_000] for at in range(0, len(sent), 1_000)]
    assert sum(ingest.store(batch).stored for batch in batches) == len(sent)
    assert ingest.store(sent).duplicate == len(sent)
    late = [replace(sent[0], identity=Identity("boot", seq)) for seq in (11_998, 2)]
    assert ingest.store(late).stored == 1  # the one whose gap is among the newest
    with database.transaction() as conn:
        row = conn.execute("SELECT pg_column_size(seen) AS size FROM device_session").fetchone()
    assert row
    assert row["size"] < 40_000
