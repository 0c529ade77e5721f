"""How long a changed file of rules is tried over a month of a fleet, beside the one in force; and what
the rules on what is measured cost a live fleet each minute and each hour.

    python -m benchmarks.rules [--devices 1000] [--days 30]

A tenth of the devices cross limits again and again; those have all their readings, a reading every five
minutes, the others hourly rollups. The last line is JSON: rows read from, and seconds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

from alerts import measures, series
from alerts.replay.compare import compare
from alerts.replay.past import open_past
from alerts.rules import read_book, shipped
from benchmarks.store import fresh_store
from storage.database import Conn, Database
from storage.engine import detect

_END = datetime(2026, 4, 1, tzinfo=UTC)

_CHANGED = """
disable = ["event:doorOpen"]

[change."threshold:x.LogFill"]
raise_at = 85

[[threshold]]
name = "hot-for-long"
metric = "x.PrintHeadTemperature"
component = "receiptPrinter"
fault_class = "degraded"
severity = "error"
message = "The print head is at {value} °C"
raise_at = 70
clear_at = 60
held_for = "30m"
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--devices", type=int, default=1_000)
    asked.add_argument("--days", type=int, default=30)
    chosen = asked.parse_args()
    with fresh_store() as database:
        found = _measured(database, chosen.devices, timedelta(days=chosen.days))
    for what, figure in found.items():
        print(f"{what:32} {figure:>14,}")
    print(json.dumps({"benchmark": "rules", **vars(chosen), **found}))


def _measured(database: Database, devices: int, span: timedelta) -> dict[str, Any]:
    with database.transaction() as conn:
        rows = _make_history(conn, devices, _END - span)
    with database.transaction() as conn:
        conn.execute("ANALYZE")
        return rows | _timed(conn, span)


def _timed(conn: Conn, span: timedelta) -> dict[str, Any]:
    past = open_past(conn, _END - span, _END, None, None)
    book = read_book(_CHANGED)
    found: dict[str, Any] = {}

    def tried() -> None:
        compared = compare(past, shipped(), book)
        found["alerts"] = compared.same + len(compared.new) + len(compared.gone)

    found["seconds of a try"] = _seconds(tried)
    found["seconds of a minute's look"] = _seconds(lambda: series.gauges(conn, _END, book))
    hour = _END + measures.SETTLES
    found["seconds of an hour's look"] = _seconds(lambda: measures.hours(conn, hour, book))
    return found


def _seconds(do: Callable[[], object]) -> float:
    began = perf_counter()
    do()
    return round(perf_counter() - began, 2)


_HISTORY = {
    "metric": """
        INSERT INTO metric (name, kind) VALUES
            ('x.LogFill', 'gauge'), ('x.ClockDrift', 'gauge'), ('x.PrintHeadTemperature', 'gauge'),
            ('x.SupplyVoltage', 'gauge'), ('x.PaperRemaining', 'gauge'),
            ('GoodReadCount', 'counter'), ('FailedReadCount', 'counter'),
            ('x.PowerOnCount', 'counter'), ('ReceiptLinePrintedCount', 'counter'),
            ('x.BillAcceptedCount', 'counter')""",
    "device": """
        INSERT INTO device (key, kind, model, adopted_at)
        SELECT 'd' || n, (ARRAY['clock', 'pos', 'kiosk'])[n %% 3 + 1], 'M-' || n %% 7, '2026-01-01Z'
        FROM generate_series(1, %(devices)s) AS n""",
    "transitions": """
        INSERT INTO device_transition (device_id, from_state, to_state, at, cause, version,
                                       recorded_at)
        SELECT device.id, CASE WHEN n %% 2 = 0 THEN 'down' ELSE 'up' END,
               CASE WHEN n %% 2 = 0 THEN 'up' ELSE 'down' END, told.at, 'missed_heartbeats', n,
               told.at
        FROM device
        CROSS JOIN generate_series(0, 20) AS n
        CROSS JOIN LATERAL (
            SELECT %(since)s::timestamptz + n * (%(until)s - %(since)s) / 21
                   + device.id %% 3000 * interval '1 second' AS at
        ) AS told""",
    "events": """
        INSERT INTO device_event (at, received_at, device_id, component, code, severity)
        SELECT told.at, told.at, device.id, 'receiptPrinter',
               (ARRAY['paperLow', 'paperOk', 'doorOpen', 'doorClosed', 'started', 'idle'])[n %% 6 + 1],
               'warning'
        FROM device
        CROSS JOIN generate_series(1, 200) AS n
        CROSS JOIN LATERAL (
            SELECT %(since)s::timestamptz + n * (%(until)s - %(since)s) / 201
                   + device.id %% 3000 * interval '1 second' AS at
        ) AS told""",
    "predictions": """
        INSERT INTO prediction (at, device_id, component, model_id, horizon_h, probability,
                                threshold, reasons)
        SELECT told.at, device.id, 'receiptPrinter', 1, 72,
               CASE WHEN device.id %% 10 = 0 AND extract(day FROM told.at)::int %% 9 = 0
                    THEN 0.8 ELSE 0.1 END, 0.5, '[]'
        FROM device
        CROSS JOIN generate_series(%(since)s::timestamptz, %(until)s, interval '30 minutes')
             AS told (at)""",
    # A day's rhythm; every tenth device goes beyond the limits each afternoon.
    "rollups": """
        INSERT INTO rollup_hourly (hour, device_id, metric_id, n, total, squares, low, high, first,
                                   last, growth)
        SELECT told.hour, device.id, metric.id, 12, 12 * of.value, 0, of.value - 1, of.value + 1,
               of.value, of.value, CASE WHEN metric.kind = 'counter' THEN 3 ELSE 0 END
        FROM device
        CROSS JOIN metric
        CROSS JOIN generate_series(%(since)s::timestamptz, %(until)s - interval '1 hour',
                                   interval '1 hour') AS told (hour)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN device.id %% 10 = 0 AND extract(hour FROM told.hour) > 15
                        THEN 95.0 ELSE 40.0 END AS value
        ) AS of""",
    "readings": """
        INSERT INTO reading (at, received_at, device_id, metric_id, value)
        SELECT rollup.hour + nth * interval '5 minutes', rollup.hour + nth * interval '5 minutes',
               rollup.device_id, rollup.metric_id, rollup.last + nth %% 3 - 1
        FROM rollup_hourly AS rollup
        JOIN metric ON metric.id = rollup.metric_id AND metric.kind = 'gauge'
        CROSS JOIN generate_series(0, 11) AS nth
        WHERE rollup.device_id %% 10 = 0 OR rollup.hour >= %(until)s - interval '2 hours'""",
}


def _make_history(conn: Conn, devices: int, since: datetime) -> dict[str, Any]:
    detect(conn).ensure(conn, since - timedelta(days=9), _END + timedelta(days=1))
    asked = {"devices": devices, "since": since, "until": _END}
    made = {name: conn.execute(sql.encode(), asked).rowcount for name, sql in _HISTORY.items()}
    return {name: made[name] for name in ("rollups", "readings", "events", "predictions")}


if __name__ == "__main__":
    main()
