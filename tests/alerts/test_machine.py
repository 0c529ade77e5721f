"""Whatever happens in whatever order, alerts, batches and tickets are what a simple model says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerts import suppression
from alerts.correlation import declare_down, declare_up
from alerts.engine import evaluate
from alerts.rules import RuleBooks
from alerts.suppression import Scope
from desk.actions import acknowledge_alert, move
from desk.cases import Cases
from desk.lifecycle import MOVES, CancelReason, TicketState
from desk.retiring import retire
from domain.clock import ManualClock
from domain.errors import NotAllowedError
from domain.vocabulary import DEVICE
from tests.alerts.conftest import World
from tests.alerts.fleets import add_fleet, come_back, go_down, hang_on
from tests.alerts.known import DyingDesk, Killed, Known

DEVICES = 5
"""Of the site that a batch may be of. The last one is the parent of the first; the others but the first
hang on an uplink that nobody watches."""

POWER = "powerSupply"
"""A part that complains when the power fails that takes others away."""

_NUMBERS = count(1)


class Alerts(RuleBasedStateMachine):
    """Devices of one site that go down and come back, and people who hold alerts back."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        name = f"m{next(_NUMBERS)}x"
        self.world.rows("UPDATE device SET adopted_at = NULL WHERE key LIKE 'm%' RETURNING id")
        with self.world.database.transaction() as conn:  # what the last example left open
            conn.execute("TRUNCATE alert, ticket, suppression, device_group_size CASCADE")
        self.devices = add_fleet(self.world, name, DEVICES, site=name)
        hang_on(self.world, name, "router", self.devices[:1], device=self.devices[-1])
        self.uplink, self.uplink_down = f"{name}up", False
        hang_on(self.world, self.uplink, "segment", self.devices[1:4])
        self.known = {device: Known() for device in self.devices}

    @rule(nth=st.integers(0, DEVICES - 1))
    def falls_silent(self, nth: int) -> None:
        device = self.devices[nth]
        if not self.known[device].down:
            go_down(self.world, [device])
            self.known[device].down = True
            self.world.evaluate()

    @rule(nth=st.integers(0, DEVICES - 1))
    def is_heard(self, nth: int) -> None:
        device = self.devices[nth]
        if self.known[device].down:
            come_back(self.world, [device])
            self.known[device].down = False
            self.world.evaluate()

    @rule(nth=st.integers(0, DEVICES - 1), times=st.integers(1, 3))
    def is_lost_and_heard_in_one_moment(self, nth: int, times: int) -> None:
        device = self.devices[nth]
        if not self.known[device].down:
            for _ in range(times):
                go_down(self.world, [device])
                come_back(self.world, [device])
            self.world.evaluate()

    @rule()
    def the_site_goes_dark(self) -> None:
        lost = [device for device in self.devices if not self.known[device].down]
        go_down(self.world, lost)
        for device in lost:
            self.known[device].down = True
        self.world.evaluate()

    @rule(left=st.integers(0, 2))
    def the_site_comes_back(self, left: int) -> None:
        back = [device for device in self.devices if self.known[device].down][left:]
        come_back(self.world, back)
        for device in back:
            self.known[device].down = False
        self.world.evaluate()

    @rule(nth=st.integers(0, DEVICES - 1))
    def complains_of_its_power(self, nth: int) -> None:
        self._complain([self.devices[nth]])
        self.world.evaluate()

    @rule(nth=st.integers(0, DEVICES - 1))
    def has_power_again(self, nth: int) -> None:
        self._power([self.devices[nth]])
        self.world.evaluate()

    @rule(silent=st.integers(0, DEVICES))
    def the_power_fails(self, silent: int) -> None:
        """It takes some away; others have a battery, and complain."""
        lost = [device for device in self.devices[:silent] if not self.known[device].down]
        go_down(self.world, lost)
        for device in lost:
            self.known[device].down = True
        self._complain(self.devices[silent:])
        self.world.evaluate()

    @rule()
    def the_power_is_back(self) -> None:
        self._power(self.devices)
        self.the_site_comes_back(left=0)

    @rule(before=st.booleans())
    def the_uplink_is_declared_down(self, before: bool) -> None:
        """`before` its devices fall silent, or when they have."""
        if not before:
            self._uplink_takes_away()
        if not self.uplink_down:
            desk, clock = Cases(self.world.clock), self.world.clock
            declare_down(self.world.database, clock, desk, self.uplink, reason="dug", actor="li")
            self.uplink_down = True
        self._uplink_takes_away()

    @precondition(lambda self: self.uplink_down)
    @rule()
    def the_uplink_is_declared_up(self) -> None:
        declare_up(self.world.database, self.world.clock, self.uplink, actor="li")
        self.uplink_down = False
        self.world.evaluate()

    @precondition(lambda self: sum(known.retired for known in self.known.values()) < 2)
    @rule(nth=st.integers(0, DEVICES - 1))
    def leaves_the_fleet(self, nth: int) -> None:
        """Whatever is heard of it afterwards is nothing to anybody."""
        device = self.devices[nth]
        if not self.known[device].retired:
            [row] = self.world.rows(f"SELECT key FROM device WHERE id = {device}")
            retire(self.world.database, self.world.clock, row["key"], actor="mia")
            self.known[device].retired = True
            self.world.evaluate()

    @rule(minutes=st.sampled_from([1, 11, 40, 70]))
    def time_passes(self, minutes: int) -> None:
        self.world.pass_time(minutes=minutes)
        self.world.evaluate()

    @rule(nth=st.integers(0, DEVICES - 1))
    def somebody_sees_it(self, nth: int) -> None:
        for alert in self._alerts(self.devices[nth]):
            if alert["state"] in ("unacknowledged", "returned_unacknowledged"):
                acknowledge_alert(self.world.database, self.world.clock, alert["id"], actor="li")

    @rule(nth=st.integers(0, DEVICES - 1), minutes=st.sampled_from([5, 30, 120]))
    def somebody_shelves_it(self, nth: int, minutes: int) -> None:
        device = self.devices[nth]
        for alert in self._alerts(device):
            until = self.world.clock.now() + timedelta(minutes=minutes)
            suppression.shelve(
                self.world.database,
                self.world.clock,
                alert["id"],
                until,
                reason="known",
                actor="li",
            )
            shelved, part = self.known[device].shelved, alert["component"]
            shelved[part] = max(shelved.get(part, until), until)
            self.world.evaluate()

    @rule(nth=st.integers(0, DEVICES - 1), minutes=st.sampled_from([5, 30, 120]))
    def a_window_begins(self, nth: int, minutes: int) -> None:
        device, now = self.devices[nth], self.world.clock.now()
        until = now + timedelta(minutes=minutes)
        suppression.add_window(
            self.world.database,
            self.world.clock,
            Scope("device", device),
            now,
            until,
            reason="work",
            actor="li",
        )
        known = self.known[device]
        known.window_until = max(known.window_until or until, until)
        self.world.evaluate()

    @precondition(lambda self: any(not known.out_of_service for known in self.known.values()))
    @rule(nth=st.integers(0, DEVICES - 1))
    def is_taken_out_of_service(self, nth: int) -> None:
        device = self.devices[nth]
        if not self.known[device].out_of_service:
            suppression.take_out_of_service(
                self.world.database, self.world.clock, device, reason="rebuilt", actor="li"
            )
            self.known[device].out_of_service = True
            self.world.evaluate()

    @rule(nth=st.integers(0, DEVICES - 1))
    def returns_to_service(self, nth: int) -> None:
        device = self.devices[nth]
        if self.known[device].out_of_service:
            suppression.return_to_service(self.world.database, self.world.clock, device, actor="li")
            self.known[device].out_of_service = False
            self.world.evaluate()

    @rule(name=st.sampled_from(sorted(MOVES)), nth=st.integers(0, 3))
    def somebody_works_on_a_ticket(self, name: str, nth: int) -> None:
        tickets = self.world.tickets()
        if tickets:
            ticket, reason = tickets[nth % len(tickets)], CancelReason.WITHDRAWN
            try:
                moved = move(
                    self.world.database,
                    self.world.clock,
                    ticket.id,
                    name,
                    actor="li",
                    reason=reason,
                )
            except NotAllowedError:
                return
            if moved.fault is not None and moved.state is TicketState.REPAIRED:
                # What it said of its power is over; whether it is silent is observed.
                self.known[moved.fault.device_id].faults -= {moved.fault.component} & {POWER}
            self.world.evaluate()

    @rule(nth=st.integers(0, DEVICES - 1))
    def falls_silent_and_the_worker_is_killed(self, nth: int) -> None:
        """What it had taken is judged by the next one."""
        device = self.devices[nth]
        if not (self.known[device].down or self.known[device].retired):
            go_down(self.world, [device])
            self.known[device].down = True
            desk = DyingDesk(self.world.clock)
            with pytest.raises(Killed):
                evaluate(self.world.database, self.world.clock, desk, RuleBooks(), hold=timedelta())
            assert self.world.rows("SELECT FROM pending_sign")
            self.world.evaluate()

    @invariant()
    def the_state_of_each_alert_is_true(self) -> None:
        for device, known in self.known.items():
            active = {each["component"]: each for each in self._alerts(device) if each["active"]}
            assert set(active) == (set() if known.retired else known.faults)
            for part, alert in active.items():
                held = alert["state"] in ("out_of_service", "shelved", "suppressed")
                assert (alert["state"] if held else None) == self._expected(device, part, alert)

    @invariant()
    def one_open_alert_and_one_open_ticket_a_fault(self) -> None:
        for table in ("alert", "ticket"):
            doubles = self.world.rows(
                f"""SELECT FROM {table} WHERE closed_at IS NULL AND device_id IS NOT NULL
                    GROUP BY device_id, component, fault_class HAVING count(*) > 1"""
            )
            assert doubles == []
        assert (
            self.world.rows(
                """SELECT FROM ticket WHERE closed_at IS NULL AND batch_id IS NOT NULL
                   GROUP BY batch_id HAVING count(*) > 1"""
            )
            == []
        )

    @invariant()
    def a_batch_is_open_as_long_as_its_cause(self) -> None:
        """Its counts are those of its members, and only what somebody declared stands without any."""
        for batch in self.world.rows("SELECT * FROM batch WHERE ended_at IS NULL"):
            members = self.world.rows(f"SELECT * FROM alert WHERE batch_id = {batch['id']}")
            still = {each["device_id"] for each in members if self._in_batch(each)}
            assert still <= {device for device, known in self.known.items() if known.faults}
            assert (batch["active"], batch["members"]) == (
                len(still),
                len({each["device_id"] for each in members}),
            )
            assert still or batch["declared_at"]
        declared = self.world.rows(
            """SELECT key FROM batch
               WHERE ended_at IS NULL AND declared_at IS NOT NULL AND cleared_at IS NULL"""
        )
        assert [row["key"] for row in declared] == ([self.uplink] if self.uplink_down else [])

    @invariant()
    def a_case_whose_fault_is_gone_says_so(self) -> None:
        """However it was held back: or it would stay open for ever."""
        for ticket in self.world.tickets():
            if ticket.fault is not None and ticket.fault.device_id in self.known:
                device, known = ticket.fault.device_id, self.known[ticket.fault.device_id]
                gone = ticket.fault.component not in known.faults
                flapping = any(each["flapping_since"] for each in self._alerts(device))
                assert not known.retired
                assert not gone or flapping or ticket.returned_at is not None

    @invariant()
    def what_is_kept_leads_to_the_state(self) -> None:
        astray = self.world.rows(
            """SELECT alert.id FROM alert
               JOIN LATERAL (SELECT to_state FROM alert_transition WHERE alert_id = alert.id
                             ORDER BY id DESC LIMIT 1) AS last ON true
               WHERE last.to_state <> alert.state
                  OR alert.active <> (alert.state NOT IN ('normal', 'returned_unacknowledged'))
                  OR (alert.active AND NOT EXISTS (SELECT FROM alert_condition
                                                   WHERE alert_id = alert.id))"""
        )
        assert astray == []

    @invariant()
    def nobody_is_told_of_what_is_held_back(self) -> None:
        """A case is opened, and a raised alert is told, only in a state that asks for somebody."""
        wrong = self.world.rows(
            """SELECT id FROM alert WHERE held_until IS NOT NULL AND closed_at IS NULL
               AND state IN ('shelved', 'suppressed', 'out_of_service', 'normal')"""
        )
        assert wrong == []

    @invariant()
    def what_holds_and_is_not_held_back_has_been_told(self) -> None:
        untold = self.world.rows(
            f"""SELECT id FROM alert
                WHERE device_id = ANY(ARRAY{self.devices}) AND active AND told_at IS NULL
                  AND state = 'unacknowledged' AND flapping_since IS NULL"""
        )
        assert untold == []

    def _alerts(self, device: int) -> list[dict[str, Any]]:
        return self.world.rows(
            f"SELECT * FROM alert WHERE device_id = {device} AND closed_at IS NULL"
        )

    def _still(self, until: datetime | None) -> bool:
        return until is not None and until > self.world.clock.now()

    def _in_batch(self, alert: dict[str, Any]) -> bool:
        """As of now, with a fault that holds."""
        return alert["batch_id"] is not None and alert["batch_until"] is None and alert["active"]

    def _expected(self, device: int, part: str, alert: dict[str, Any]) -> str | None:
        """The state that what holds the device's alert back asks for; None: nothing does."""
        known, parent = self.known[device], self.known[self.devices[-1]]
        if known.out_of_service:
            return "out_of_service"
        if self._still(known.shelved.get(part)):
            return "shelved"
        under = device == self.devices[0] and part == DEVICE and parent.down and not parent.retired
        held = self._still(known.window_until) or under or self._in_batch(alert)
        return "suppressed" if held else None

    def _complain(self, devices: Sequence[int]) -> None:
        for device in devices:
            self.world.event(device, POWER, "failure", "critical")
            self.known[device].faults.add(POWER)

    def _power(self, devices: Sequence[int]) -> None:
        for device in devices:
            self.world.event(device, POWER, "ok", "info")
            self.known[device].faults.discard(POWER)

    def _uplink_takes_away(self) -> None:
        lost = [device for device in self.devices[1:4] if not self.known[device].down]
        go_down(self.world, lost)
        for device in lost:
            self.known[device].down = True
        self.world.evaluate()


def test_alerts_follow_the_model(world: World, clock: ManualClock) -> None:
    Alerts.world = world
    add_fleet(world, "other", 40, site="elsewhere")
    Alerts.TestCase.settings = settings(
        max_examples=10,
        stateful_step_count=18,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    Alerts.TestCase().runTest()
