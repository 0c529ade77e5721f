"""One cause, one alert: what is recognised, and what becomes of its members."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from alerts import batches, parents
from alerts.batches import Batch, Member
from alerts.lifecycle import AlertState
from alerts.suppression import shelve, unshelve
from desk.actions import move
from desk.case import Kind
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from tests.alerts.conftest import World
from tests.alerts.fleets import HOLD, add_fleet, come_back, go_down, hang_on, told


def only_batch(world: World) -> Batch:
    with world.database.transaction() as conn:
        [found] = batches.batches(conn)
    return found


def all_batches(world: World) -> list[Batch]:
    with world.database.transaction() as conn:
        return batches.batches(conn, only_open=False)


def members_of(world: World, batch_id: int) -> list[Member]:
    with world.database.transaction() as conn:
        return batches.members(conn, batch_id)


def live(world: World, device: int, changes: Mapping[str, datetime]) -> None:
    """Writes down what a device's states were."""
    for state, at in changes.items():
        world.rows(
            f"""INSERT INTO device_transition
                    (device_id, from_state, to_state, at, cause, version, recorded_at)
                SELECT {device}, 'unwatched', '{state}', '{at}', 'contact', count(*) + 1, '{at}'
                FROM device_transition WHERE device_id = {device} RETURNING id"""
        )


@pytest.fixture
def shop(world: World) -> list[int]:
    """Ten devices of one site, in a fleet of a hundred others."""
    add_fleet(world, "other", 100, site="elsewhere")
    return add_fleet(world, "shop", 10, site="shop")


def after_hold(world: World) -> None:
    world.evaluate(HOLD)
    world.clock.advance(HOLD)
    world.evaluate(HOLD)


def test_a_site_that_goes_dark_is_one_alert_with_one_ticket_and_its_evidence(
    world: World, shop: list[int]
) -> None:
    """louislam/uptime-kuma#1089: thirty notifications for one dead router."""
    go_down(world, shop)
    after_hold(world)
    batch = only_batch(world)
    assert (str(batch.place), batch.members, batch.active) == ("site Site shop", 10, 10)
    assert [str(text) for text in batch.evidence[:3]] == [
        "site Site shop: 10 of 10 devices within 10 min",
        str(batch.evidence[1]),
        "Elsewhere: 0 of 103 devices at the same time",
    ]
    assert "once in 10^" in str(batch.evidence[1])
    [ticket] = world.tickets()
    assert (ticket.origin, ticket.batch_id, ticket.fault) == ("batch", batch.id, None)
    assert str(ticket.title) == "10 devices went down together: site Site shop"
    assert batch.ticket_id == ticket.id
    assert told(world, "batch.opened") == [f"batch/{batch.id}"]
    assert told(world, "alert.raised") == []
    assert {member.device_id for member in members_of(world, batch.id)} == set(shop)


def test_the_members_states_and_uptime_stay_their_own(world: World, shop: list[int]) -> None:
    """louislam/uptime-kuma#1089: a child's uptime must not be its parent's."""
    began = world.clock.now()
    away = {device: timedelta(minutes=nth) for nth, device in enumerate(shop[:9], start=1)}
    for device in shop:
        live(world, device, {"up": began - timedelta(hours=1)})
    for device, span in away.items():
        live(world, device, {"down": began, "up": began + span})
    go_down(world, shop[:9])
    after_hold(world)
    for device, span in away.items():
        world.clock.set(began + span)
        come_back(world, [device])
        world.evaluate(HOLD)
    assert [batch.members for batch in all_batches(world)] == [9]
    with world.database.transaction() as conn:
        found = uptime(conn, Scope.DEVICE, began, world.clock.now())
    down = {one.key: one.down_s + sum(one.excluded_s.values()) for one in found if one.up_s}
    assert down == {f"shop{nth}": 60.0 * (nth % 10) for nth in range(1, 11) if nth != 9}
    assert world.rows("SELECT * FROM failure") == []


