"""How long one turn of scoring takes, of a large fleet all of which has news.

python -m benchmarks.score [--devices 5000] [--turns 3]. The last line is JSON: seconds of each turn,
half an hour of the fleet's life after the one before, from the store to the stored predictions.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from math import ceil

import numpy as np

from benchmarks.kiosks import METRICS, ROLLUP, add_kiosks
from benchmarks.store import fresh_store
from domain.clock import ManualClock
from models.live.score import score
from models.registry.catalogue import Stage, listing
from models.registry.stages import promote
from models.settings import TrainSettings
from models.training.train import train
from pipeline.features.frames import Ints
from pipeline.features.vocabulary import Vocabulary
from storage.arrays import write_arrays
from storage.database import Database
from storage.engine import detect

_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_TURN = timedelta(minutes=30)
_HOURS = ceil(Vocabulary().lookback_h) + 24
_PARTS = ("billAcceptor", "cutter", "receiptPrinter")
_CODES = ("jamAcceptor", "paperJam", "headHot", "coverOpen")
_LEARN = TrainSettings(step=timedelta(hours=12), max_devices=200)


def main() -> None:
    """Fills a store of its own, trains a model a component, and scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=5_000)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    with fresh_store() as database:
        rng = np.random.default_rng(0)
        ids = add_kiosks(database, asked.devices, _NOW)
        with database.transaction() as conn:
            oldest = _NOW - timedelta(hours=_HOURS + 720)
            detect(conn).ensure(conn, oldest, _NOW + timedelta(days=1))
        for hour in range(_HOURS, 0, -1):
            _hour(database, ids, _NOW - timedelta(hours=hour), rng)
        _told(database, ids, rng)
        clock = ManualClock(_NOW)
        models = _models(database, clock)
        seconds: list[float] = []
        written = 0
        for turn in range(asked.turns):
            began = time.perf_counter()
            written = score(database, clock)
            seconds.append(round(time.perf_counter() - began, 2))
            if turn % 2:  # the hour is full
                _hour(database, ids, _NOW + timedelta(hours=turn // 2), rng)
            clock.advance(_TURN)
    found = {"devices": asked.devices, "metrics": len(METRICS), "models": models}
    print(json.dumps(found | {"predictions": written, "seconds": seconds}))


def _hour(database: Database, ids: Ints, at: datetime, rng: np.random.Generator) -> None:
    hour = np.full(len(ids), np.datetime64(at.replace(tzinfo=None), "us"))
    with database.transaction() as conn:
        for row in conn.execute("SELECT id FROM metric ORDER BY id").fetchall():
            level, four = rng.normal(40, 5, len(ids)), np.full(len(ids), 4)
            values = [4 * level, 4 * level**2 + 1, level - 1, level + 1, level, level]
            grown = rng.poisson(3, len(ids)).astype(float)
            numbers = [hour, ids, np.full(len(ids), row["id"]), four, *values, grown]
            write_arrays(conn, "rollup_hourly", ROLLUP, numbers)


def _told(database: Database, ids: Ints, rng: np.random.Generator) -> None:
    """A failure and a service of some devices' parts, and an event a device every other day."""
    some = rng.choice(ids, (len(_PARTS), len(ids) // 4)).tolist()
    failed = [
        (_NOW - timedelta(hours=float(rng.uniform(1, _HOURS))), device, part)
        for part, devices in zip(_PARTS, some, strict=True)
        for device in devices
    ]
    events = [
        (_NOW - timedelta(hours=float(rng.uniform(0, 720))), int(device), int(rng.integers(4)))
        for device in np.repeat(ids, 15)
    ]
    with database.transaction() as conn, conn.cursor() as cursor:
        for table, last in (("failure", ""), ("maintenance", ", action")):
            with cursor.copy(
                f"COPY {table} (at, recorded_at, device_id, component, source{last}) FROM STDIN".encode()
            ) as copy:
                for at, device, part in failed:
                    copy.write_row(
                        [at, at, device, part, "import", *(["repaired"] if last else [])]
                    )
        with cursor.copy(
            "COPY device_event (at, received_at, device_id, component, code, severity) FROM STDIN"
        ) as copy:
            for at, device, code in events:
                part = _PARTS[code % len(_PARTS)]
                copy.write_row([at, at, device, part, _CODES[code], ("warning", "error")[code % 2]])


def _models(database: Database, clock: ManualClock) -> int:
    """Trains, and puts every model in charge, whatever it is worth."""
    train(database, clock, settings=_LEARN)
    with database.transaction() as conn:
        for row in listing(conn):
            if row["stage"] != Stage.CHAMPION:
                promote(conn, clock, row["id"], actor="benchmark", reason="to be measured")
        return len(listing(conn))


if __name__ == "__main__":
    main()
