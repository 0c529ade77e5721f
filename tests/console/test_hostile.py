"""What a device says is text on the page, whatever it looks like."""

from __future__ import annotations

import html

import httpx

from domain.clock import ManualClock
from domain.device import ReportedState
from domain.dialects import event_of
from domain.report import Contact, DeviceFacts, DeviceReport, Identity
from pipeline.ingest import Ingest
from storage.database import Database

SCRIPT = "<script>alert('x')</script>"


def test_html_in_every_text_of_a_message_is_shown_escaped(
    database: Database, clock: ManualClock, operator: httpx.Client
) -> None:
    report = DeviceReport(
        "hostile",
        clock.now(),
        clock.now(),
        Identity("b", 1),
        contact=Contact(
            reported=ReportedState.HARDWARE_ERROR, detail=SCRIPT + "1", component=SCRIPT + "2"
        ),
        events=(event_of("id003", SCRIPT + "3", SCRIPT + "4"),),
        facts=DeviceFacts(SCRIPT + "5", SCRIPT + "6", SCRIPT + "7"),
        gauges={SCRIPT + "8": 1.0},
    )
    Ingest(database, clock, "mqtt").store([report])
    page = operator.get("/devices/hostile")
    assert page.status_code == 200
    for path in ("/devices/hostile", "/devices", "/", "/alerts"):
        assert SCRIPT not in operator.get(path).text, path
    shown = html.unescape(page.text)
    assert [number for number in "1234567" if SCRIPT + number not in shown] == []
