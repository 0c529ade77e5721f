"""How fast attendance logs are parsed, and how many clocks one machine polls.

    python -m benchmarks.clocks [--records 200000] [--clocks 2000] [--seconds 180]

The parser is held against pyzk's own `get_attendance`, run on the same bytes: only its answers from
the network (`read_sizes`, `get_users`, `read_with_buffer`) are replaced by what is in memory, so that
neither side waits for a network. The fleet is polled by the collector as it runs in production, in a
process of its own, from emulated clocks in other processes, into a PostgreSQL of its own. Prints one
JSON object as the last line.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from zk import ZK

from benchmarks.clock_fleet import poll_fleet
from collectors.zkteco.columns import Punches
from collectors.zkteco.decode import read_attendance
from collectors.zkteco.known import Known
from domain.attendance import AttendanceRecord
from simulator.zkteco.records import punch_bytes, with_length
from simulator.zkteco.wire import encode_time

_USERS = 300
_EVERY = timedelta(seconds=397)
_REPEATS = 5

T = TypeVar("T")


def attendance_log(records: int) -> bytes:
    """A log as a clock of the common make sends it: 40 bytes a record, in order, some twice."""
    start = datetime(2015, 1, 1)  # noqa: DTZ001 - as a clock's wall shows it
    parts = []
    for n in range(records):
        moment = encode_time(start + _EVERY * (n - n % 50 // 49))
        parts.append(punch_bytes(40, n % _USERS, str(1000 + n % _USERS), 1 + n % 4, moment, n % 2))
    return with_length(b"".join(parts))


class _FromMemory(ZK):  # type: ignore[misc]  # pyzk has no types
    """pyzk, whose clock is a string of bytes."""

    def __init__(self, raw: bytes, records: int) -> None:
        super().__init__("127.0.0.1", ommit_ping=True)
        self._ZK__sock.close()
        self._raw, self._count = raw, records

    def read_sizes(self) -> bool:
        self.records = self._count
        return True

    def get_users(self) -> list[Any]:
        return []

    def read_with_buffer(self, _command: int, _fct: int = 0, _ext: int = 0) -> tuple[bytes, int]:
        return self._raw, len(self._raw)


def parse(records: int) -> dict[str, Any]:
    """Both parsers on the same bytes: CPU seconds, their ratio, and whether they agree."""
    raw = attendance_log(records)
    theirs, pyzk_s = _timed(_FromMemory(raw, records).get_attendance)
    runs = [_timed(lambda: read_attendance(raw, records, Known(), {})) for _ in range(_REPEATS)]
    log, ours_s = min(runs, key=lambda run: run[1])
    objects, objects_s = _timed(log.fresh.records)
    return {
        "records": records,
        "bytes": len(raw),
        "pyzk_get_attendance_cpu_s": round(pyzk_s, 3),
        "forecall_cpu_s": round(ours_s, 4),
        "times_faster": round(pyzk_s / ours_s, 1),
        "as_python_objects_cpu_s": round(ours_s + objects_s, 4),
        "same_result": _same(theirs, objects, log.fresh),
    }


def _same(theirs: list[Any], ours: list[AttendanceRecord], columns: Punches) -> bool:
    expected = [(each.user_id, each.timestamp, each.status, each.punch) for each in theirs]
    punches = [record.punch for record in ours]
    found = [(each.user_ref, each.local_time, each.status, each.punch) for each in punches]
    return found == expected and len(columns) == len(expected)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--records", type=int, default=200_000, help="in the log that is parsed")
    parser.add_argument("--clocks", type=int, default=2000, help="emulated clocks; 0: parse only")
    parser.add_argument(
        "--seconds", type=int, default=180, help="to poll them for, after a first round"
    )
    parser.add_argument("--workers", type=int, default=12, help="processes of the collector")
    options = parser.parse_args()
    result: dict[str, Any] = {"parse": parse(options.records)}
    if options.clocks:
        result["fleet"] = poll_fleet(options.clocks, options.seconds, options.workers)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
