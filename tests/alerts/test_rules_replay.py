"""A replay says what the evaluator said when it happened, writes nothing, and tells two books apart."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from alerts.engine import evaluate
from alerts.replay.judge import replay
from alerts.replay.ledger import PastAlert
from alerts.replay.past import open_past
from alerts.rules import RuleBook, RuleBooks
from alerts.rules.judge import minute_after
from desk.cases import Cases
from domain.device import Cause
from forecall.cli import app
from pipeline.rollups import refresh
from tests.alerts.conftest import REASON, World
from tests.waiting import wait_for

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

BOOK = """
disable = ["absence:x.LogFill"]

[change."event:paperJam"]
lasts = "40m"

[[state]]
name = "cover"
codes = ["coverOpen"]
cleared_by = ["coverClosed"]
held_for = "25m"
fault_class = "consumable"
severity = "error"
message = "Open for {hours} h"

[[threshold]]
name = "hot"
metric = "x.Warmth"
component = "receiptPrinter"
fault_class = "degraded"
severity = "error"
message = "At {value}"
raise_at = 70
clear_at = 60
held_for = "12m"

[[rate]]
name = "jams"
metric = "x.Jams"
window = "2h"
component = "billAcceptor"
fault_class = "degraded"
severity = "warning"
message = "{value} in {hours} h"
raise_at = 3
clear_at = 1

[[forecast]]
name = "soon-full"
metric = "x.LogFill"
window = "3h"
ahead = "2h"
component = "attendanceLog"
fault_class = "degraded"
severity = "warning"
message = "{value} in {days} days"
raise_at = 90
clear_at = 70