def test_nothing_is_told_before_it_is_known_whether_others_have_it_too(world: World) -> None:
    go_down(world, [world.kiosk])
    world.evaluate(HOLD)
    assert (world.tickets(), told(world, "alert.raised")) == ([], [])
    world.clock.advance(HOLD)
    world.evaluate(HOLD)
    assert len(world.tickets()) == 1
    assert len(told(world, "alert.raised")) == 1


def test_a_fault_that_is_gone_before_it_is_told_gets_no_ticket(world: World) -> None:
    """keephq/keep#3418: a recovered alert opens a ticket."""
    go_down(world, [world.kiosk])
    world.evaluate(HOLD)
    come_back(world, [world.kiosk])
    world.clock.advance(HOLD)
    world.evaluate(HOLD)
    assert world.tickets(only_open=False) == []
    assert told(world, "alert.raised") == []
    assert world.alerts()[0]["state"] == "returned_unacknowledged"


def test_faults_here_and_there_are_no_batch(world: World) -> None:
    fleets = [add_fleet(world, f"d{site}x", 10, site=f"s{site}") for site in range(12)]
    go_down(world, [fleet[0] for fleet in fleets[:4]])
    world.evaluate()
    assert all_batches(world) == []
    assert len(world.tickets()) == 4


def test_two_devices_are_no_batch(world: World, shop: list[int]) -> None:
    go_down(world, shop[:2])
    world.evaluate()
    assert all_batches(world) == []
    assert len(world.tickets()) == 2


def test_a_batch_grows_shrinks_and_ends(world: World, shop: list[int]) -> None:
    go_down(world, shop[:6])
    after_hold(world)
    world.pass_time(minutes=5)
    go_down(world, shop[6:])
    world.evaluate(HOLD)
    batch = only_batch(world)
    assert (batch.members, batch.active) == (10, 10)  # at once: its cause is known already
    assert str(batch.cause) == "10 devices went down together: site Site shop"
    assert len(told(world, "batch.grown")) == 1

    come_back(world, shop[:7])
    world.evaluate(HOLD)
    batch = only_batch(world)
    assert (batch.members, batch.active) == (10, 3)
    assert [member.active for member in members_of(world, batch.id)] == 3 * [True] + 7 * [False]

    come_back(world, shop[7:])
    world.evaluate(HOLD)
    [batch] = all_batches(world)
    assert batch.ended_at == world.clock.now()
    assert batch.active == 0
    assert told(world, "batch.ended") == [f"batch/{batch.id}"]
    [ticket] = world.tickets()
    assert ticket.state == "repaired"
    assert [alert["id"] for alert in world.alerts()] == [batch.id]  # members closed by themselves


def test_an_outage_that_shows_in_different_ways_is_one_batch(world: World, shop: list[int]) -> None:
    """The power of a site is cut: four devices fall silent, three report it from their batteries."""
    go_down(world, shop[:4])
    for device in shop[4:7]:
        world.event(device, "powerSupply", "failure", "critical")
    world.event(shop[7], "receiptPrinter", "failure", "critical")
    after_hold(world)
    batch = only_batch(world)
    assert (str(batch.place), batch.members) == ("site Site shop", 7)
    said = (
        "7 devices were hit together: 4 went down, 3 report faults of power or network:"
        " site Site shop"
    )
    assert str(batch.cause) == said
    assert [str(text) for text in batch.evidence[-2:]] == [
        "Seen: 4 went down",
        "Seen: 3 report event:critical powerSupply",
    ]
    of_batch, printer = sorted(world.tickets(), key=lambda ticket: ticket.batch_id is None)
    assert str(of_batch.title) == said
    assert printer.fault is not None
    assert printer.fault.component == "receiptPrinter"


def test_what_a_batch_is_called_follows_what_is_seen_of_its_members(
    world: World, shop: list[int]
) -> None:
    """Their batteries are empty one after the other: no device more is hit, and nobody is told anew."""
    for device in shop[:4]:
        world.event(device, "powerSupply", "failure", "critical")
    after_hold(world)
    complaining = "4 devices report faults of power or network together: site Site shop"
    assert str(only_batch(world).cause) == complaining
    for down, called in [
        (
            shop[:1],
            "4 devices were hit together: 1 went down, 3 report faults of power or network:",
        ),
        (shop[1:4], "4 devices went down together:"),
    ]:
        world.pass_time(minutes=2)
        go_down(world, down)
        world.evaluate(HOLD)
        assert str(only_batch(world).cause) == f"{called} site Site shop"
    assert told(world, "batch.grown") == []


