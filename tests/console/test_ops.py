"""What those who run the console ask it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import psycopg
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from console.app import create_app
from domain.clock import ManualClock
from storage.database import Database
from tests.console.seed import Seed


def test_alive_and_ready(visitor: httpx.Client) -> None:
    assert visitor.get("/healthz").text == "ok\n"
    assert visitor.get("/readyz").json() == {"ready": True}


def test_not_ready_without_its_migrations(visitor: httpx.Client, seed: Seed) -> None:
    with seed.database.transaction() as conn:
        conn.execute("DELETE FROM schema_migration WHERE name LIKE '0007%%'")
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert "0007_people.sql" in answer.json()["reason"]


def test_counts_for_prometheus(visitor: httpx.Client, seed: Seed) -> None:
    keys = seed.fleet(1, 1, 3)
    seed.down(keys[0])
    with seed.database.transaction() as conn:
        beat = seed.clock.now() - timedelta(seconds=4)
        conn.execute("INSERT INTO collector_watch VALUES ('mqtt', %s, %s, 12, 3)", [beat, beat])
    text = visitor.get("/metrics").text
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["forecall_devices", "up"] == 2
    assert samples["forecall_devices", "down"] == 1
    assert samples["forecall_open_tickets",] == 1
    assert samples["forecall_messages_total", "mqtt", "stored"] == 4
    assert samples["forecall_lag_seconds", "mqtt"] == 4
    assert samples["forecall_in_flight", "mqtt"] == 12
    assert samples["forecall_oldest_unacknowledged_seconds", "mqtt"] == 3
    assert ("forecall_message_age_seconds", "mqtt") not in samples
    assert samples["forecall_clocks_off",] == 0


def test_metrics_are_for_who_carries_the_token(database: Database, clock: ManualClock) -> None:
    app = create_app(database, clock, simulated=False, metrics_token="sesame")
    for given in ("", "Bearer", "Bearer wrong", "sesame", "Bearer sésame"):
        assert _ask(app, "/metrics", given).status_code == 403
    assert _ask(app, "/metrics", "Bearer sesame").status_code == 200


def test_metrics_without_a_token_are_for_this_machine(
    database: Database, clock: ManualClock
) -> None:
    app = create_app(database, clock, simulated=False)
    assert _ask(app, "/metrics", host="192.0.2.7").status_code == 403
    assert _ask(app, "/metrics", host="::1").status_code == 200


def test_a_database_that_is_away_is_told(clock: ManualClock, dsn: str) -> None:
    away = Database(psycopg.conninfo.make_conninfo(dsn, dbname="not_there"))
    try:
        app: FastAPI = create_app(away, clock, simulated=False)
        answer = _ask(app, "/readyz")
        assert answer.status_code == 503
        assert answer.json()["ready"] is False
    finally:
        away.close()


def _ask(app: FastAPI, path: str, token: str = "", host: str = "127.0.0.1") -> httpx.Response:
    import asyncio

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=(host, 1))
        headers = httpx.Headers({b"Authorization": token.encode()})
        async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())
