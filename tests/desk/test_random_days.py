"""Whatever happens in whatever order, what must always hold holds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.actions import acknowledge, acknowledge_alert, move
from desk.calls import Call, Channel
from desk.calls import take as take_call
from desk.case import fold
from desk.ledger import ticket_of
from desk.lifecycle import MOVES, CancelReason
from desk.upkeep import tick
from domain.device import Cause
from domain.errors import NotAllowedError
from storage.engine import detect
from tests.alerts.conftest import World

PRINTER = "receiptPrinter"

DEVICE_STEPS: dict[str, Callable[[World, int], object]] = {
    "silent": lambda world, device: world.transition(device, "down", Cause.MISSED_HEARTBEATS),
    "broken": lambda world, device: world.transition(
        device, "down", Cause.REPORTED, PRINTER, "mechanicalFailure"
    ),
    "back": lambda world, device: world.transition(device, "up", Cause.CONTACT),
    "unwatched": lambda world, device: world.transition(device, "unwatched", Cause.COLLECTOR_AWAY),
    "critical": lambda world, device: world.event(device, PRINTER, "x.Broken", "critical"),
    "out": lambda world, device: world.event(device, PRINTER, "paperOut", "error"),
    "paper": lambda world, device: world.event(device, PRINTER, "paperOk", "info"),
    "likely": lambda world, device: world.predict(device, PRINTER, 0.9),
    "unlikely": lambda world, device: world.predict(device, PRINTER, 0.1),
    "power": lambda world, device: world.predict(device, "powerSupply", 0.7),
    "call": lambda world, device: take_call(
        world.database,
        world.clock,
        Call(Channel.PHONE, "it prints nothing", device_id=device, component=PRINTER),
        actor="desk",
    ),
    "call about something": lambda world, device: take_call(
        world.database,
        world.clock,
        Call(Channel.PHONE, "it does not work", device_id=device),
        actor="desk",
    ),
}
STEPS = st.one_of(
    st.sampled_from(sorted(DEVICE_STEPS)),
    st.sampled_from(["acknowledge", "acknowledge_alert", *sorted(MOVES)]),
    st.sampled_from([1, 60, 60 * 12, 60 * 25]),
)


def act(world: World, name: str, device: int) -> None:
    """Somebody tries to do something with whatever is open; much of it is not allowed."""
    actor = "li"
    for row in world.rows(f"SELECT id FROM alert WHERE device_id = {device} AND closed_at IS NULL"):
        if name == "acknowledge_alert":
            acknowledge_alert(world.database, world.clock, row["id"], actor=actor)
    for ticket in [one for one in world.tickets() if one.fault and one.fault.device_id == device]:
        if name == "acknowledge":
            acknowledge(world.database, world.clock, ticket.id, actor=actor)
        elif name in MOVES:
            reason = CancelReason.DUPLICATE
            move(world.database, world.clock, ticket.id, name, actor=actor, reason=reason)


def take(world: World, step: str | int, device: int) -> None:
    if isinstance(step, int):
        world.pass_time(minutes=step)
        with world.database.transaction() as conn:
            detect(conn).ensure(conn, world.clock.now(), world.clock.now())
        tick(world.database, world.clock)
    elif step in DEVICE_STEPS:
        DEVICE_STEPS[step](world, device)
    else:
        try:
            act(world, step, device)
        except NotAllowedError:
            return  # refused: then nothing may have changed, which the checks see
    world.evaluate()


def check(world: World, device: int) -> None:
    for row in world.rows(f"SELECT * FROM ticket WHERE device_id = {device}"):
        assert fold(world.events(row["id"])) == ticket_of(row)
        assert (row["closed_at"] is None) != (row["state"] in ("closed", "cancelled"))
    alerts = world.rows(
        f"""SELECT alert.*, count(alert_condition.rule) AS conditions,
                   (SELECT to_state FROM alert_transition
                    WHERE alert_id = alert.id ORDER BY id DESC LIMIT 1) AS recorded
            FROM alert LEFT JOIN alert_condition ON alert_id = alert.id
            WHERE device_id = {device} GROUP BY alert.id"""
    )
    for alert in alerts:
        assert alert["active"] == (alert["conditions"] > 0)
        assert alert["active"] == (alert["state"] in ("unacknowledged", "acknowledged"))
        assert alert["recorded"] == alert["state"]
        if alert["closed_at"] is not None:
            assert alert["state"] == "normal"
    for column in ("alert", "ticket"):
        open_faults = world.rows(
            f"""SELECT count(*) AS n FROM {column} WHERE device_id = {device}
                AND closed_at IS NULL GROUP BY component, fault_class"""
        )
        assert all(row["n"] == 1 for row in open_faults)
    assert world.rows("SELECT FROM pending_sign") == []


def test_any_order_of_signs_actions_and_time_keeps_the_books_right(world: World) -> None:
    numbers = count(1)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(steps=st.lists(STEPS, min_size=5, max_size=14))
    def holds(steps: list[str | int]) -> None:
        [row] = world.rows(
            f"""INSERT INTO device (key, kind, adopted_at)
                VALUES ('day-{next(numbers)}', 'kiosk', '2026-01-01Z') RETURNING id"""
        )
        for step in steps:
            take(world, step, row["id"])
            check(world, row["id"])

    holds()
