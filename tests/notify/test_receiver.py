"""Alerts of an Alertmanager become signs on our devices, once each, and end when they end there."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from alerts.notify.channels.webhook import sign
from alerts.notify.policy import Policy
from alerts.notify.policy_file import read_policy
from alerts.notify.receiver import AlertReceiver
from console.problems import explain_errors
from console.receiving import PATH, receive_alerts
from desk.cases import Cases
from domain.errors import BadInputError, NotAllowedError
from tests.alerts.conftest import World

SECRET = "whsec_" + base64.b64encode(b"shared with the gateway").decode()
POLICY = read_policy('[receiver]\ntoken = {env = "AM_TOKEN"}\nsecret = {env = "AM_SECRET"}\n')
TOKEN = {"authorization": "Bearer let-me-in"}


@pytest.fixture
def receiver(world: World, monkeypatch: pytest.MonkeyPatch) -> AlertReceiver:
    monkeypatch.setenv("AM_TOKEN", "let-me-in")
    monkeypatch.setenv("AM_SECRET", SECRET)
    return _receiver(world, POLICY)


def _receiver(world: World, policy: Policy) -> AlertReceiver:
    return AlertReceiver(world.database, world.clock, Cases(world.clock), lambda: policy)


def group(*alerts: dict[str, Any], version: str = "4") -> bytes:
    return json.dumps(
        {"version": version, "groupKey": "{}:{}", "status": "firing", "alerts": list(alerts)}
    ).encode()


def alert(status: str = "firing", **labels: str) -> dict[str, Any]:
    usual = {"alertname": "DiskFull", "device": "kiosk-1", "severity": "critical"}
    return {
        "status": status,
        "labels": usual | labels,
        "annotations": {"summary": "The disk is full"},
        "startsAt": "2026-03-02T11:55:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "e1",
    }


def test_fires_once_and_ends(world: World, receiver: AlertReceiver) -> None:
    for _ in range(3):
        receipt = receiver.take(TOKEN, group(alert()))
        assert (receipt.firing, receipt.resolved, list(receipt.refused)) == (1, 0, [])
    [row] = world.alerts()
    assert (row["rule"], row["severity"], row["active"]) == (
        "alertmanager:DiskFull",
        "critical",
        True,
    )
    [ticket] = world.tickets()
    assert str(ticket.title) == "Alertmanager: The disk is full"
    receiver.take(TOKEN, group(alert("resolved")))
    [row] = world.alerts()
    assert not row["active"]
    receiver.take(TOKEN, group(alert("resolved"), alert("resolved", device="pos-1")))
    assert len(world.alerts(only_open=False)) == 1


def test_what_names_no_device_of_ours_is_refused_and_the_rest_is_taken(
    world: World, receiver: AlertReceiver
) -> None:
    receipt = receiver.take(
        TOKEN,
        group(
            alert(device="nobody"),
            alert(device="found-1"),
            {"status": "firing", "labels": {"alertname": "X"}},
            alert(case="alert/1"),
            alert(component="cardReader", severity="page", fault_class="breakdown"),
        ),
    )
    assert [refusal.reason for refusal in receipt.refused] == [
        "label device: there is no adopted device 'nobody'",
        "label device: there is no adopted device 'found-1'",
        "label device: is missing; it names the device",
        "label case: the alert is Forecall's own",
    ]
    [row] = world.alerts()
    assert (row["component"], row["fault_class"]) == ("cardReader", "breakdown")
    [kept] = world.rows("SELECT collector, reason FROM rejected_message")
    assert kept["collector"] == "alertmanager"
    assert "no adopted device 'nobody'" in kept["reason"]
    with pytest.raises(BadInputError):
        receiver.take(TOKEN, b"{")
    counted = world.rows("SELECT * FROM intake_count")
    assert counted == [{"collector": "alertmanager", "stored": 1, "duplicate": 0, "rejected": 5}]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "body: "),
        (b'{"version": "4"}', "alerts"),
        (group(version="3"), "version: '3'; allowed: '4'"),
        (b" " * ((1 << 20) + 1), "bytes; allowed"),
        (group(*[alert()] * 1001), "alerts: 1001; allowed: 1000"),
    ],
)
def test_bad_bodies_are_refused_with_the_reason(
    receiver: AlertReceiver, body: bytes, why: str
) -> None:
    with pytest.raises(BadInputError, match=why):
        receiver.take(TOKEN, body)


def test_who_may_post(world: World, receiver: AlertReceiver) -> None:
    body = group(alert())
    signed = sign(SECRET, "1", int(time.time()), body)
    assert receiver.take(signed, body).firing == 1
    for headers, why in (
        ({}, "are wanted"),
        ({"authorization": "Bearer guess"}, "is not the receiver's token"),
        (sign(SECRET, "1", int(time.time()) - 400, body), "signed 40. s ago"),
        (sign("another", "1", int(time.time()), body), "is not of this body"),
    ):
        with pytest.raises(NotAllowedError, match=why):
            receiver.take(headers, body)
    with pytest.raises(NotAllowedError, match="has no"):
        _receiver(world, Policy()).take(TOKEN, body)


def test_its_address_in_the_console(world: World, receiver: AlertReceiver) -> None:
    app = FastAPI()
    explain_errors(app)
    receive_alerts(app, receiver.take)
    long = b"x" * ((1 << 20) + 1)
    taken, unknown, broken, endless = asyncio.run(
        _post(
            app,
            (group(alert(), alert(device="x")), TOKEN),
            (group(alert()), {}),
            (b"{", TOKEN),
            (long, TOKEN),
        )
    )
    assert taken.status_code == 200
    assert taken.json()["firing"] == 1
    assert taken.json()["refused"][0]["reason"].startswith("label device: there is no")
    assert [answer.status_code for answer in (unknown, broken, endless)] == [403, 400, 400]


async def _post(app: FastAPI, *asked: tuple[bytes, dict[str, str]]) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        return [await client.post(PATH, content=body, headers=head) for body, head in asked]
