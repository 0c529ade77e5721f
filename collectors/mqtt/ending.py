"""Ends a session that the broker keeps for us, so that it keeps no more messages for it."""

from __future__ import annotations

import threading

from paho.mqtt.client import Client, ConnectFlags, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collectors.mqtt.settings import BrokerSettings
from domain.errors import BrokerUnavailableError

_WITHIN_S = 10.0


def end_session(settings: BrokerSettings) -> None:
    """Makes the broker forget the session of this client id and all that waits for it.

    Raises BrokerUnavailableError when the broker does not answer or refuses us.
    """
    answered, reasons = threading.Event(), list[ReasonCode]()

    def note(
        _: Client, __: object, ___: ConnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        reasons.append(reason)
        answered.set()

    # To connect for a clean session is how MQTT 3.1.1 ends a kept one (3.1.2.4).
    client = Client(
        CallbackAPIVersion.VERSION2, settings.client_id, clean_session=True, protocol=MQTTv311
    )
    if settings.username:
        client.username_pw_set(settings.username, settings.password)
    if settings.tls_ca:
        client.tls_set(ca_certs=str(settings.tls_ca))
    client.on_connect = note
    where = f"{settings.host}:{settings.port}"
    try:
        client.connect(settings.host, settings.port)
    except OSError as error:
        raise BrokerUnavailableError(f"the broker {where} does not answer: {error}") from error
    client.loop_start()
    answered.wait(_WITHIN_S)
    client.disconnect()
    client.loop_stop()
    if not reasons or reasons[0].is_failure:
        why = reasons[0] if reasons else "no answer"
        raise BrokerUnavailableError(f"the broker {where} refuses the connection: {why}")
