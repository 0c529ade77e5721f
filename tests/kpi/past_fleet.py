"""A demo's fleet with cases that were closed, for reports and notebooks: as if the desk had been at work."""

from __future__ import annotations

from datetime import UTC, datetime

from forecall.config import Settings
from forecall.demo import build_demo
from storage.database import Database

END = datetime(2026, 11, 22, 20, tzinfo=UTC)

_CASES = """
INSERT INTO ticket (device_id, component, fault_class, origin, state, severity, title, assignee_id,
                    opened_at, failed_at, returned_at, closed_at, finding, caused_by, version)
SELECT failure.device_id, component, 'breakdown',
       (ARRAY['device', 'phone', 'prediction', 'rule'])[1 + failure.id %% 4], 'closed', 'error',
       jsonb_build_object('template', 'Part failed', 'values', '{}'::jsonb), site.engineer_id, at, at,
       at + (2 + failure.id %% 7) * interval '1 hour', at + (5 + failure.id %% 9) * interval '1 hour',
       (ARRAY['failed', 'failed', 'worn', 'no_fault_found'])[1 + failure.id %% 4],
       (ARRAY['device', 'device', 'device', 'staff', 'user', 'outside', NULL])[1 + failure.id %% 7], 6
FROM failure
JOIN device ON device.id = failure.device_id
JOIN site ON site.id = device.site_id
WHERE at < %(end)s::timestamptz - interval '1 day'
"""
_EVENTS = """
INSERT INTO ticket_event (ticket_id, version, at, kind, actor, from_state, to_state)
SELECT ticket.id, step.version, opened_at + step.share * (closed_at - opened_at), step.kind, 'li',
       step.from_state, step.to_state
FROM ticket CROSS JOIN (VALUES
    (1, 0.0, 'opened', '', 'new'),
    (2, 0.1, 'moved', 'new', 'dispatched'),
    (3, 0.2, 'moved', 'dispatched', 'under_way'),
    (4, 0.4, 'moved', 'under_way', 'on_site'),
    (5, 0.8, 'moved', 'on_site', 'repaired'),
    (6, 1.0, 'moved', 'repaired', 'closed')
) AS step (version, share, kind, from_state, to_state)
"""


def build_past_fleet(database: Database, *, clocks: int, terminals: int, days: int) -> None:
    """The demo's fleet and its past up to END, each failure with a closed case."""
    settings = Settings(demo_clocks=clocks, demo_terminals=terminals, demo_history_days=days)
    build_demo(database, settings, END, lambda _what, _share: None)
    with database.transaction() as conn:
        conn.execute(_CASES, {"end": END})
        conn.execute(_EVENTS)
