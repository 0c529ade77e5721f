"""The embedded broker: private, and back with all it had after a kill."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from paho.mqtt.client import Client, ConnectFlags, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from domain.errors import BrokerUnavailableError
from forecall.broker import HOST, Broker
from tests.mqtt.helpers import await_that


def test_only_this_user_can_read_the_password(broker: Broker) -> None:
    for name in ("broker.password", "broker.conf"):
        assert stat.S_IMODE((broker.folder / name).stat().st_mode) == 0o600


def test_the_password_and_the_port_stay(broker: Broker) -> None:
    before = (broker.password, broker.port)
    broker.kill()
    assert not broker.running
    broker.start()
    assert (broker.password, broker.port) == before
    assert Broker(broker.folder).password == broker.password


def test_a_taken_port_is_said(broker: Broker, tmp_path: Path) -> None:
    other = Broker(tmp_path / "other", broker.port)
    with pytest.raises(BrokerUnavailableError, match=str(broker.port)):
        other.start()


def test_strangers_are_refused(broker: Broker) -> None:
    reasons: list[bool] = []

    def note(
        _: Client, __: object, ___: ConnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        reasons.append(bool(reason.is_failure))

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv311)
    client.username_pw_set("forecall", "guessed")
    client.on_connect = note
    client.connect(HOST, broker.port)
    client.loop_start()
    await_that(lambda: bool(reasons))
    client.disconnect()
    client.loop_stop()
    assert reasons[0]
