"""A session that nobody opens any more is ended, and the broker keeps nothing for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collectors.mqtt.ending import end_session
from collectors.mqtt.settings import BrokerSettings
from domain.clock import ManualClock
from domain.errors import BrokerUnavailableError
from storage.database import Database
from tests.mqtt.helpers import Terminal, await_that, collecting, rows


def test_what_waited_for_an_ended_session_does_not_come_any_more(
    settings: BrokerSettings, database: Database, clock: ManualClock, terminal: Terminal
) -> None:
    with collecting(settings, database, clock):
        pass
    terminal.say("heartbeat", interval_s=60)
    end_session(settings)
    with database.transaction() as conn:
        conn.execute("DELETE FROM collector_watch")  # so that the next one is awaited
    with collecting(settings, database, clock):
        terminal.say("heartbeat", interval_s=60)
        await_that(lambda: len(rows(database, "SELECT FROM intake_count")) == 1)
    assert rows(database, "SELECT stored FROM intake_count") == [{"stored": 1}]
    assert rows(database, "SELECT seq FROM device_status") == [{"seq": 2}]


def test_a_broker_that_refuses_is_said(settings: BrokerSettings) -> None:
    with pytest.raises(BrokerUnavailableError, match="refuses"):
        end_session(replace(settings, password="guessed"))