def test_a_device_that_shows_it_twice_counts_once(world: World, shop: list[int]) -> None:
    go_down(world, shop[:2])
    for device in shop[:2]:
        world.event(device, "powerSupply", "failure", "critical")
    after_hold(world)
    assert all_batches(world) == []
    world.event(shop[2], "powerSupply", "failure", "critical")
    after_hold(world)
    assert only_batch(world).members == 3
    assert len(members_of(world, only_batch(world).id)) == 5


def test_a_member_is_shelved_without_leaving_its_batch(world: World, shop: list[int]) -> None:
    go_down(world, shop)
    after_hold(world)
    batch = only_batch(world)
    member = members_of(world, batch.id)[0]
    until = world.clock.now() + timedelta(hours=1)
    shelve(world.database, world.clock, member.alert_id, until, reason="known", actor="li")
    [shelved] = [one for one in members_of(world, batch.id) if one.alert_id == member.alert_id]
    assert (shelved.state, shelved.left_at) == (AlertState.SHELVED, None)
    unshelve(world.database, world.clock, member.alert_id, actor="li")
    [back] = [one for one in members_of(world, batch.id) if one.alert_id == member.alert_id]
    assert (back.state, back.left_at) == (AlertState.SUPPRESSED, None)
    shelve(world.database, world.clock, member.alert_id, until, reason="known", actor="li")
    come_back(world, [one for one in shop if one != member.device_id])
    world.evaluate()
    world.pass_time(minutes=11)
    world.evaluate()
    assert all_batches(world)[0].ended_at is not None
    assert [alert["state"] for alert in world.alerts() if alert["active"]] == ["shelved"]
    assert [ticket.batch_id for ticket in world.tickets()] == [batch.id]
    world.pass_time(hours=1)
    world.evaluate()
    assert {ticket.batch_id for ticket in world.tickets()} == {batch.id, None}


def test_who_stays_down_when_the_cause_is_gone_gets_a_case_of_its_own(
    world: World, shop: list[int]
) -> None:
    go_down(world, shop)
    after_hold(world)
    come_back(world, shop[1:])
    world.evaluate(HOLD)
    assert only_batch(world).active == 1
    world.pass_time(minutes=10)
    world.evaluate(HOLD)
    [batch] = all_batches(world)
    assert batch.ended_at is not None
    own, shared = world.tickets()[1], world.tickets()[0]
    assert (shared.batch_id, shared.state) == (batch.id, "repaired")
    assert own.fault is not None
    assert (own.fault.device_id, own.state) == (shop[0], "new")
    assert told(world, "alert.raised") == [f"alert/{own.alert_id}"]
    [left] = [one for one in members_of(world, batch.id) if one.ticket_id == own.id]
    assert left.left_at == world.clock.now()


def test_a_site_that_goes_dark_again_takes_its_case_up_again(world: World, shop: list[int]) -> None:
    go_down(world, shop)
    after_hold(world)
    come_back(world, shop)
    world.evaluate(HOLD)
    world.pass_time(minutes=20)
    go_down(world, shop)
    after_hold(world)
    [batch] = all_batches(world)
    assert (batch.ended_at, batch.active) == (None, 10)
    [ticket] = world.tickets(only_open=False)
    assert ticket.state == "new"


def test_a_ticket_that_this_outage_opened_becomes_a_duplicate(
    world: World, shop: list[int]
) -> None:
    go_down(world, shop[:1])
    after_hold(world)
    [first] = world.tickets()
    world.pass_time(minutes=2)
    go_down(world, shop[1:])
    after_hold(world)
    [shared] = world.tickets()
    assert shared.batch_id is not None
    last = world.events(first.id)[-1]
    assert (last.to_state, last.data["reason"]) == ("cancelled", "duplicate")
    assert last.data["duplicate_of"] == shared.id
    assert only_batch(world).members == 10


