"""Closed months: frozen, made again bit for bit, closed again with a reason; and what is disputed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from desk.actions import assign, move
from domain.device import Cause
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from kpi.staff.disputes import Downtime, decide, disputes, raise_dispute
from kpi.staff.months import Month, bounds, changes, close_month, is_reproduced, make, read_month
from kpi.staff.rules import rules_text
from kpi.uptime.exclusions import Exclusion
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from tests.alerts.conftest import World

UTC_ZONE = ZoneInfo("UTC")
MARCH = date(2026, 3, 1)


def worked(world: World) -> int:
    """A case in March that was closed, and came back after ten days; it is April now."""
    world.transition(world.kiosk, "down", Cause.REPORTED, "receiptPrinter", "hardwareError")
    world.evaluate()
    ticket = world.ticket().id
    assign(world.database, world.clock, ticket, world.engineer, actor="li")
    for name in ("dispatch", "arrive", "repair", "verify", "close"):
        world.pass_time(hours=1)
        move(world.database, world.clock, ticket, name, actor="li")
    world.transition(world.kiosk, "up", Cause.CONTACT)
    world.evaluate()
    world.pass_time(days=10)
    world.transition(world.kiosk, "down", Cause.REPORTED, "receiptPrinter", "hardwareError")
    world.evaluate()
    world.pass_time(days=25)
    return ticket


def close(world: World, reason: str = "") -> Month:
    return close_month(world.database, world.clock, MARCH, UTC_ZONE, actor="wang", reason=reason)


def test_a_closed_month_is_made_again_to_the_last_bit(world: World) -> None:
    worked(world)
    month = close(world)
    with world.database.transaction() as conn:
        kept = read_month(conn, MARCH)
    assert kept == month
    assert kept.version == 1
    assert is_reproduced(kept)


def test_a_month_that_was_closed_before_there_were_teams_is_made_again(world: World) -> None:
    worked(world)
    month = close(world)
    uptimes = dict(month.evidence.uptime)
    del uptimes[Scope.TEAM]
    reviews = make(replace(month.evidence, uptime=uptimes), month.rules)
    assert list(reviews) == [Scope.ENGINEER, Scope.REGION, Scope.CUSTOMER, Scope.SITE]
    assert list(changes(reviews, month.reviews)) == []


def test_a_team_has_the_figures_of_its_leader_and_all_who_report(world: World) -> None:
    with world.database.transaction() as conn:
        conn.execute("INSERT INTO engineer (key, name) VALUES ('wang', 'Wang')")
        conn.execute("UPDATE engineer SET reports_to = 2 WHERE id = 1")
    ticket = worked(world)
    [row] = close(world).reviews[Scope.TEAM].rows
    assert (row.key, row.name) == ("wang", "Wang")
    assert {case for figure in row.figures for case in figure.cases} == {ticket}


def test_other_rules_show_old_against_new(world: World) -> None:
    ticket = worked(world)
    month = close(world)
    [case] = month.evidence.cases
    assert case.ticket_id == ticket
    assert list(changes(month.reviews, make(month.evidence, rules_text()))) == []
    shorter = rules_text().replace("repeat_days = 30", "repeat_days = 7")
    found = {
        (change.scope, change.measure): (change.before, change.after)
        for change in changes(month.reviews, make(month.evidence, shorter))
    }
    assert found[Scope.ENGINEER, "repeats"] == (1, 0)
    assert found[Scope.ENGINEER, "first_time_fix"] == (0, 1)


def test_a_month_is_closed_again_only_with_a_reason_and_both_stay(world: World) -> None:
    ticket = worked(world)
    before = close(world)
    with pytest.raises(BadInputError, match="closed before: say why"):
        close(world)
    dispute = raise_dispute(world.database, world.clock, ticket, "the part was wrong", actor="li")
    decide(world.database, world.clock, dispute, accepted=True, answer="so it was", actor="wang")
    after = close(world, "a dispute was accepted")
    assert (before.version, after.version) == (1, 2)
    raised = {change.measure for change in changes(before.reviews, after.reviews)}
    assert "repeats, adjusted" in raised
    assert "repeats" not in raised
    with world.database.transaction() as conn:
        assert read_month(conn, MARCH, 1) == before
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            conn.execute("UPDATE review_month SET rules = ''")


def test_a_month_that_lasts_is_not_closed_nor_one_read_that_never_was(world: World) -> None:
    with pytest.raises(NotAllowedError, match="2026-03 is not over"):
        close(world)
    with world.database.transaction() as conn, pytest.raises(NotFoundError, match="never closed"):
        read_month(conn, MARCH)


def test_months_begin_at_midnight_there() -> None:
    start, end = bounds(date(2026, 12, 5), ZoneInfo("Asia/Tehran"))
    assert start.astimezone(UTC) == datetime(2026, 11, 30, 20, 30, tzinfo=UTC)
    assert end.astimezone(UTC) == datetime(2026, 12, 31, 20, 30, tzinfo=UTC)


def test_downtime_that_was_disputed_with_reason_does_not_count(world: World) -> None:
    now = world.clock.now()
    with world.database.transaction() as conn:
        conn.execute(
            """INSERT INTO device_transition
                   (device_id, from_state, to_state, at, cause, version, recorded_at)
               VALUES (%(id)s, 'up', 'down', %(at)s, 'reported', 900, %(at)s)""",
            {"id": world.kiosk, "at": now},
        )
    half = now + timedelta(hours=1)
    disputed = Downtime(world.kiosk, now, half)
    dispute = raise_dispute(world.database, world.clock, disputed, "lightning", actor="li")
    world.pass_time(hours=2)

    def counted() -> tuple[float, float]:
        with world.database.transaction() as conn:
            rows = uptime(conn, Scope.DEVICE, now, world.clock.now())
        [row] = [row for row in rows if row.down_s or row.excluded_s[Exclusion.DISPUTED]]
        return row.down_s, row.excluded_s[Exclusion.DISPUTED]

    assert counted() == (7200, 0)
    decide(world.database, world.clock, dispute, accepted=True, answer="yes", actor="wang")
    assert counted() == (3600, 3600)


def test_an_engineer_disputes_only_what_counts_for_them(world: World) -> None:
    ticket = worked(world)
    now = world.clock.now()
    with world.database.transaction() as conn:
        conn.execute("INSERT INTO engineer (key, name) VALUES ('wang', 'Wang')")
        conn.execute(
            """UPDATE site SET engineer_since = %s,
                   engineer_id = (SELECT id FROM engineer WHERE key = 'wang')""",
            (now,),
        )
    hour = timedelta(hours=1)
    before, after, across = (
        Downtime(world.kiosk, now + hour * first, now + hour * last)
        for first, last in ((-1, 0), (0, 1), (-1, 1))
    )

    def disputes_as(own: str, about: int | Downtime) -> None:
        raise_dispute(world.database, world.clock, about, "why", actor="li", own=own)

    for own, about in (("li", ticket), ("li", before), ("wang", after)):
        disputes_as(own, about)
    for own, about in (("wang", ticket), ("", ticket), ("li", after), ("li", across), ("", before)):
        with pytest.raises(NotFoundError, match="among your own"):
            disputes_as(own, about)


def test_who_may_decide_and_what_is_refused(world: World) -> None:
    ticket = worked(world)
    with pytest.raises(BadInputError, match="reason: 0 characters"):
        raise_dispute(world.database, world.clock, ticket, " ", actor="li")
    with pytest.raises(NotFoundError, match="no such ticket"):
        raise_dispute(world.database, world.clock, 999, "why", actor="li")
    number = raise_dispute(world.database, world.clock, ticket, "why", actor="li")

    def said(dispute: int, actor: str) -> None:
        decide(world.database, world.clock, dispute, accepted=False, answer="because", actor=actor)

    with pytest.raises(NotAllowedError, match="of their own"):
        said(number, "li")
    with pytest.raises(NotFoundError, match="no dispute 77"):
        said(77, "wang")
    said(number, "wang")
    with pytest.raises(NotAllowedError, match="was decided by wang"):
        said(number, "zhao")
    with world.database.transaction() as conn:
        [row] = disputes(conn)
        assert disputes(conn, only_open=True) == []
    assert (row["accepted"], row["answer"]) == (False, "because")
