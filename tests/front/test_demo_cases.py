"""The demo's past at the desk agrees with the simulator's truth, and leaves nothing behind for the live one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from desk.past import PastCase
from domain.fault import Finding
from forecall.config import Settings
from forecall.demo import build_demo
from forecall.demo_cases import cases_of
from forecall.demo_work import Kept
from simulator.fleet import plan_fleet
from simulator.history import happenings
from simulator.lives import life_of
from simulator.script import MARGIN
from storage.database import Database, Row
from tests.conftest import copy_of

END = datetime(2026, 11, 22, 20, tzinfo=UTC)
START = END - timedelta(days=60)


@pytest.fixture(scope="module")
def demo(postgres: str, _template: str) -> Iterator[Database]:
    with copy_of(_template, postgres) as address:
        database = Database(address)
        settings = Settings(demo_clocks=4, demo_terminals=12, demo_history_days=7)
        build_demo(database, settings, END, lambda _what, _share: None)
        yield database
        database.close()


def rows(database: Database, query: str) -> list[Row]:
    with database.transaction() as conn:
        return conn.execute(query).fetchall()


def told() -> list[PastCase]:
    fleet = plan_fleet(10, 40, END.date())
    sites = {site.key: site for site in fleet.sites}
    found: list[PastCase] = []
    for number, device in enumerate(fleet.devices, 1):
        life = life_of(device, START - MARGIN, END + MARGIN)
        befell = happenings(device.kind, life, START, END)
        kept = Kept(device, number, sites[device.site], 1, 1, "Chen Wei")
        found += cases_of(kept, life, befell.spells, START, END)
    return found


def test_the_same_truth_makes_the_same_cases_and_all_kinds_of_them() -> None:
    cases = told()
    assert cases == told()
    assert {case.opening.origin for case in cases} == {"device", "prediction", "phone"}
    moves = {step.move for case in cases for step in case.steps}
    assert moves >= {"arrive", "repair", "replace", "restore", "fail_again", "cancel", "close"}
    found = {step.data.get("finding") for case in cases for step in case.steps}
    assert found >= {Finding.FAILED, Finding.WORN}
    assert all(START <= case.at < case.ended_at < END for case in cases)


def test_nothing_is_open_and_nobody_is_told(demo: Database) -> None:
    for table in ("alert", "announcement", "delivery", "notice", "pending_sign"):
        assert rows(demo, f"SELECT 1 FROM {table}") == []
    assert rows(demo, "SELECT action FROM audit_entry") == [{"action": "import_contracts"}]
    [ended] = rows(demo, "SELECT max(coalesce(closed_at, '2999-01-01Z')) AS last FROM ticket")
    assert ended["last"] < END


def test_the_last_two_closed_months_have_cases_of_several_engineers(demo: Database) -> None:
    months = rows(
        demo,
        """SELECT to_char(closed_at, 'YYYY-MM') AS month, count(DISTINCT assignee_id) AS engineers
           FROM ticket WHERE state = 'closed' GROUP BY 1""",
    )
    engineers = {row["month"]: row["engineers"] for row in months}
    assert min(engineers["2026-09"], engineers["2026-10"]) > 1


def test_failures_and_repairs_of_cases_are_those_on_record(demo: Database) -> None:
    """What models learn from is the simulator's, and no case adds to it or disagrees with it."""
    assert rows(demo, "SELECT 1 FROM failure WHERE source <> 'history'") == []
    assert rows(demo, "SELECT 1 FROM maintenance WHERE source <> 'history'") == []
    strange = rows(
        demo,
        """SELECT ticket.id FROM ticket
           JOIN LATERAL (SELECT max(at) AS at FROM ticket_event
                         WHERE ticket_id = ticket.id AND data ->> 'move' IN ('repair', 'replace'))
                AS mended ON mended.at IS NOT NULL
           WHERE NOT EXISTS (SELECT FROM maintenance
                             WHERE maintenance.device_id = ticket.device_id
                               AND maintenance.at = mended.at)
              OR fault_class = 'breakdown' AND failed_at IS NOT NULL
                 AND NOT EXISTS (SELECT FROM failure
                                 WHERE failure.device_id = ticket.device_id
                                   AND failure.component = ticket.component
                                   AND failure.at = ticket.failed_at)""",
    )
    assert strange == []


def test_nearly_every_failure_on_record_had_a_case(demo: Database) -> None:
    [counts] = rows(
        demo,
        """SELECT count(*) AS failures, count(*) FILTER (WHERE EXISTS (
               SELECT FROM ticket WHERE ticket.device_id = failure.device_id
                 AND ticket.opened_at <= failure.at + interval '1 day'
                 AND ticket.closed_at > failure.at)) AS told
           FROM failure""",
    )
    assert counts["told"] > 0.9 * counts["failures"] > 0


def test_some_of_the_work_is_covered_by_a_contract_and_some_is_not(demo: Database) -> None:
    verdicts = rows(
        demo,
        """SELECT DISTINCT data -> 'coverage' ->> 'verdict' AS verdict FROM ticket_event
           WHERE kind = 'opened' ORDER BY 1""",
    )
    assert [row["verdict"] for row in verdicts] == ["billable", "covered"]
