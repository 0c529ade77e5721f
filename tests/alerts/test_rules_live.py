"""What each kind of rule raises and ends, on the real store, by a user's file over the shipped rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk.cases import Cases
from domain.device import Cause
from pipeline.rollups import refresh
from storage.engine import detect
from tests.alerts.conftest import World

HOUR = timedelta(hours=1)


@pytest.fixture
def book(world: World, tmp_path: Path) -> Callable[[str], Callable[[], int]]:
    """Makes an evaluator of a user's file."""

    def made(text: str) -> Callable[[], int]:
        path = tmp_path / "rules.toml"
        path.write_text(text)
        books = RuleBooks(path)
        assert (books.current(), books.problem)[1] == ""
        return lambda: evaluate(world.database, world.clock, Cases(world.clock), books)

    return made


def conditions(world: World) -> set[str]:
    """The names of the conditions that hold."""
    return {row["rule"] for row in world.rows("SELECT rule FROM alert_condition")}


def tell(
    world: World,
    device: int,
    metric: str,
    series: Sequence[tuple[datetime, float]],
    kind: str = "counter",
) -> None:
    """Stores readings and brings the rollups up to them."""
    with world.database.transaction() as conn:
        times = [at for at, _ in series]
        detect(conn).ensure(conn, min(times) - HOUR, max(times) + timedelta(days=8))
        conn.execute(
            """WITH known AS (
                   INSERT INTO metric (name, kind) VALUES (%(metric)s, %(kind)s)
                   ON CONFLICT (name) DO UPDATE SET kind = excluded.kind RETURNING id)
               INSERT INTO reading (at, received_at, device_id, metric_id, value)
               SELECT at, at, %(device)s, known.id, value
               FROM known, unnest(%(times)s::timestamptz[], %(values)s::float8[]) AS r (at, value)
            """,
            {
                "metric": metric,
                "kind": kind,
                "device": device,
                "times": times,
                "values": [value for _, value in series],
            },
        )
        conn.execute(
            """INSERT INTO rollup_touched (device_id, hour)
               SELECT DISTINCT %s::int, date_trunc('hour', at, 'UTC')
               FROM unnest(%s::timestamptz[]) AS r (at)
               ON CONFLICT DO NOTHING""",
            [device, times],
        )
    while refresh(world.database):
        pass


def up(world: World, device: int, at: datetime) -> None:
    with world.database.transaction() as conn:
        conn.execute(
            """INSERT INTO device_transition (device_id, from_state, to_state, at, cause, version,
                                              recorded_at)
               VALUES (%s, 'unwatched', 'up', %s, 'first_contact', 1, %s)""",
            [device, at, at],
        )


HELD = """
[[threshold]]
name = "hot"
metric = "x.Warmth"
component = "receiptPrinter"
fault_class = "degraded"
severity = "error"
message = {en = "At {value} for long", fa = "مدت زیادی {value}"}
raise_at = 70
clear_at = 60
held_for = "10m"
"""


