"""The reports of a month that is counted by hand: see `seeded.lived_through`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from domain.errors import BadInputError
from domain.text import Text
from kpi.reports.archive import figures
from kpi.reports.asked import Asked
from kpi.reports.document import Document, Fact, Facts, Table, Value
from kpi.reports.kinds.operations import operations
from kpi.reports.kinds.sla import sla
from kpi.reports.kinds.statistics import statistics
from kpi.reports.period import read_period
from storage.database import Conn, Database
from tests.service.seeded import APRIL, HOUR, at, found_fleet, lived_through

UTC = ZoneInfo("UTC")


def asked(customer: str | None = "acme", period: str = "2026-03") -> Asked:
    return Asked(read_period(period), UTC, APRIL + timedelta(days=2), customer)


def tables(document: Document) -> dict[str, list[tuple[Value, ...]]]:
    """Rows by the table's title, sentences in English."""
    return {
        str(block.title): [tuple(map(plain, row)) for row in block.rows]
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Table)
    }


def facts(document: Document) -> dict[str, Fact]:
    return {
        str(fact.name): fact
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Facts)
        for fact in block.facts
    }


def plain(value: Value) -> Value:
    return str(value) if isinstance(value, Text) else value


def sentences(found: Iterable[Text]) -> list[str]:
    return [str(text) for text in found]


@pytest.fixture
def conn(database: Database) -> Iterable[Conn]:
    with database.transaction() as conn:
        yield conn


def test_operations_of_a_customer(conn: Conn) -> None:
    numbers = lived_through(conn)
    document = operations(conn, asked())
    shown, known = tables(document), facts(document)
    assert known["Availability"].value == pytest.approx(1958 / 1968)
    assert known["The period before"].value == 1
    assert known["A year ago"].value is None
    assert known["Not watched"].value == pytest.approx(1008 / (1958 + 10 + 1008))
    assert known["Failures"].value == 1
    assert shown["Devices at the end"] == [
        ("kiosk", 3, 2, 0, 1),
        ("attendance clock", 1, 0, 0, 1),
        ("in all", 4, 2, 0, 2),
    ]
    assert shown["Devices with the most downtime"] == [("k1", 10 * HOUR, 734 / 744, 1, 0)]
    assert shown["Sites with the most downtime"][0][0] == "Great Hall"
    assert shown["By class"] == [
        ("maintenance", 5, 5 / 6, 2),
        ("handled by the operator", 1, 1 / 6, 0),
    ]
    assert [row[:2] for row in shown["By kind of fault"]] == [
        *(("degraded", 3), ("breakdown", 2), ("consumable", 1), ("unreachable", 0)),
    ]
    assert [row[:2] for row in shown["By component"]] == [
        *(("receipt printer", 5), ("card reader", 1), ("whole device", 0)),
    ]
    assert {row[0]: row[1] for row in shown["By cause"]} == {
        "nobody has said": 4,
        "the device": 1,
        "its use": 1,
    }
    assert shown["Tickets by origin"] == [
        ("prediction", 0, 3, 1, 1, 1),
        ("device", 1, 4, 4, 0, 1),
        ("phone", 0, 1, 1, 0, 0),
        ("in all", 1, 8, 6, 1, 2),
    ]
    assert known["Opened before the customer called"].value == 6 / 7
    assert (known["Calls"].value, known["Second calls"].value) == (3, 1)
    assert [row[1] for row in shown["Foretold failures"]] == [3, 1, 1, 1, 0, 2, 1]
    assert [row[1] for row in shown["Ways of handling"]] == [1, 4, 1, 0]
    assert shown["Repair times of ordinary faults"] == [
        ("Kiosks and terminals, around the clock", 5, 1.4 * HOUR, HOUR, HOUR)
    ]
    assert {row[0]: row[2:4] for row in shown["Promised times"]} == {
        "plan of action": (6, 6),
        "engineer on site": (5, 5),
        "repair after arrival": (5, 4),
        "repair in all": (5, 5),
        "support by telephone": (1, 0),
    }
    assert shown["Who pays"] == [("covered", 7)]
    assert sentences(document.summary) == [
        "4 devices were available 99.49 % of the time that was watched; 33.9 % of the service time nobody "
        "watched.",
        "6 faults came up (2 in the period before); 6 of 7 cases were opened before anybody called. "
        "Foretold failures that were prevented: 1.",
        "20 of 22 promised times were kept (90.9 %).",
    ]
    assert numbers["A"] == 1


def test_the_fleet_has_everybody_s(conn: Conn) -> None:
    lived_through(conn)
    document = operations(conn, asked(None))
    assert facts(document)["Availability"].value == pytest.approx((1958 + 720) / (1968 + 744))
    assert tables(document)["Tickets by origin"][-1] == ("in all", 1, 9, 7, 1, 2)


