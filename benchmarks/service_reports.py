"""What the reports about the service cost: a month of 10,000 devices and 20,000 cases, each with its history.

    python -m benchmarks.service_reports [--devices 10000] [--cases 20000]

For each kind the seconds from the question to the document, before it is set as a page: by the wall, and of the
processor in this process, which other work on the machine does not stretch. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time
from zoneinfo import ZoneInfo

from benchmarks.store import fresh_store
from kpi.reports.asked import Asked, Kind
from kpi.reports.kinds import operations, sla, statistics
from kpi.reports.period import read_period
from storage.database import Conn, Database
from storage.engine import detect

_MARCH = datetime(2026, 3, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_KINDS = (
    (operations.KIND, "2026-03", None),
    (operations.KIND, "2026-03", "c1"),
    (statistics.KIND, "2026-Q1", "c1"),
    (sla.KIND, "2026-03", "c1"),
)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--devices", type=int, default=10_000)
    asked.add_argument("--cases", type=int, default=20_000)
    chosen = asked.parse_args()
    with fresh_store() as database:
        seconds = _measured(database, chosen.devices, chosen.cases)
    for name, took in seconds.items():
        print(f"{name:25} {took[0]:6.2f} s, processor {took[1]:6.2f} s")
    print(json.dumps({"benchmark": "service_reports", **vars(chosen), "seconds": seconds}))


def _measured(database: Database, devices: int, cases: int) -> dict[str, tuple[float, float]]:
    with database.transaction() as conn:
        detect(conn).ensure(conn, _MARCH - 90 * _DAY, _MARCH + 60 * _DAY)
        _make_fleet(conn, devices)
        _make_cases(conn, devices, cases)
    with database.transaction() as conn:
        conn.execute("ANALYZE")
        return dict(_timed(conn, *each) for each in _KINDS)


def _timed(
    conn: Conn, kind: Kind, period: str, customer: str | None
) -> tuple[str, tuple[float, float]]:
    asked = Asked(read_period(period), ZoneInfo("UTC"), _MARCH + 33 * _DAY, customer)
    wall, processor = perf_counter(), process_time()
    kind.make(conn, asked)
    took = round(perf_counter() - wall, 2), round(process_time() - processor, 2)
    return f"{kind.name}, {customer or 'fleet'}", took


def _make_fleet(conn: Conn, devices: int) -> None:
    """50 customers with ten sites each; every device goes down for an hour once a day."""
    given = {"devices": devices, "start": _MARCH}
    conn.execute(
        "INSERT INTO customer (key, name) SELECT 'c' || n, 'C' FROM generate_series(1, 50) n"
    )
    conn.execute(
        """INSERT INTO site (key, name, customer_id)
           SELECT 's' || n, 'S', 1 + n % 50 FROM generate_series(1, 500) n"""
    )
    conn.execute(
        """INSERT INTO device (key, kind, model, firmware, site_id, installed_on, adopted_at)
           SELECT 'd' || n, 'kiosk', 'M' || n %% 5, '1.' || n %% 3, 1 + n %% 500, '2024-03-01',
                  %(start)s - interval '90 days'
           FROM generate_series(1, %(devices)s::integer) n""",
        given,
    )
    conn.execute(
        """INSERT INTO device_transition
               (device_id, from_state, to_state, at, cause, version, recorded_at)
           SELECT device.id, (ARRAY['down', 'up'])[1 + n %% 2], (ARRAY['up', 'down'])[1 + n %% 2],
                  moment, 'contact', n, moment
           FROM device CROSS JOIN generate_series(2, 180) n
           CROSS JOIN LATERAL (
               SELECT %(start)s::timestamptz - interval '60 days'
                      + (n / 2) * interval '1 day' + (n %% 2) * interval '1 hour' + device.id * interval '1 s' AS moment
           ) AS told""",
        given,
    )


def _make_cases(conn: Conn, devices: int, cases: int) -> None:
    """Spread over March; each visited, repaired and closed within half a day."""
    given = {"devices": devices, "cases": cases, "start": _MARCH}
    conn.execute(
        """INSERT INTO ticket (device_id, component, fault_class, origin, state, severity, title,
                               opened_at, failed_at, closed_at, version)
           SELECT 1 + n %% %(devices)s::integer, 'receiptPrinter', 'breakdown',
                  (ARRAY['device', 'phone'])[1 + n %% 2], 'closed', 'error', '{"template": "x"}',
                  at, at, at + interval '12 hours', 7
           FROM generate_series(1, %(cases)s::integer) n
           CROSS JOIN LATERAL (
               SELECT %(start)s::timestamptz + n * interval '30 days' / %(cases)s::integer AS at) AS told""",
        given,
    )
    conn.execute(
        """INSERT INTO ticket_event (ticket_id, version, at, kind, actor, from_state, to_state, data)
           SELECT ticket.id, step.version, opened_at + step.version * interval '40 min',
                  CASE step.version WHEN 1 THEN 'opened' ELSE 'moved' END, 'x', '', step.state,
                  CASE step.version WHEN 1 THEN '{"severity": "error", "fault_class": "breakdown",
                      "predicted_at": null}'::jsonb ELSE '{"move": "repair"}'::jsonb END
           FROM ticket CROSS JOIN (VALUES (1, 'new'), (2, 'planned'), (3, 'dispatched'),
               (4, 'on_site'), (5, 'repaired'), (6, 'verified'), (7, 'closed')) AS step (version, state)"""
    )


if __name__ == "__main__":
    main()
