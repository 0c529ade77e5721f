"""Who is told, how often, and what nobody is told."""

from __future__ import annotations

from datetime import UTC, datetime

from alerts.notify.policy_file import read_policy
from alerts.outbox import Topic
from domain.errors import NotDeliveredError
from tests.notify.house import PEOPLE, ROUTES, House

FIRST = ["li chat fault"]
SECOND = ["sara mail fault", "max mail fault", "li mail fault"]
THIRD = ["max mail fault"]


def test_climbs_until_somebody_acknowledges(house: House) -> None:
    alert = house.alert()
    assert house.work() == FIRST
    assert house.work(14) == []
    assert house.work(1) == SECOND
    house.acknowledge(alert)
    assert house.work(60) == []


def test_every_step_once(house: House) -> None:
    house.alert()
    told = [line for _ in range(30) for line in house.work(5)]
    assert told == FIRST + SECOND + THIRD


def test_an_alert_of_which_nobody_needs_to_know_is_not_told(house: House) -> None:
    alert = house.alert()
    house.acknowledge(alert)  # before the worker came round
    assert house.work() == []
    assert house.work(60) == []


def test_recovery_is_told_to_those_who_were_told(house: House) -> None:
    alert = house.alert()
    house.work()
    house.recover(alert)
    assert house.work(4) == []
    assert house.work(1) == ["li chat recovery"]
    assert house.work(60) == []


def test_a_closed_alert_needs_no_settling(house: House) -> None:
    alert = house.alert()
    house.work()
    house.acknowledge(alert)
    house.close(alert)
    assert house.work() == ["li chat recovery"]


def test_no_recovery_where_the_route_wants_none(house: House) -> None:
    house.policy = read_policy(PEOPLE + ROUTES + "recovery = false\n")
    alert = house.alert()
    house.work()
    house.close(alert)
    assert house.work(60) == []


def test_what_comes_and_goes_is_told_once(house: House) -> None:
    """Flapping within the settling time neither tells again nor brings the next step nearer."""
    alert = house.alert()
    assert house.work() == FIRST
    for _ in range(5):
        house.recover(alert)
        assert house.work(1) == []
        house.again(alert)
        assert house.work(1) == []
    assert house.work(5) == SECOND  # 15 minutes after the first step


def test_a_fault_that_was_over_and_comes_back_is_told_anew(house: House) -> None:
    alert = house.alert()
    house.work()
    house.recover(alert)
    house.work(10)
    house.again(alert)
    assert house.work() == FIRST
    assert house.work(15) == SECOND


def test_handled_faults_that_come_back_at_once_climb_from_where_they_were(house: House) -> None:
    alert = house.alert()
    house.work()
    house.acknowledge(alert)
    house.work(1)
    house.change(alert, "normal", Topic.ALERT_RETURNED, active=False)
    house.work(1)
    house.again(alert)
    assert house.work(1) == []
    assert house.work(12) == SECOND


def test_suppressed_cycles_spend_nobodys_budget(house: House) -> None:
    """librenms/librenms PR #20359: a child behind a dead parent is told of when the parent is back
    and it is still down, however often it was looked at meanwhile."""
    alert = house.alert()
    house.mute(alert)  # before anybody was told
    for _ in range(10):
        assert house.work(30) == []
        house.tell(Topic.ALERT_CHANGED, alert, step="looked at")
    house.again(alert)
    assert house.work() == FIRST
    assert house.work(15) == SECOND


def test_muted_on_the_way_it_goes_on_where_it_was(house: House) -> None:
    alert = house.alert()
    assert house.work() == FIRST
    house.mute(alert)
    assert house.work(120) == []
    house.again(alert)
    assert house.work() == SECOND


def test_a_muted_recovery_still_closes(house: House) -> None:
    """prometheus/alertmanager#226, #1803: those who were told of the fault hear of its end."""
    alert = house.alert()
    house.work()
    house.mute(alert)
    house.work(60)
    house.close(alert)
    assert house.work() == ["li chat recovery"]
    with house.database.transaction() as conn:
        assert conn.execute("SELECT FROM notice WHERE ended_at IS NULL").fetchone() is None


def test_what_was_not_sent_yet_is_taken_back_and_its_step_is_not_spent(house: House) -> None:
    house.box.refuse = lambda _: NotDeliveredError("away")
    alert = house.alert()
    house.plan()  # written, not sent
    house.mute(alert)
    house.plan()
    house.box.refuse = lambda _: None
    assert house.work() == []
    house.again(alert)
    assert house.work() == FIRST


def test_a_handled_ticket_alert_does_not_fire_again(house: House) -> None:
    """prometheus/alertmanager#3846: once it is handled, repeats of the same sign tell nobody."""
    alert = house.alert()
    house.work()
    house.acknowledge(alert)
    for _ in range(5):
        house.tell(Topic.TICKET_JOINED, alert, kind="alert")
        house.tell(Topic.ALERT_CHANGED, alert, step="repeat")
        assert house.work(60) == []


def test_what_was_handled_does_not_fire_again_when_its_shelf_ends(house: House) -> None:
    """prometheus/alertmanager#3846, with a mute in between."""
    alert = house.alert()
    assert house.work() == FIRST
    house.acknowledge(alert)
    house.mute(alert)
    assert house.work(60) == []
    house.again(alert)
    assert house.work() + house.work(120) == []