def test_a_ticket_that_somebody_has_in_hand_stays(world: World, shop: list[int]) -> None:
    go_down(world, shop[:1])
    after_hold(world)
    [first] = world.tickets()
    move(world.database, world.clock, first.id, "plan", actor="li")
    world.pass_time(minutes=2)
    go_down(world, shop[1:])
    after_hold(world)
    assert first.id in {ticket.id for ticket in world.tickets()}
    assert first.id in {member.ticket_id for member in members_of(world, only_batch(world).id)}


@pytest.mark.parametrize("kind", ["router", "switch", "segment", "power"])
def test_what_devices_hang_on_is_named(world: World, kind: str) -> None:
    fleets = [add_fleet(world, f"d{site}x", 10, site=f"s{site}") for site in range(6)]
    shared = [device for fleet in fleets[:3] for device in fleet[:5]]
    hang_on(world, "r1", kind, shared)
    go_down(world, shared)
    after_hold(world)
    batch = only_batch(world)
    assert (batch.kind, batch.members) == (kind, 15)


def test_groups_are_counted_as_they_are_listed(world: World, shop: list[int]) -> None:
    """The sizes, which are counted in one pass over the fleet, against the list of each one's groups."""
    slashes = add_fleet(world, "x", 3, site="s", model="a/b", firmware="c")
    slashes += add_fleet(world, "y", 2, model="a", firmware="b/c")
    hang_on(world, "router", "router", [*shop[:4], *slashes], device=shop[0])
    hang_on(world, "feed", "power", shop[:2], device=shop[5])
    go_down(world, shop[6:])
    after_hold(world)
    listed = world.rows("""SELECT kind, key, count(*) AS devices FROM device_group
                           GROUP BY kind, key ORDER BY kind, key""")
    counted = world.rows("SELECT kind, key, devices FROM device_group_size ORDER BY kind, key")
    assert counted == listed
    assert {"kind": "firmware", "key": "pos/a/b/c", "devices": 5} in counted


@pytest.mark.parametrize(
    ("kind", "named"), [("firmware", "firmware m1 1.2"), ("model", "model m1")]
)
def test_firmware_and_model_are_told_apart(world: World, kind: str, named: str) -> None:
    for site in range(8):
        add_fleet(world, f"a{site}x", 10, site=f"s{site}", model="m0", firmware="1.1")
        add_fleet(world, f"b{site}x", 3, site=f"s{site}", model="m1", firmware="1.1")
    hit = [
        device
        for site in range(8)
        for device in add_fleet(world, f"c{site}x", 3, site=f"s{site}", model="m1", firmware="1.2")
    ]
    if kind == "model":
        hit += [row["id"] for row in world.rows("SELECT id FROM device WHERE key LIKE 'b%'")]
    for device in hit:
        world.event(device, "receiptPrinter", "x.Broken", "critical")
    after_hold(world)
    batch = only_batch(world)
    assert str(batch.place) == named
    assert batch.members == len(hit)
    assert "have the same fault" in str(batch.cause)


def test_what_hits_all_alike_is_the_whole_fleet(world: World) -> None:
    fleets = [add_fleet(world, f"d{site}x", 10, site=f"s{site}") for site in range(6)]
    go_down(world, [device for fleet in fleets for device in fleet[:9]])
    after_hold(world)
    assert (only_batch(world).kind, only_batch(world).members) == ("fleet", 54)


def test_a_wider_cause_takes_in_what_was_held_for_its_own(world: World) -> None:
    add_fleet(world, "other", 100, site="elsewhere")
    fleets = [add_fleet(world, f"d{site}x", 10, site=f"s{site}") for site in range(4)]
    hang_on(world, "core", "segment", [device for fleet in fleets for device in fleet])
    go_down(world, fleets[0])
    after_hold(world)
    site = only_batch(world)
    assert site.kind == "site"
    world.pass_time(minutes=1)
    go_down(world, [device for fleet in fleets[1:] for device in fleet])
    after_hold(world)
    segment = only_batch(world)
    assert (segment.kind, segment.members) == ("segment", 40)
    [absorbed] = [one for one in all_batches(world) if one.id == site.id]
    assert absorbed.absorbed_by == segment.id
    [ticket] = world.tickets()
    assert ticket.id == segment.ticket_id
    assert world.events(site.ticket_id or 0)[-1].data["duplicate_of"] == ticket.id