def test_a_breach_must_last_before_it_raises_and_be_well_back_before_it_ends(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(HELD)
    for value, held in [
        (80, False),  # it begins
        (80, False),
        (65, False),  # broken: it begins anew
        (80, False),
        (90, False),
        (71, True),  # 10 minutes after it began
        (65, True),
        (59, False),
    ]:
        world.gauge(world.kiosk, "x.Warmth", value)
        judge()
        assert (conditions(world) == {"hot"}) is held, value
        world.pass_time(minutes=5)
    [alert] = world.alerts(only_open=False)
    assert alert["message"]["template"] == "At {value} for long"
    assert alert["message"]["also"]["fa"] == "مدت زیادی {value}"
    assert len(world.tickets()) == 1


def test_a_gap_in_the_readings_breaks_a_breach(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(HELD)
    for _ in range(3):
        world.gauge(world.kiosk, "x.Warmth", 80)
        judge()
        assert conditions(world) == set()
        world.pass_time(hours=4)


def test_selectors_say_which_devices_a_rule_is_meant_for(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(HELD.replace("[[threshold]]", '[[threshold]]\nkinds = ["!kiosk"]\nsites = ["s"]'))
    for device in (world.kiosk, world.pos):
        for _ in range(2):
            world.gauge(device, "x.Warmth", 80)
            world.pass_time(minutes=10)
    judge()
    assert [alert["device_id"] for alert in world.alerts()] == [world.pos]


STATE = """
[[state]]
name = "open"
codes = ["doorOpen"]
cleared_by = ["doorClosed"]
kinds = ["kiosk"]
held_for = "20m"
fault_class = "consumable"
severity = "error"
message = "Open for {hours} h"
"""


def test_a_state_raises_when_it_has_lasted_and_ends_by_its_word(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book('disable = ["state:doorOpen"]\n' + STATE)
    world.event(world.kiosk, "device", "doorOpen", "info")
    world.event(world.pos, "device", "doorOpen", "info")
    judge()
    world.pass_time(minutes=15)
    world.event(world.kiosk, "device", "doorOpen", "info")  # said again: it goes on
    judge()
    assert "open" not in conditions(world)
    world.pass_time(minutes=5)
    judge()
    assert "open" in conditions(world)
    assert [ticket.fault.device_id for ticket in world.tickets() if ticket.fault] == [world.kiosk]
    world.event(world.kiosk, "device", "doorClosed", "info")
    judge()
    assert "open" not in conditions(world)


def test_a_state_that_ends_in_time_is_forgotten(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book('disable = ["state:doorOpen"]\n' + STATE)
    world.event(world.kiosk, "device", "doorOpen", "info")
    world.event(world.kiosk, "device", "doorClosed", "info")
    judge()
    world.pass_time(hours=1)
    judge()
    assert "open" not in conditions(world)
    assert world.rows("SELECT FROM state_wait") == []


def hourly(start: datetime, values: Sequence[float]) -> list[tuple[datetime, float]]:
    return [(start + nth * HOUR + timedelta(minutes=30), value) for nth, value in enumerate(values)]


def run_hours(world: World, judge: Callable[[], int], count: int) -> list[bool]:
    """Whether a condition holds after each hour's end."""
    seen = []
    for _ in range(count):
        world.pass_time(hours=1)
        judge()
        seen.append(bool(conditions(world)))
    return seen


RATE = """
[[rate]]
name = "jams"
metric = "x.Jams"
window = "3h"
component = "billAcceptor"
fault_class = "degraded"
severity = "warning"
message = "{value} in {hours} h, {limit} allowed"
raise_at = 4
clear_at = 2
"""


def test_a_rate_is_judged_over_its_window_at_the_end_of_each_hour(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(RATE)
    start = world.clock.now()
    tell(world, world.kiosk, "x.Jams", hourly(start, [0, 2, 4, 6, 7, 7, 7, 7]))
    world.pass_time(minutes=10)
    judge()
    # growth of 3 hours at each end: 0, 2, 4, 6, 5, 3, 1, 0
    assert run_hours(world, judge, 8) == [False] * 3 + [True] * 3 + [False] * 2
    [alert] = world.alerts(only_open=False)
    assert alert["message"]["values"] == {"value": 6, "limit": 4, "hours": 3}


def test_a_rate_of_so_many_a_hundred_says_nothing_of_too_few(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(RATE.replace('window = "3h"', 'window = "3h"\nper = "x.Bills"\nfewest = 10'))
    start = world.clock.now()
    tell(world, world.kiosk, "x.Jams", hourly(start, [0, 1, 2, 3, 4]))
    tell(world, world.kiosk, "x.Bills", hourly(start, [0, 2, 4, 12, 30]))
    world.pass_time(minutes=10)
    judge()
    assert run_hours(world, judge, 5) == [False, False, False, True, True]
    assert world.alerts()[0]["message"]["values"]["value"] == 25


def test_a_gauge_may_change_too_fast(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(RATE.replace("raise_at = 4", "raise_at = 4\nabsolute = true"))
    start = world.clock.now()
    tell(world, world.kiosk, "x.Jams", hourly(start, [20, 18, 15, 14, 14, 14]), "gauge")
    world.pass_time(minutes=10)
    judge()
    assert run_hours(world, judge, 6) == [False, False, True, True, False, False]


FORECAST = """
[[forecast]]
name = "memory"
metric = "x.Left"
window = "6h"
ahead = "10h"
component = "device"
fault_class = "degraded"
severity = "error"
message = "{value} left in {days} days"
raise_at = 0
clear_at = 20
"""


def test_a_forecast_crosses_before_the_gauge_does(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(FORECAST)
    start = world.clock.now()
    falls = [100 - 8 * nth for nth in range(6)]
    tell(world, world.kiosk, "x.Left", hourly(start, [*falls, *[100] * 8]), "gauge")
    world.pass_time(minutes=10)
    judge()
    # at 8 an hour, 10 h ahead: 84 - 80 = 4 after three hours (half the window), then below 0
    seen = run_hours(world, judge, 14)
    assert seen[:5] == [False, False, False, True, True]
    assert seen[-1] is False
    [alert] = world.alerts(only_open=False)
    assert alert["message"]["values"] == {"value": -4, "limit": 0, "days": 0.4}


ABSENCE = """
[[absence]]
name = "mute"
metric = "x.Sold"
signal = "growth"
quiet_for = "3h"
usual = 2
component = "cardReader"
fault_class = "degraded"
severity = "warning"
message = "Nothing for {hours} h"
"""


def _week(world: World) -> datetime:
    """A week in which the kiosk sold one an hour, up to now."""
    end = world.clock.now()
    start = end - timedelta(days=7)
    tell(world, world.kiosk, "x.Sold", hourly(start, list(range(7 * 24))))
    return end


def test_a_signal_that_should_come_and_does_not_is_a_silent_failure(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(ABSENCE)
    end = _week(world)
    up(world, world.kiosk, end - timedelta(days=7))
    tell(world, world.kiosk, "x.Sold", hourly(end, [167, 167, 167, 167, 168, 169]))  # it is heard
    world.pass_time(minutes=10)
    judge()
    assert run_hours(world, judge, 6) == [False, False, True, True, False, False]
    assert world.alerts(only_open=False)[0]["message"]["values"] == {"hours": 3}


def test_silence_counts_only_while_the_device_is_up(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(ABSENCE)
    end = _week(world)
    up(world, world.kiosk, end + timedelta(hours=2))
    world.pass_time(minutes=10)
    judge()
    assert run_hours(world, judge, 6) == [False] * 4 + [True] * 2


@pytest.mark.parametrize("change", ["usual = 20", 'kinds = ["pos"]\nusual = 2'])
def test_what_is_not_usual_is_not_missed(
    world: World, book: Callable[[str], Callable[[], int]], change: str
) -> None:
    judge = book(ABSENCE.replace("usual = 2", change))
    up(world, world.kiosk, _week(world) - timedelta(days=7))
    world.pass_time(minutes=10)
    judge()
    assert run_hours(world, judge, 6) == [False] * 6


def test_hours_wait_for_their_rollups_and_are_caught_up(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(RATE)
    start = world.clock.now()
    world.pass_time(minutes=10)
    judge()
    tell(world, world.kiosk, "x.Jams", hourly(start, [0, 9, 9, 9, 9, 9]))
    with world.database.transaction() as conn:
        conn.execute("INSERT INTO rollup_touched VALUES (%s, %s)", [world.kiosk, start])
    world.pass_time(hours=6)
    judge()
    assert world.alerts(only_open=False) == []
    while refresh(world.database):
        pass
    for _ in range(6):
        judge()
    [alert] = world.alerts(only_open=False)
    steps = world.rows("SELECT name, at FROM alert_transition ORDER BY id")
    assert [step["name"] for step in steps] == ["raise", "return"]
    assert alert["active"] is False
    assert steps[1]["at"] == start + 5 * HOUR


def test_down_rules_may_differ_by_place(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(
        """
        [[down]]
        name = "down:bank"
        sites = ["s"]
        kinds = ["pos"]
        severity = "critical"
        severity_broken = "critical"
        message = "Down at the bank"
        message_missed_heartbeats = "Silent at the bank"
        message_poll_failed = "No answer at the bank"
        message_reported = "Down at the bank: {detail}"
        """
    )
    for device in (world.kiosk, world.pos):
        world.transition(device, "down", Cause.MISSED_HEARTBEATS)
    judge()
    assert [(alert["rule"], alert["severity"]) for alert in world.alerts()] == [
        ("down", "error"),
        ("down:bank", "critical"),
    ]
    for device in (world.kiosk, world.pos):
        world.transition(device, "up", Cause.CONTACT)
    judge()
    assert conditions(world) == set()


def test_a_rule_of_a_users_file_is_asked_before_a_shipped_one(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(
        """
        [[event]]
        name = "paper-in-kiosks"
        code = "paperLow"
        kinds = ["kiosk"]
        fault_class = "consumable"
        severity = "error"
        message = "Bring paper"
        cleared_by = ["paperOk"]
        lasts = "1h"

        [change."event:paperLow"]
        severity = "info"
        """
    )
    world.event(world.kiosk, "receiptPrinter", "paperLow")
    world.event(world.pos, "receiptPrinter", "paperLow")
    judge()
    assert [(alert["rule"], alert["severity"]) for alert in world.alerts()] == [
        ("paper-in-kiosks", "error"),
        ("event:paperLow", "info"),
    ]
    world.pass_time(hours=1)
    judge()
    assert conditions(world) == {"event:paperLow"}


def test_a_prediction_rule_may_ask_for_more_than_the_models_threshold(
    world: World, book: Callable[[str], Callable[[], int]]
) -> None:
    judge = book(
        """
        [[prediction]]
        name = "nearly-certain"
        at_least = 0.9
        components = ["receiptPrinter"]
        severity = "critical"
        message = "Nearly certain"
        message_why = "Nearly certain: {why}"
        """
    )
    world.predict(world.kiosk, "receiptPrinter", 0.95)
    world.predict(world.pos, "receiptPrinter", 0.8)
    world.predict(world.clock_device, "powerSupply", 0.95)
    judge()
    assert [(alert["rule"], alert["severity"]) for alert in world.alerts()] == [
        ("nearly-certain", "critical"),
        ("prediction", "error"),
        ("prediction", "error"),
    ]


def test_every_change_of_the_book_is_recorded_and_an_alert_traced_to_its_rule(
    world: World, tmp_path: Path
) -> None:
    from alerts.rules.force import last_book, rule_at

    path = tmp_path / "rules.toml"
    path.write_text("")
    books = RuleBooks(path)
    desk = Cases(world.clock)
    world.event(world.kiosk, "receiptPrinter", "paperLow")
    evaluate(world.database, world.clock, desk, books)
    opened = world.alerts()[0]["opened_at"]
    world.pass_time(minutes=1)
    path.write_text('[change."event:paperLow"]\nseverity = "error"\n')
    evaluate(world.database, world.clock, desk, books)
    evaluate(world.database, world.clock, desk, books)
    world.pass_time(minutes=1)
    path.write_text("what = [")  # bad: the one before stays in force
    evaluate(world.database, world.clock, desk, books)
    rows = world.rows("SELECT source, changes FROM rule_book_in_force ORDER BY id")
    assert [row["changes"]["changed"] for row in rows] == [[], ["event:paperLow"]]
    assert rows[1]["source"] == str(path)
    assert len(rows[0]["changes"]["added"]) > 50
    with world.database.transaction() as conn:
        then = rule_at(conn, "event:paperLow", opened)
        now = rule_at(conn, "event:paperLow", world.clock.now())
        assert then is not None
        assert now is not None
        assert (then["severity"], now["severity"]) == ("warning", "error")
        last = last_book(conn, world.clock.now())
    assert last is not None
    assert last.digest == books.current().digest


def test_conditions_of_rules_that_are_taken_away_end(world: World, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(HELD.replace("10m", "0s"))
    books = RuleBooks(path)
    world.gauge(world.kiosk, "x.Warmth", 80)
    world.event(world.kiosk, "receiptPrinter", "paperJam")
    evaluate(world.database, world.clock, Cases(world.clock), books)
    assert conditions(world) == {"hot", "event:paperJam"}
    path.write_text('disable = ["event:paperJam"]\n' + HELD.replace("70", "71"))
    world.pass_time(minutes=1)
    evaluate(world.database, world.clock, Cases(world.clock), books)
    assert conditions(world) == {"hot"}
    path.write_text(HELD.replace("[[threshold]]", '[[threshold]]\nkinds = ["pos"]'))
    world.pass_time(minutes=1)
    evaluate(world.database, world.clock, Cases(world.clock), books)
    assert conditions(world) == set()
    assert world.alerts()[0]["state"] == "returned_unacknowledged"
