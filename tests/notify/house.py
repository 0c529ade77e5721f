"""A house with people to tell: alerts that the tests raise by hand, a policy, and their letters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alerts.notify.message import Messages
from alerts.notify.notifier import Notifier
from alerts.notify.policy import Policy
from alerts.notify.policy_file import read_policy
from alerts.outbox import Announcement, Topic, announce
from alerts.outbox.relay import relay
from alerts.outbox.sending import Sender
from console.i18n.speech import reader
from domain.clock import ManualClock
from domain.text import Text
from storage.database import Database
from tests.alerts.conftest import World
from tests.outbox.post import Box

PEOPLE = """
[channels]
chat = {url = {env = "CHAT"}}
mail = {url = {env = "MAIL"}}
[people.li]
name = "Li Wei"
language = "zh"
time_zone = "Asia/Shanghai"
engineer = "li"
addresses = {chat = "li", mail = "li@example.com"}
[people.sara]
name = "Sara"
language = "fa"
time_zone = "Asia/Tehran"
addresses = {mail = "sara@example.com"}
[people.max]
name = "Max"
addresses = {mail = "max@example.com"}
[teams.desk]
members = ["sara", "max"]
"""
ROUTES = """
[[routes]]
name = "all"
steps = [
    {tell = ["engineer"], by = ["chat", "mail"]},
    {after_min = 15, tell = ["team:desk", "li"], by = ["mail"]},
    {after_min = 45, tell = ["max"], by = ["mail"]},
]
"""


@dataclass
class House:
    """Raises alerts, tells of them, and lets time pass."""

    world: World
    policy: Policy = field(default_factory=lambda: read_policy(PEOPLE + ROUTES))
    box: Box = field(default_factory=Box)

    @property
    def database(self) -> Database:
        return self.world.database

    @property
    def clock(self) -> ManualClock:
        return self.world.clock

    def alert(self, device: int | None = None, severity: str = "critical", **more: Any) -> int:
        """An alert that is raised and announced."""
        number = self.row(
            """INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule,
                                  message, opened_at, last_sign_at)
               VALUES (%(device)s, %(component)s, 'breakdown', 'unacknowledged', %(severity)s,
                       'event', 'test', %(message)s, %(now)s, %(now)s)
               RETURNING id""",
            device=device or self.world.kiosk,
            severity=severity,
            component=more.get("component", "receiptPrinter"),
            message=Jsonb(Text("A failure was recorded").to_json()),
            now=self.clock.now(),
        )
        self.tell(Topic.ALERT_RAISED, number)
        return number

    def change(self, alert: int, state: str, topic: Topic, *, active: bool = True) -> None:
        """Puts an alert into a state and announces it."""
        self.row(
            "UPDATE alert SET state = %(state)s, active = %(active)s WHERE id = %(id)s RETURNING id",
            state=state,
            active=active,
            id=alert,
        )
        self.tell(topic, alert)

    def acknowledge(self, alert: int) -> None:
        self.change(alert, "acknowledged", Topic.ALERT_ACKNOWLEDGED)

    def recover(self, alert: int) -> None:
        state = "returned_unacknowledged"
        self.change(alert, state, Topic.ALERT_RETURNED, active=False)

    def again(self, alert: int) -> None:
        self.change(alert, "unacknowledged", Topic.ALERT_RAISED)

    def mute(self, alert: int) -> None:
        self.change(alert, "suppressed", Topic.ALERT_CHANGED)

    def close(self, alert: int) -> None:
        self.row(
            """UPDATE alert SET state = 'normal', active = false, closed_at = %(now)s
               WHERE id = %(id)s RETURNING id""",
            now=self.clock.now(),
            id=alert,
        )
        self.tell(Topic.ALERT_CLOSED, alert)

    def tell(self, topic: Topic, number: int, kind: str = "alert", **data: Any) -> None:
        with self.database.transaction() as conn:
            announce(conn, Announcement(topic, f"{kind}/{number}", self.clock.now(), data))

    def row(self, statement: str, **values: Any) -> int:
        with self.database.transaction() as conn:
            found = conn.execute(statement.encode(), values).fetchone()
        assert found is not None
        return int(found["id"])

    @property
    def notifier(self) -> Notifier:
        messages = Messages(reader, "https://forecall.example")
        return Notifier(lambda: self.policy, messages, self.clock)

    def work(self, minutes: float = 0) -> list[str]:
        """Lets time pass, does all that is due, and returns who got what: `person channel title`."""
        self.clock.advance(timedelta(minutes=minutes))
        self.plan()
        self.box.arrived.clear()
        self.send()
        return [
            f"{letter.person} {letter.channel} {letter.content['tells']}"
            for letter in sorted(self.box.arrived, key=lambda letter: letter.id)
        ]

    def plan(self) -> None:
        relay(self.database, self.clock, self.clock, [self.notifier])
        self.notifier.climb(self.database, self.clock)

    def send(self) -> None:
        sender = Sender(self.database, self.clock, self.box.carrier, wall=self.clock)
        for channel in sender.channels_due():
            sender.send_due(channel)

    def at(self, moment: datetime) -> list[str]:
        self.clock.set(moment)
        return self.work()