def test_one_notification_for_a_dead_router(house: House) -> None:
    """louislam/uptime-kuma#1089: thirty children of one dead router are one message each step."""
    batch = house.row(
        """INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule,
                              message, opened_at, last_sign_at)
           VALUES (NULL, 'device', 'unreachable', 'unacknowledged', 'critical', 'batch', 'batch',
                   '{"template": "{n} devices went down together", "values": {"n": 30}}',
                   %(now)s, %(now)s)
           RETURNING id""",
        now=house.clock.now(),
    )
    children = []
    for number in range(30):
        device = house.row(
            "INSERT INTO device (key, kind) VALUES (%(key)s, 'pos') RETURNING id",
            key=f"child-{number}",
        )
        child = house.alert(device)
        house.mute(child)
        children.append(child)
    house.policy = read_policy(PEOPLE + ROUTES.replace('"engineer"', '"sara"'))
    house.tell(Topic.ALERT_RAISED, batch)
    house.tell(Topic.BATCH_OPENED, batch, kind="batch", members=30)
    house.tell(Topic.BATCH_GROWN, batch, kind="batch", members=31)
    assert house.work() == ["sara mail fault"]
    assert "30" in house.box.arrived[0].content["title"].translate(_LATIN)
    assert house.work(5) == []
    house.tell(Topic.BATCH_ENDED, batch, kind="batch")
    assert house.work(5) == ["sara mail recovery"]


_LATIN = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")


def test_quiet_hours_hold_back_what_can_wait(house: House) -> None:
    quiet = 'quiet = {from = "22:00", to = "07:00", unless = "critical"}\n'
    house.policy = read_policy(
        PEOPLE.replace('engineer = "li"', 'engineer = "li"\n' + quiet) + ROUTES
    )
    night = datetime(2026, 3, 2, 16, tzinfo=UTC)  # midnight in Shanghai
    house.clock.set(night)
    mild, gone = house.alert(severity="error"), house.alert(house.world.pos, severity="error")
    house.alert(house.world.clock_device, severity="critical")
    assert house.work() == ["li chat fault"]
    house.acknowledge(mild)
    house.recover(gone)
    house.work(10)
    third = house.alert(house.world.kiosk, severity="error", component="cardReader")
    assert house.work() == []
    house.work(600)
    arrived = [letter for letter in house.box.arrived if letter.person == "li"]
    assert {letter.subject for letter in arrived if letter.channel == "chat"} == {f"alert/{third}"}


def test_the_first_route_that_matches_counts(house: House) -> None:
    house.policy = read_policy(
        PEOPLE
        + """
[[routes]]
name = "kiosks"
kinds = ["kiosk"]
severity = "critical"
steps = [{tell = ["max"], by = ["mail"]}]
[[routes]]
name = "elsewhere"
sites = ["nowhere"]
steps = [{tell = ["li"], by = ["mail"]}]
[[routes]]
name = "customer"
customers = ["c"]
steps = [{tell = ["sara"], by = ["mail"]}]
"""
    )
    house.alert()
    assert house.work() == ["max mail fault"]
    house.alert(house.world.pos)
    assert house.work() == ["sara mail fault"]
    house.alert(house.world.kiosk, "warning", component="cardReader")
    assert house.work() == ["sara mail fault"]


def test_without_a_policy_nobody_is_told_and_nothing_piles_up(house: House) -> None:
    house.policy = read_policy("")
    house.alert()
    assert house.work(60) == []
    with house.database.transaction() as conn:
        assert conn.execute("SELECT FROM announcement").fetchone() is None


def test_a_promise_is_told_once_for_each_clock(house: House) -> None:
    ticket = house.row(
        """INSERT INTO ticket (device_id, component, fault_class, origin, state, severity, title,
                               opened_at)
           VALUES (%(device)s, 'receiptPrinter', 'breakdown', 'phone', 'new', 'error',
                   '{"template": "Reported by telephone: {words}", "values": {"words": "dark"}}',
                   %(now)s)
           RETURNING id""",
        device=house.world.kiosk,
        now=house.clock.now(),
    )
    for _ in range(2):
        house.tell(Topic.SLA_WARNING, ticket, kind="ticket", clock="respond")
        house.tell(Topic.SLA_BREACH, ticket, kind="ticket", clock="respond")
        house.tell(Topic.SLA_WARNING, ticket, kind="ticket", clock="repair")
    warned = "li chat sla_warning"
    assert sorted(house.work()) == ["li chat sla_breach", warned, warned]
    assert house.work(30) == []


def test_a_ticket_without_an_alert_is_told_by_itself(house: House) -> None:
    ticket = house.row(
        """INSERT INTO ticket (device_id, component, fault_class, origin, state, severity, title,
                               opened_at)
           VALUES (%(device)s, 'receiptPrinter', 'breakdown', 'phone', 'new', 'error',
                   '{"template": "Reported by telephone: {words}", "values": {"words": "dark"}}',
                   %(now)s)
           RETURNING id""",
        device=house.world.kiosk,
        now=house.clock.now(),
    )
    house.tell(Topic.TICKET_OPENED, ticket, kind="ticket")
    assert house.work() == FIRST
    house.tell(Topic.TICKET_MOVED, ticket, kind="ticket")
    assert house.work(60) == []