[[absence]]
name = "mute"
metric = "x.Sold"
signal = "growth"
quiet_for = "2h"
usual = 0
component = "cardReader"
fault_class = "degraded"
severity = "warning"
message = "Nothing for {hours} h"
"""
SPANS = [timedelta(minutes=40), HOUR, timedelta(hours=6), timedelta(minutes=25)]

Held = set[tuple[int, str, str, str]]
"""Device, component, class and rule of each condition that holds."""

CODES = [
    ("receiptPrinter", "paperLow", "warning"),
    ("receiptPrinter", "paperOk", "info"),
    ("receiptPrinter", "paperJam", "warning"),
    ("receiptPrinter", "coverOpen", "warning"),
    ("receiptPrinter", "coverClosed", "info"),
    ("receiptPrinter", "cutterFailure", "critical"),
    ("receiptPrinter", "ok", "info"),
    ("billAcceptor", "stackMotor", "critical"),
    ("billAcceptor", "restored", "info"),
    ("billAcceptor", "something", "error"),
]


@dataclass(slots=True)
class Story:
    """Random days of two devices, told to the store as they happen."""

    world: World
    chance: random.Random
    books: RuleBooks
    live: dict[datetime, Held] = field(default_factory=dict)
    counters: dict[tuple[int, str], float] = field(default_factory=dict)
    down: set[int] = field(default_factory=set)
    versions: int = 1

    def run(self, hours: int) -> None:
        begin = self.world.clock.now()
        told = sorted(self._plan(begin, hours), key=lambda one: one[0])
        looks = {minute_after(at) for at, _ in told}
        looks |= {minute_after(at + span) for at, _ in told for span in SPANS}
        looks |= {begin + nth * HOUR + timedelta(minutes=5) for nth in range(hours)}
        end = begin + hours * HOUR
        for look in sorted(look for look in looks if begin < look <= end):
            while told and told[0][0] <= look:
                at, tell = told.pop(0)
                self._go(at)
                tell(at)
            self._go(look)
            self._look()

    def _plan(
        self, begin: datetime, hours: int
    ) -> list[tuple[datetime, Callable[[datetime], None]]]:
        what: list[Callable[[datetime], None]] = [
            self._event,
            self._transition,
            self._reading,
            self._count,
            self._count,
        ]
        exact: list[Callable[[datetime], None]] = [self._predict, self._anomaly, self._supply]
        some = [
            (begin + timedelta(seconds=self.chance.uniform(1, hours * 3600)), tell)
            for tell in self.chance.choices(what, k=hours * 16)
        ]
        full = [
            (begin + self.chance.randrange(1, hours * 60) * MINUTE, tell)
            for tell in self.chance.choices(exact, k=hours * 5)
        ]
        return some + full

    def _go(self, at: datetime) -> None:
        self.world.clock.advance(at - self.world.clock.now())

    def _look(self) -> None:
        while refresh(self.world.database):
            pass
        evaluate(
            self.world.database,
            self.world.clock,
            Cases(self.world.clock),
            self.books,
            hold=timedelta(),
        )
        rows = self.world.rows(
            """SELECT device_id, component, fault_class, alert_condition.rule
               FROM alert_condition JOIN alert ON alert.id = alert_id"""
        )
        self.live[self.world.clock.now()] = {
            (row["device_id"], row["component"], row["fault_class"], row["rule"]) for row in rows
        }

    def _device(self) -> int:
        return self.chance.choice([self.world.kiosk, self.world.clock_device])

    def _event(self, at: datetime) -> None:
        component, code, severity = self.chance.choice(CODES)
        device = self._device()
        self.world.event(device, component, code, severity)
        self._run(
            """INSERT INTO device_event (at, received_at, device_id, component, code, severity)
               VALUES (%s, %s, %s, %s, %s, %s)""",
            *(at, at, device, component, code, severity),
        )

    def _transition(self, at: datetime) -> None:
        device = self._device()
        to = "up" if device in self.down else "down"
        self.down ^= {device}
        cause, detail, component = self.chance.choice(
            [
                (Cause.MISSED_HEARTBEATS, "", ""),
                (Cause.REPORTED, "hardwareError", "receiptPrinter"),
                (Cause.REPORTED, "hardwareError", ""),
                (Cause.REPORTED, "offline", ""),
            ]
        )
        self.world.transition(device, to, cause, component, detail)
        self.versions += 1
        self._run(
            """INSERT INTO device_transition (device_id, from_state, to_state, at, cause, detail,
                                              component, version, recorded_at)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            *(device, "down" if to == "up" else "up", to, at),
            *(cause, detail, component, self.versions, at),
        )

    def _reading(self, at: datetime) -> None:
        metric, worst = self.chance.choice(
            [("x.Warmth", 100.0), ("x.LogFill", 100.0), ("x.SupplyVoltage", 13.0)]
        )
        low = 10.5 if metric == "x.SupplyVoltage" else 55.0
        device = self._device()
        # Some come late, and some breaches last. (What is late for its hour's judgement, a replay
        # knows better than the evaluator did.)
        for nth in range(1 if metric == "x.LogFill" else self.chance.randrange(1, 4)):
            value = self.chance.uniform(low, worst)
            self._store(device, metric, "gauge", at - nth * 7 * MINUTE, at, value)

    def _count(self, at: datetime) -> None:
        device, metric = self._device(), self.chance.choice(["x.Jams", "x.Sold"])
        value = self.counters.get((device, metric), 0.0) + self.chance.randrange(4)
        self.counters[device, metric] = value
        self._store(device, metric, "counter", at, at, value)

    def _predict(self, at: datetime) -> None:
        part = self.chance.choice(["receiptPrinter", "powerSupply"])
        self.world.predict(self._device(), part, self.chance.choice([0.1, 0.2, 0.4, 0.7]), 6)

    def _anomaly(self, at: datetime) -> None:
        self._run(
            """INSERT INTO anomaly (at, device_id, component, score, chance, reasons)
               VALUES (%s, %s, 'receiptPrinter', 1, 0.001, %s) ON CONFLICT DO NOTHING""",
            *(at, self._device(), Jsonb([REASON.to_json()])),
        )

    def _supply(self, at: datetime) -> None:
        early = at + timedelta(days=self.chance.choice([1, 9]))
        self._run(
            """INSERT INTO consumable (device_id, metric, component, at, level, edge, early, visit)
               VALUES (%s, 'x.PaperRemaining', 'receiptPrinter', %s, 20, 0, %s, %s)
               ON CONFLICT (device_id, metric) DO UPDATE
               SET at = excluded.at, early = excluded.early, visit = excluded.visit""",
            *(self._device(), at, early, at + timedelta(days=5)),
        )

    def _store(
        self, device: int, metric: str, kind: str, at: datetime, received: datetime, value: float
    ) -> None:
        self._run(
            """WITH known AS (
                   INSERT INTO metric (name, kind) VALUES (%s, %s)
                   ON CONFLICT (name) DO UPDATE SET kind = excluded.kind RETURNING id)
               INSERT INTO reading (at, received_at, device_id, metric_id, value)
               SELECT %s, %s, %s, id, %s FROM known""",
            *(metric, kind, at, received, device, value),
        )
        self._run(
            """INSERT INTO rollup_touched VALUES (%s, date_trunc('hour', %s::timestamptz, 'UTC'))
               ON CONFLICT DO NOTHING""",
            *(device, at),
        )

    def _run(self, statement: str, *values: object) -> None:
        with self.world.database.transaction() as conn:
            conn.execute(statement.encode(), values)