def test_two_sites_at_once_are_two_batches(world: World, shop: list[int]) -> None:
    bank = add_fleet(world, "bank", 8, site="bank")
    go_down(world, shop + bank)
    after_hold(world)
    assert sorted(batch.members for batch in all_batches(world)) == [8, 10]
    assert len(world.tickets()) == 2


def test_predictions_of_many_devices_are_no_batch(world: World, shop: list[int]) -> None:
    for device in shop:
        world.predict(device, "receiptPrinter", 0.9)
    world.evaluate(HOLD)
    assert all_batches(world) == []
    assert len(world.tickets()) == 10  # nothing waits: they came when somebody looked


def test_mild_faults_of_many_are_a_batch_without_a_ticket(world: World, shop: list[int]) -> None:
    for device in shop:
        world.event(device, "receiptPrinter", "paperJam")
    after_hold(world)
    assert only_batch(world).members == 10
    assert world.tickets() == []


def test_a_batch_is_acknowledged_like_any_alert(world: World, shop: list[int]) -> None:
    go_down(world, shop)
    after_hold(world)
    [ticket] = world.tickets()
    move(world.database, world.clock, ticket.id, "plan", actor="li")
    kinds = [event.kind for event in world.events(ticket.id)]
    assert kinds == [Kind.OPENED, Kind.MOVED]


def test_a_group_that_often_has_such_faults_proves_nothing(world: World, shop: list[int]) -> None:
    """A site where devices fall silent all day long: three more are no wonder."""
    for _ in range(40):
        world.rows(
            f"""INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule,
                                   message, active, opened_at, last_sign_at, closed_at)
                SELECT device, 'device', 'unreachable', 'normal', 'error', 'transition', 'down',
                       '{{"template": "x"}}', false, moment, moment, moment
                FROM unnest(ARRAY{shop}) AS device,
                     (SELECT '{world.clock.now()}'::timestamptz - interval '1 hour' AS moment) AS past
                RETURNING id"""
        )
    go_down(world, shop[:3])
    world.evaluate()
    assert all_batches(world) == []


def test_devices_that_go_down_together_are_proposed_a_parent(world: World, shop: list[int]) -> None:
    for number in range(4):
        for nth, device in enumerate(shop[:4]):
            world.rows(
                f"""INSERT INTO device_transition (device_id, from_state, to_state, at, cause, version,
                                                   recorded_at)
                    VALUES ({device}, 'up', 'down', '{world.clock.now()}'::timestamptz
                            - interval '{number + 1} days' + interval '{nth * 10} s',
                            'missed_heartbeats', {number + 1}, '{world.clock.now()}')
                    RETURNING id"""
            )
    assert parents.propose(world.database, world.clock) == 1
    with world.database.transaction() as conn:
        [proposal] = parents.proposals(conn)
    assert proposal.devices == ("shop1", "shop2", "shop3", "shop4")
    assert (proposal.together, proposal.share) == (4, 1.0)
    parents.accept(
        world.database, world.clock, proposal.id, "sw-1", "switch", "Switch 1", actor="li"
    )
    with world.database.transaction() as conn:
        assert parents.proposals(conn) == []
        [declared] = parents.parents(conn)
    assert declared.devices == proposal.devices
    assert parents.propose(world.database, world.clock) == 0  # it is known now


def test_refused_proposals_do_not_come_again(world: World, shop: list[int]) -> None:
    with world.database.transaction() as conn:
        conn.execute(
            """INSERT INTO parent_proposal (device_ids, together, share, since, proposed_at)
               VALUES (%(ids)s, 3, 1, %(now)s, %(now)s)""",
            {"ids": shop[:3], "now": world.clock.now()},
        )
        [proposal] = parents.proposals(conn)
    parents.refuse(world.database, world.clock, proposal.id, actor="li")
    with world.database.transaction() as conn:
        assert parents.proposals(conn) == []