def test_statistics_has_five_parts_and_measures_with_their_evidence(conn: Conn) -> None:
    numbers = lived_through(conn)
    document = statistics(conn, asked())
    assert [str(section.title) for section in document.sections] == [
        "Overall running state",
        "Faults by category",
        "How faults were handled",
        "The customer's assessment",
        "Plan and advice for the next period",
    ]
    jams = ", ".join(str(numbers[letter]) for letter in "CDE")
    assert tables(document)["Measures that lower the fault rate"] == [
        (
            "Clean the paper sensors and rollers of the receipt printer in K; replace them where it jams "
            "again",
            "3 paper jams on 2 devices",
            jams,
        )
    ]
    known = facts(document)
    assert known["Satisfaction"].value is None
    assert known["Called about what was known"].value == 1
    assert [row[:5] for row in tables(document)["Warranties and service lives that end"]] == [
        (key, "Great Hall", "K", "warranty", at(41).date()) for key in ("c1", "k1", "k2", "k3")
    ]


def test_sla_lists_every_clock_and_each_breach(conn: Conn) -> None:
    numbers = lived_through(conn)
    document = sla(conn, asked())
    shown = tables(document)
    assert facts(document)["Share kept"].value == 20 / 22
    assert shown["Cases that were closed"] == [
        (
            *(str(numbers["B"]), "k2", "support by telephone"),
            *(at(12, 0.5), at(12, 0.6), 0.1 * HOUR, None, None),
        ),
        (
            *(str(numbers["E"]), "k2", "repair after arrival"),
            *(at(16, 4), at(16, 5), HOUR, None, None),
        ),
    ]
    late = [row[:3] for row in shown["Late, and still open at the end"]]
    assert late == [
        (str(numbers["I"]), "c1", "response"),
        (str(numbers["I"]), "c1", "fault resolved"),
        (str(numbers["H"]), "k3", "engineer on site"),
        (str(numbers["H"]), "k3", "repair in all"),
    ]
    assert sentences(document.summary) == [
        "20 of 22 promised times were kept (90.9 %).",
        "Most often missed: repair after arrival, 1 of 5.",
        "4 promised times of 2 open cases were late at the end.",
    ]


def test_windows_of_the_period_and_of_the_time_to_come(conn: Conn) -> None:
    found_fleet(conn)
    for start, end, reason in ((at(3), at(3, 2), "works"), (at(40), at(40, 2), "more works")):
        conn.execute(
            """INSERT INTO suppression (kind, site_id, starts_at, ends_at, reason, actor, made_at)
               VALUES ('window', 1, %s, %s, %s, 'li', %s)""",
            [start, end, reason, start],
        )
    shown = tables(operations(conn, asked()))
    assert [row[3] for row in shown["Maintenance windows"]] == ["works"]
    assert [row[3] for row in shown["Maintenance windows that are agreed"]] == ["more works"]
    assert tables(operations(conn, asked("other")))["Maintenance windows"] == []


def test_a_fault_of_many_devices_is_told_to_those_whom_it_hit(conn: Conn) -> None:
    found_fleet(conn)
    alert = """INSERT INTO alert (device_id, component, fault_class, state, severity, origin, rule,
                                  message, opened_at, last_sign_at, closed_at, batch_id)
               VALUES (%s, 'device', 'unreachable', 'normal', 'error', 'transition', 'down', %s,
                       %s, %s, %s, %s)"""
    title = Jsonb({"template": "{n} went down", "values": {"n": 3}})
    for device in (None, 1, 2, 3):
        batch = 1 if device else None
        conn.execute(alert, [device, title, at(7), at(7), at(8), batch])
        if device is None:
            conn.execute(
                """INSERT INTO batch (id, kind, key, name, signature, first_at, recognised_at,
                                      grown_at, ended_at, evidence)
                   VALUES (1, 'power', 'feed', 'Feed', 'down', %s, %s, %s, %s, '{}')""",
                [at(7), at(7), at(7), at(8)],
            )
    table = "Many devices at once"
    assert tables(operations(conn, asked()))[table] == [("3 went down", at(7), at(8), 3, None)]
    assert tables(operations(conn, asked("other")))[table] == []
    assert tables(operations(conn, asked(period="2026-02")))[table] == []
    # Where it went later is not asked.
    conn.execute("UPDATE device SET site_id = 2, placed_at = %s WHERE id = 1", [at(9)])
    assert tables(operations(conn, asked()))[table] == [("3 went down", at(7), at(8), 3, None)]
    assert tables(operations(conn, asked("other")))[table] == []


@pytest.mark.parametrize("customer", ["acme", None])
def test_where_nothing_happened_the_reports_say_so(conn: Conn, customer: str | None) -> None:
    if customer:
        conn.execute("INSERT INTO customer (key, name) VALUES ('acme', 'Acme')")
    for make in (operations, statistics):
        document = make(conn, asked(customer))
        assert sentences(document.summary) == [
            "There is nothing to tell: no device was in the fleet, and there was no case."
        ]
    if customer:
        assert sentences(sla(conn, asked(customer)).summary) == [
            "No promised time ended in the period."
        ]


def test_the_same_question_has_the_same_figures(conn: Conn) -> None:
    lived_through(conn)
    for make in (operations, statistics, sla):
        assert figures(make(conn, asked())) == figures(make(conn, asked()))


def test_a_customer_that_is_not_known_is_named(conn: Conn) -> None:
    for make in (operations, statistics, sla):
        with pytest.raises(BadInputError, match="customer: 'nobody'"):
            make(conn, asked("nobody"))