def replayed(world: World, book: RuleBook, since: datetime) -> list[PastAlert]:
    with world.database.transaction() as conn:
        conn.execute("SET TRANSACTION READ ONLY")
        return replay(open_past(conn, since, world.clock.now(), None, None), book)


def held_at(alerts: list[PastAlert], moment: datetime) -> Held:
    return {
        (alert.fault.device_id, alert.fault.component, alert.fault.fault_class.value, one.rule)
        for alert in alerts
        for one in alert.conditions
        if one.since <= moment and (one.until is None or one.until > moment)
    }


@pytest.mark.parametrize("seed", [5, 9])
def test_a_replay_says_what_the_evaluator_said(world: World, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(BOOK)
    books = RuleBooks(path)
    begin = world.clock.now()
    for device in (world.kiosk, world.clock_device):
        with world.database.transaction() as conn:
            conn.execute(
                """INSERT INTO device_transition (device_id, from_state, to_state, at, cause,
                                                  version, recorded_at)
                   VALUES (%s, 'unwatched', 'up', %s, 'first_contact', 1, %s)""",
                [device, begin - HOUR, begin - HOUR],
            )
    story = Story(world, random.Random(seed), books)
    story.run(6)
    assert books.problem == ""
    alerts = replayed(world, books.current(), begin - MINUTE)
    for look, live in story.live.items():
        assert held_at(alerts, look) == live, look
    rules = {one.rule for alert in alerts for one in alert.conditions}
    assert {"down", "event:critical", "jams", "prediction"} <= rules
    faults = {ticket.fault for ticket in world.tickets(only_open=False)}
    assert {alert.fault for alert in alerts if alert.ticket_at is not None} == faults


def told(world: World, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What `forecall rules ...` prints at the world's time."""
    monkeypatch.setenv("FORECALL_DATABASE_DSN", world.database.dsn)
    monkeypatch.setattr("forecall.wiring.installed_clock", lambda conn: world.clock)
    answer = CliRunner().invoke(app, ["rules", *arguments], catch_exceptions=False)
    assert answer.exit_code == 0
    return answer.output


def test_a_changed_rule_is_tried_before_it_is_switched_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(world, random.Random(1), RuleBooks())
    begin = world.clock.now()
    for minutes, value in [(10, 50), (20, 87), (30, 93), (90, 50)]:
        at = begin + timedelta(minutes=minutes)
        world.clock.advance(at - world.clock.now())
        story._store(world.clock_device, "x.LogFill", "gauge", at, at, value)
        story._look()
    path = tmp_path / "rules.toml"
    path.write_text(
        """
        disable = ["event:paperJam"]

        [change."threshold:x.LogFill"]
        raise_at = 95

        [[threshold]]
        name = "log-half"
        metric = "x.LogFill"
        component = "attendanceLog"
        fault_class = "consumable"
        severity = "error"
        message = "{value} % full"
        raise_at = 60
        clear_at = 55
        held_for = "10m"
        """
    )
    rows = world.rows(
        "SELECT (SELECT count(*) FROM alert) AS a, (SELECT count(*) FROM ticket) AS t"
    )
    found = json.loads(told(world, ["test", str(path), "--since", "1d", "--json"], monkeypatch))
    assert {"rule": "threshold:x.LogFill", "now": 1, "then": 0} in found["rules"]
    assert {"rule": "log-half", "now": 0, "then": 1} in found["rules"]
    [new], [gone] = found["alerts"]["new"], found["alerts"]["gone"]
    assert (new["device"], new["fault_class"], new["message"]) == (
        "clock-1",
        "consumable",
        "93.0 % full",
    )
    assert new["opened_at"] == (begin + timedelta(minutes=30)).isoformat()
    assert new["ticket_at"] is not None
    assert gone["rule"] == "threshold:x.LogFill"
    assert found["tickets"]["now"] == found["tickets"]["then"] == 1
    assert any("Readings are stored from" in note for note in found["notes"])
    shown = told(world, ["test", str(path), "--since", "1d", "--device", "clock-1"], monkeypatch)
    assert "new: 2026-03-02 12:30 clock-1 attendanceLog (error, ticket): 93.0 % full" in shown
    assert rows == world.rows(
        "SELECT (SELECT count(*) FROM alert) AS a, (SELECT count(*) FROM ticket) AS t"
    )


def test_readings_that_are_gone_are_told(world: World) -> None:
    story = Story(world, random.Random(1), RuleBooks())
    at = world.clock.now() + timedelta(minutes=10)
    world.clock.advance(timedelta(minutes=10))
    story._store(world.clock_device, "x.LogFill", "gauge", at, at, 99)
    story._look()
    with world.database.transaction() as conn:
        conn.execute("DELETE FROM reading")
    world.clock.advance(timedelta(hours=1))
    with world.database.transaction() as conn:
        past = open_past(conn, at - HOUR, world.clock.now(), None, "s")
        assert replay(past, RuleBooks().current()) == []
    assert (
        past.notes[-1]
        == "threshold:x.LogFill: of 1 hours the readings are gone; they are left out."
    )


def test_the_text_of_the_rule_that_raised_an_alert_can_be_shown(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[change."event:paperLow"]\nseverity = "error"\n')
    then = world.clock.now().isoformat()
    evaluate(world.database, world.clock, Cases(world.clock), RuleBooks(path))
    world.pass_time(hours=1)
    evaluate(world.database, world.clock, Cases(world.clock), RuleBooks())
    assert 'severity = "warning"' in told(world, ["show", "event:paperLow"], monkeypatch)
    shown = told(world, ["show", "event:paperLow", "--at", then], monkeypatch)
    assert 'severity = "error"' in shown
    monkeypatch.setenv("FORECALL_ALERTS_RULES", str(path))
    names = [rule["name"] for rule in json.loads(told(world, ["list", "--json"], monkeypatch))]
    assert "event:paperLow" in names
    assert "changed: event:paperLow" in told(world, ["check"], monkeypatch)


def test_a_running_evaluator_takes_a_changed_file_and_keeps_on_after_a_bad_one(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("")
    books, stop = RuleBooks(path), Event()

    def run() -> None:
        while not stop.is_set():
            evaluate(world.database, world.clock, Cases(world.clock), books, hold=timedelta())

    def severities() -> list[str]:
        return [row["severity"] for row in world.rows("SELECT severity FROM alert ORDER BY id")]

    runner = Thread(target=run)
    runner.start()
    try:
        world.event(world.kiosk, "receiptPrinter", "paperLow")
        wait_for("the shipped rule speaks", lambda: severities() == ["warning"])
        path.write_text('[change."event:paperLow"]\nseverity = "critical"\n')
        wait_for("it is in force", lambda: len(world.rows("SELECT FROM rule_book_in_force")) == 2)
        path.write_text("severity = ")
        wait_for("the bad file is seen", lambda: bool(books.problem))
        world.event(world.pos, "receiptPrinter", "paperLow")
        wait_for("the last good one speaks", lambda: severities() == ["warning", "critical"])
    finally:
        stop.set()
        runner.join()
