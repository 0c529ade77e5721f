"""Webhooks: CloudEvents 1.0 in the structured mode, signed as Standard Webhooks.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and .../formats/json-format.md;
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.notify.facts import Facts, read_facts
from alerts.notify.policy import Policy
from alerts.notify.secret import reveal
from alerts.outbox.delivery import Delivery, Letter
from alerts.outbox.relay import Heard
from alerts.outbox.web import as_json, request
from domain.errors import NotAllowedError, NotDeliveredError
from storage.database import Conn

CHANNEL = "webhook:"
"""What the channels of webhooks begin with."""

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_SECRET, _VERSION = "whsec_", "v1,"
_TOLERANCE_S = 300
_TYPE = "forecall."


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Plans an event for each announcement and each endpoint that wants it."""

    policy: Callable[[], Policy]
    source: str

    def plan(self, conn: Conn, heard: Sequence[Heard]) -> list[Delivery]:
        hooks = self.policy().webhooks
        if not hooks:
            return []
        facts = read_facts(conn, {each.announcement.subject for each in heard})
        return [
            _delivery(name, each, _event(each, facts.get(each.announcement.subject), self.source))
            for each in heard
            for name, hook in hooks.items()
            if not hook.topics or each.announcement.kind.startswith(hook.topics)
        ]


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts events to one endpoint."""

    policy: Policy
    name: str

    def send(self, letter: Letter) -> None:
        hook = self.policy.webhooks.get(self.name)
        if hook is None:
            raise NotDeliveredError(f"the policy has no webhook {self.name!r}", permanent=True)
        body = as_json(letter.content)
        signed = sign(reveal(hook.secret), letter.key, int(time.time()), body)
        kind = {"content-type": "application/cloudevents+json; charset=utf-8"}
        request("POST", reveal(hook.url), headers=kind | signed, content=body)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks. `timestamp`: Unix seconds."""
    return {
        _ID: message_id,
        _TIMESTAMP: str(timestamp),
        _SIGNATURE: _VERSION + _signature(secret, message_id, str(timestamp), body),
    }


def check(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raises NotAllowedError unless the body was signed with `secret` within five minutes of `now`.

    `headers` by names in small letters.
    """
    try:
        age_s = abs(now - int(headers[_TIMESTAMP]))
        given, message_id = headers[_SIGNATURE], headers[_ID]
    except (KeyError, ValueError) as error:
        raise NotAllowedError(
            f"the headers {_ID}, {_TIMESTAMP}, {_SIGNATURE} are wanted"
        ) from error
    if age_s > _TOLERANCE_S:
        raise NotAllowedError(f"{_TIMESTAMP}: signed {age_s:.0f} s ago; allowed: {_TOLERANCE_S}")
    wanted = (_VERSION + _signature(secret, message_id, headers[_TIMESTAMP], body)).encode()
    # There may be several: while secrets change.
    if not any(hmac.compare_digest(one.encode(), wanted) for one in given.split()):
        raise NotAllowedError(f"{_SIGNATURE}: is not of this body and the secret")


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    """The specification's `whsec_` and base64; any other secret is taken as it is."""
    if secret.startswith(_SECRET):
        try:
            return base64.b64decode(secret.removeprefix(_SECRET), validate=True)
        except binascii.Error as error:
            raise NotDeliveredError(f"a secret after {_SECRET} must be base64") from error
    return secret.encode()


def _event(heard: Heard, facts: Facts | None, source: str) -> dict[str, Any]:
    told = heard.announcement
    return {
        "specversion": "1.0",
        "id": str(heard.id),
        "source": source,
        "type": _TYPE + told.kind,
        "subject": told.subject,
        "time": told.at.isoformat(),
        "datacontenttype": "application/json",
        "data": {**told.data, **(_told(facts) if facts else {})},
    }


def _told(facts: Facts) -> dict[str, Any]:
    """The case as it stands now; sentences in English."""
    return {
        "severity": facts.severity,
        "summary": str(facts.headline),
        "device": facts.device,
        "device_kind": facts.device_kind,
        "component": facts.component,
        "fault_class": facts.fault_class,
        "site": facts.site,
        "customer": facts.customer,
        "ticket": facts.ticket_id,
        "opened_at": facts.at.isoformat(),
        "active": facts.active,
    }


def _delivery(name: str, heard: Heard, event: Mapping[str, Any]) -> Delivery:
    return Delivery(
        key=f"webhook/{name}/{heard.id}",
        channel=CHANNEL + name,
        subject=heard.announcement.subject,
        content=event,
    )
