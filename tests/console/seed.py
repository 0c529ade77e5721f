"""A small fleet in the store, put there by the rooms that do it in earnest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from psycopg.types.json import Jsonb

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk.cases import Cases
from domain.clock import ManualClock
from domain.device import ReportedState
from domain.reason import Reason
from domain.report import (
    NO_VALUES,
    Contact,
    DeviceFacts,
    DeviceReport,
    EventReport,
    Severity,
)
from domain.text import Text
from pipeline.ingest import Ingest
from pipeline.rollups import refresh
from storage.database import Conn, Database
from storage.engine import detect

INTERVAL_S = 900.0
CITIES = ("Shanghai", "Tehran", "Isfahan", "Shenzhen", "Hangzhou")


@dataclass(frozen=True, slots=True)
class Seed:
    """Writes a fleet and what happens to it."""

    database: Database
    clock: ManualClock

    def fleet(self, customers: int = 2, sites: int = 2, devices: int = 3) -> list[str]:
        """So many sites a customer and devices a site, all up; returns the devices' keys."""
        keys: list[str] = []
        with self.database.transaction() as conn:
            engineer = _id(conn, _ENGINEER, {"key": "eng-1", "name": "Zhang Wei"})
            _id(conn, _ENGINEER, {"key": "eng-2", "name": "Maryam Ahmadi"})
            for number in range(customers):
                customer = _id(conn, _CUSTOMER, {"key": f"c{number}", "name": f"Customer {number}"})
                for place in range(sites):
                    keys += self._site(conn, customer, engineer, number * sites + place, devices)
        self.contact(keys)
        return keys

    def _site(
        self, conn: Conn, customer: int, engineer: int, number: int, devices: int
    ) -> list[str]:
        city = CITIES[number % len(CITIES)]
        site = {"key": f"s{number}", "name": f"{city} {number}", "city": city}
        site_id = _id(conn, _SITE, site | {"customer": customer, "engineer": engineer})
        keys = [f"pos-{number:02}-{each:02}" for each in range(devices)]
        for key in keys:
            conn.execute(_DEVICE, {"key": key, "site": site_id, "at": self.clock.now()})
        return keys

    def contact(self, keys: Sequence[str], contact: Contact | None = None) -> None:
        """The devices speak, now."""
        said = contact or Contact(interval_s=INTERVAL_S, reported=ReportedState.ONLINE)
        facts = DeviceFacts("K-200", "4.1.7", "")
        self._store([self._report(key, contact=said, facts=facts) for key in keys])

    def down(self, key: str, component: str = "") -> None:
        """The device says that it is out of service, and the alert rules hear of it."""
        self.contact(
            [key],
            Contact(reported=ReportedState.HARDWARE_ERROR, detail="jam", component=component),
        )
        self.judge()

    def event(self, key: str, component: str, code: str, severity: Severity) -> None:
        self._store([self._report(key, events=[EventReport(component, code, severity)])])
        self.judge()

    def readings(self, key: str, hours: int = 24) -> None:
        """A gauge and a counter for so many hours back, rolled up."""
        reports = [
            self._report(
                key,
                hours_ago=hours - hour,
                gauges={"x.PrintHeadTemperature": 40 + hour % 5},
                counters={"PaperCutCount": 100 + 7 * hour},
            )
            for hour in range(hours)
        ]
        self._store(reports)
        while refresh(self.database):
            pass

    def predict(self, key: str, component: str, probability: float = 0.87) -> None:
        """A model foretells a failure, and the alert rules hear of it."""
        now = self.clock.now()
        value, usual = Text("{value}", {"value": 31}), Text("{value}", {"value": 2})
        text = Text(
            "{label} is {value}, and {usual} is usual for this device",
            {"label": "failed paper cuts", "value": value, "usual": usual},
        )
        reason = Reason(text, 0.8, value, usual)
        with self.database.transaction() as conn:
            detect(conn).ensure(conn, now, now)
            conn.execute(
                _PREDICTION,
                {
                    "at": now,
                    "key": key,
                    "component": component,
                    "probability": probability,
                    "reasons": Jsonb([reason.to_json()]),
                },
            )
        self.judge()

    def judge(self) -> None:
        evaluate(self.database, self.clock, Cases(self.clock), RuleBooks(), hold=timedelta())

    def _store(self, reports: Sequence[DeviceReport]) -> None:
        Ingest(self.database, self.clock, "mqtt").store(reports)

    def _report(
        self,
        key: str,
        *,
        hours_ago: float = 0,
        contact: Contact | None = None,
        facts: DeviceFacts | None = None,
        counters: Mapping[str, float] = NO_VALUES,
        gauges: Mapping[str, float] = NO_VALUES,
        events: Sequence[EventReport] = (),
    ) -> DeviceReport:
        at = self.clock.now() - timedelta(hours=hours_ago)
        return DeviceReport(
            device_key=key,
            at=at,
            received_at=at,
            contact=contact or Contact(),
            facts=facts,
            counters=counters,
            gauges=gauges,
            events=events,
        )


def _id(conn: Conn, statement: str, values: dict[str, object]) -> int:
    row = conn.execute(statement.encode(), values).fetchone()
    assert row is not None
    return int(row["id"])


_CUSTOMER = "INSERT INTO customer (key, name) VALUES (%(key)s, %(name)s) RETURNING id"
_ENGINEER = "INSERT INTO engineer (key, name) VALUES (%(key)s, %(name)s) RETURNING id"
_SITE = """
INSERT INTO site (key, name, customer_id, engineer_id, city, time_zone)
VALUES (%(key)s, %(name)s, %(customer)s, %(engineer)s, %(city)s, 'Asia/Shanghai') RETURNING id
"""
_DEVICE = """
INSERT INTO device (key, site_id, kind, adopted_at, simulated)
VALUES (%(key)s, %(site)s, 'pos', %(at)s, true)
"""
_PREDICTION = """
INSERT INTO prediction (at, device_id, component, model_id, horizon_h, probability, threshold, reasons)
SELECT %(at)s, id, %(component)s, 1, 24, %(probability)s, 0.4, %(reasons)s
FROM device WHERE key = %(key)s
"""
