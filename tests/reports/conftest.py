"""A kind of report that needs no fleet, and somebody who asks for it."""

from __future__ import annotations

import pytest

from domain.clock import ManualClock
from domain.text import Text
from kpi.reports import registry
from kpi.reports.asked import About, Asked, Kind
from kpi.reports.document import Document, Fact, Facts, Section, Unit
from storage.database import Conn, Database


def counted(conn: Conn, asked: Asked) -> Document:
    """How many customers there are."""
    row = conn.execute("SELECT count(*) AS customers FROM customer").fetchone()
    assert row is not None
    facts = Facts((Fact(Text("Customers"), row["customers"], Unit.COUNT),))
    return Document(
        kind="counted",
        title=Text("Overview"),
        about=Text("{name}", {"name": asked.customer or "fleet"}),
        start=asked.start,
        end=asked.end,
        made_at=asked.made_at,
        summary=(Text("It is done."),),
        sections=(Section(Text("Overview"), (facts,)),),
    )


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> Kind:
    """`counted`, of the whole fleet or a customer."""
    kind = Kind("counted", "Overview", About.EITHER, counted)
    monkeypatch.setitem(registry.KINDS, kind.name, kind)
    return kind


@pytest.fixture
def customers(database: Database, clock: ManualClock) -> list[str]:
    """Two customers."""
    keys = ["acme", "بانک"]
    with database.transaction() as conn:
        for key in keys:
            conn.execute("INSERT INTO customer (key, name) VALUES (%(key)s, %(key)s)", {"key": key})
    return keys
