"""Who gets a ticket, why, and who is told when a promise is about to be broken."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from desk import ledger
from desk.assignment import FULL, Choice, Shift, Want, choose
from desk.calls import Call, Channel, take
from desk.case import Kind, Ticket
from desk.escalation import Due, escalate
from tests.alerts.conftest import World

DAY = Shift(frozenset({1, 2, 3, 4, 5}), time(9), time(18), "Asia/Tehran")
NIGHT = Shift(frozenset({5}), time(22), time(6), "UTC")
ALWAYS = Shift(frozenset(), None, None, "UTC")


@pytest.mark.parametrize(
    ("shift", "at", "works"),
    [
        (ALWAYS, "2026-03-02 03:00", True),
        (DAY, "2026-03-02 05:29", False),  # Monday, 08:59 in Tehran
        (DAY, "2026-03-02 05:30", True),
        (DAY, "2026-03-02 14:30", False),  # 18:00
        (DAY, "2026-03-07 08:00", False),  # Saturday
        (NIGHT, "2026-03-06 22:00", True),  # Friday
        (NIGHT, "2026-03-07 05:59", True),  # still Friday's
        (NIGHT, "2026-03-07 06:00", False),
        (NIGHT, "2026-03-06 05:00", False),  # Thursday's would be it
    ],
)
def test_a_shift_goes_by_its_own_clocks_and_over_midnight(
    shift: Shift, at: str, works: bool
) -> None:
    assert shift.covers(datetime.fromisoformat(at).replace(tzinfo=UTC)) is works


def engineer(world: World, key: str, **facts: object) -> int:
    names = ["key", "name", *facts]
    with world.database.transaction() as conn:
        row = conn.execute(
            f"""INSERT INTO engineer ({", ".join(names)})
                VALUES ({", ".join(["%s"] * len(names))}) RETURNING id""".encode(),
            [key, key.title(), *facts.values()],
        ).fetchone()
    assert row is not None
    return int(row["id"])


def who(world: World, component: str = "receiptPrinter", many: int = 1) -> list[Choice]:
    with world.database.transaction() as conn:
        return choose(conn, [Want(world.kiosk, None, component)] * many, world.clock.now())


def run(world: World, statement: str) -> None:
    with world.database.transaction() as conn:
        conn.execute(statement.encode())


def test_who_looks_after_the_site_comes_first(world: World) -> None:
    engineer(world, "idle")
    [choice] = who(world)
    assert choice.engineer_id == world.engineer
    assert str(choice.why) == "Li Wei looks after this site and is on shift"


def test_off_shift_the_least_loaded_of_the_region_goes_and_then_anybody(world: World) -> None:
    run(world, "UPDATE engineer SET region = 'east', shift_days = '{7}'")  # it is Monday
    far = engineer(world, "far", region="west")
    assert who(world)[0].engineer_id == far
    near, other = (engineer(world, key, region="east") for key in ("near", "other"))
    chosen = who(world, many=4)
    assert [each.engineer_id for each in chosen] == [near, other, near, other]  # load is counted on
    assert "in the region" in str(chosen[0].why)
    run(world, "UPDATE engineer SET shift_days = '{7}'")
    assert who(world)[0].engineer_id == world.engineer
    assert "nobody who can is on shift" in str(who(world)[0].why)


def test_the_city_counts_as_a_region(world: World) -> None:
    run(world, "UPDATE site SET city = 'Tehran', engineer_id = NULL, engineer_since = now()")
    engineer(world, "far", region="west")
    near = engineer(world, "near", region="Tehran")
    assert who(world)[0].engineer_id == near


def test_skill_is_a_kind_of_device_or_a_component(world: World) -> None:
    run(world, "UPDATE engineer SET skills = '{clock}'")
    kiosks = engineer(world, "kiosks", skills=["kiosk"])
    assert who(world)[0].engineer_id == kiosks
    run(world, "UPDATE engineer SET skills = '{cardReader}'")
    assert who(world, "cardReader")[0].engineer_id == world.engineer
    [nobody] = who(world)
    assert (nobody.engineer_id, str(nobody.why)) == (
        None,
        "there is no engineer with the skill for it",
    )


def test_who_has_too_much_is_passed_over_and_the_disabled_never_chosen(world: World) -> None:
    chosen = [each.engineer_id for each in who(world, many=FULL)]
    assert set(chosen) == {world.engineer}
    idle = engineer(world, "idle")
    assert who(world, many=FULL + 1)[-1].engineer_id == idle
    run(world, "UPDATE engineer SET disabled_at = now()")
    assert who(world)[0].engineer_id is None


def test_an_own_site_without_a_device_is_a_place_too(world: World) -> None:
    [site] = world.rows("SELECT id FROM site")
    with world.database.transaction() as conn:
        [choice] = choose(conn, [Want(None, site["id"], "")], world.clock.now())
        assert choose(conn, [], world.clock.now()) == []
    assert choice.engineer_id == world.engineer


def late(world: World, ticket: Ticket, *, breached: bool) -> Ticket:
    with world.database.transaction() as conn:
        locked = ledger.lock(conn, ticket.id)
        due = Due(locked, "plan of action", breached)
        [told] = escalate(conn, [due], world.clock.now())
        return told


def test_escalation_climbs_from_level_to_level_and_is_recorded(world: World) -> None:
    boss = engineer(world, "boss")
    lead = engineer(world, "lead", reports_to=boss)
    run(world, f"UPDATE engineer SET reports_to = {lead} WHERE id = {world.engineer}")
    call = Call(Channel.PHONE, "dark", device_id=world.kiosk)
    ticket = take(world.database, world.clock, call, actor="desk")
    for breached, told in ((False, lead), (True, boss), (True, None)):
        ticket = late(world, ticket, breached=breached)
        event = world.events(ticket.id)[-1]
        assert (event.kind, event.data["engineer_id"]) == (Kind.ESCALATED, told)
    assert world.ticket().level == 3
    assert ticket.assignee_id == world.engineer  # help comes; the case stays where it is


def test_a_circle_of_superiors_ends(world: World) -> None:
    other = engineer(world, "other", reports_to=world.engineer)
    run(world, f"UPDATE engineer SET reports_to = {other} WHERE id = {world.engineer}")
    call = Call(Channel.PHONE, "dark", device_id=world.kiosk)
    ticket = take(world.database, world.clock, call, actor="desk")
    ticket = late(world, late(world, ticket, breached=False), breached=True)
    assert world.events(ticket.id)[-1].data["engineer_id"] is None
