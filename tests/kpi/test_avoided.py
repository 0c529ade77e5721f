"""Calls avoided: the estimate on simulated truth, and the hold-out in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.holdout import HoldOut
from domain.errors import BadInputError
from kpi.avoided.draws import read_report, set_hold_out
from kpi.avoided.estimate import Arm, avoided
from tests.alerts.conftest import World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PRINTER = "receiptPrinter"
ARMS = st.integers(1, 200).flatmap(
    lambda count: st.builds(Arm, st.just(count), st.integers(0, count))
)


def test_newcombes_published_examples() -> None:
    """Cases a to h of table II of the paper, method 10."""
    for held, acted, low, high in (
        (Arm(70, 56), Arm(80, 48), 0.0524, 0.3339),
        (Arm(10, 9), Arm(10, 3), 0.1705, 0.8090),
        (Arm(7, 6), Arm(7, 2), 0.0582, 0.8062),
        (Arm(56, 5), Arm(29, 0), -0.0381, 0.1926),
        (Arm(10, 0), Arm(20, 0), -0.1611, 0.2775),
        (Arm(10, 10), Arm(10, 0), 0.6075, 1.0),
    ):
        found = avoided(held, acted)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(held=ARMS, acted=ARMS)
def test_the_interval_holds_the_estimate_and_turns_with_the_arms(held: Arm, acted: Arm) -> None:
    one, other = avoided(held, acted), avoided(acted, held)
    assert one.low is not None
    assert one.difference is not None
    assert one.high is not None
    assert other.low is not None
    assert -1 - 1e-9 <= one.low <= one.difference <= one.high <= 1 + 1e-9
    assert one.high == pytest.approx(-other.low)
    assert one.calls == pytest.approx(one.difference * acted.predictions)


@given(arm=ARMS)
def test_of_an_empty_arm_nothing_is_known(arm: Arm) -> None:
    for found in (avoided(Arm(0, 0), arm), avoided(arm, Arm(0, 0))):
        assert (found.difference, found.low, found.high, found.calls) == (None,) * 4


@pytest.mark.parametrize(("share", "fails", "prevented"), [(0.1, 0.4, 0.7), (0.3, 0.15, 0.0)])
def test_the_interval_covers_the_truth_nineteen_times_of_twenty(
    share: float, fails: float, prevented: float
) -> None:
    """What acting prevents is known here; each seed draws its lots as the product does."""
    truth = fails * prevented
    covered = 0
    for seed in range(400):
        rule = HoldOut(1, share, 1.0, frozenset(), f"salt {seed}")
        random = np.random.default_rng(seed)
        lots = np.array([rule.lot(f"d{number}", "printer", NOON) for number in range(300)])
        failed = random.random(300) < np.where(lots < share, fails, fails * (1 - prevented))
        held = Arm(int((lots < share).sum()), int(failed[lots < share].sum()))
        acted = Arm(300 - held.predictions, int(failed[lots >= share].sum()))
        found = avoided(held, acted)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 400 <= 0.99


@settings(max_examples=30)
@given(salt=st.text(max_size=20), key=st.text(max_size=20))
def test_the_lot_is_the_same_whenever_it_is_drawn(salt: str, key: str) -> None:
    rule = HoldOut(1, 0.1, 0.5, frozenset(), salt)
    lot = rule.lot(key, "printer", NOON)
    assert 0 <= lot < 1
    assert lot == HoldOut(2, 0.5, 1.0, frozenset(), salt).lot(key, "printer", NOON)
    assert lot != rule.lot(key, "printer", NOON + timedelta(seconds=1))


def hold_out(world: World, share: float = 0.5, below: float = 0.9, *spared: str) -> None:
    set_hold_out(
        world.database, world.clock, share=share, below=below, spared=spared, actor="manager"
    )


def kiosks(world: World, count: int) -> list[int]:
    with world.database.transaction() as conn:
        rows = conn.execute(
            """INSERT INTO device (key, kind, site_id, adopted_at)
               SELECT 'more-' || n, 'kiosk', 1, %s FROM generate_series(1, %s) n RETURNING id""",
            [world.clock.now(), count],
        )
        return [row["id"] for row in rows]


def test_what_is_held_out_opens_no_case_until_it_fails(world: World) -> None:
    hold_out(world)
    devices = kiosks(world, 30)
    for _ in range(2):  # what was drawn stands when it is foretold again
        for device in devices:
            world.predict(device, PRINTER, 0.7)
        world.evaluate()
        world.pass_time(hours=1)
    held = {
        row["device_id"]
        for row in world.rows("SELECT device_id FROM prediction_draw WHERE held_out")
    }
    assert 0 < len(held) < 30
    assert len(world.rows("SELECT id FROM prediction_draw")) == 30
    assert {alert["device_id"] for alert in world.alerts()} == set(devices) - held
    assert len(world.tickets()) == 30 - len(held)
    failing = min(held)
    world.event(failing, PRINTER, "hardwareError", "critical")
    world.evaluate()
    assert failing in {alert["device_id"] for alert in world.alerts()}
    world.pass_time(hours=24)
    with world.database.transaction() as conn:
        now = world.clock.now()
        report = read_report(conn, now - timedelta(days=2), now, now)
    [found] = report.settings
    assert found.waiting == found.apart == 0
    assert found.avoided.held == Arm(len(held), 1)
    assert found.avoided.acted == Arm(30 - len(held), 0)


def test_what_is_not_of_low_risk_is_acted_upon(world: World) -> None:
    hold_out(world, 0.5, 0.6, "billAcceptor")
    for device in kiosks(world, 8):
        world.predict(device, PRINTER, 0.8)  # likely
        world.predict(device, "billAcceptor", 0.55)  # spared
        world.predict(device, "device", 0.55)  # silences the whole
    world.evaluate()
    drawn = world.rows("SELECT eligible, held_out FROM prediction_draw")
    assert drawn == [{"eligible": False, "held_out": False}] * 24
    assert len(world.tickets()) == 24


def test_without_a_hold_out_there_are_bounds_and_no_estimate(world: World) -> None:
    world.predict(world.kiosk, PRINTER, 0.7)
    world.evaluate()
    assert len(world.tickets()) == 1
    now = world.clock.now()
    with world.database.transaction() as conn:
        report = read_report(conn, now - timedelta(days=1), now, now)
    assert (report.settings, report.draws, report.seen.acted) == ((), (), 0)


def test_what_is_set_is_audited_and_checked(world: World) -> None:
    hold_out(world, 0.1)
    [entry] = world.rows("SELECT actor, detail FROM audit_entry WHERE action = 'hold_out'")
    assert entry == {"actor": "manager", "detail": {"share": 0.1, "below": 0.9, "spared": []}}
    with pytest.raises(BadInputError, match=r"share: 0.6; allowed: 0 to 0.5"):
        hold_out(world, 0.6)
    hold_out(world, 0.0)
    world.predict(world.kiosk, PRINTER, 0.7)
    world.evaluate()
    assert len(world.tickets()) == 1
    assert world.rows("SELECT id FROM prediction_draw") == []
