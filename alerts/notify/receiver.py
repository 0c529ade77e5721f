"""Alerts of an Alertmanager become signs of ours.

Its webhook's body, version 4: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
A firing alert is a condition of a fault, under the name of its rule; a resolved one is its end. What
names no device of ours is refused, with the reason, and the others of its group are taken.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog

from alerts.desk_port import CaseDesk
from alerts.engine import hear_outside
from alerts.notify.channels.webhook import check
from alerts.notify.policy import Policy, Receiver
from alerts.notify.secret import reveal
from alerts.sign import Origin, Sign
from domain.clock import Clock
from domain.errors import BadInputError, NotAllowedError
from domain.fault import Fault, FaultClass
from domain.report import Severity
from domain.text import N_, Text
from domain.vocabulary import DEVICE
from storage.database import Conn, Database, Row
from storage.queries import load

log = structlog.get_logger()

LONGEST_BODY = 1 << 20
"""Bytes of a request that are read."""

_MOST_ALERTS = 1000
_LONGEST = 200
_COLLECTOR = "alertmanager"
_BEARER = "Bearer "
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "error": Severity.ERROR,
    "major": Severity.ERROR,
    "warning": Severity.WARNING,
    "minor": Severity.WARNING,
}
"""The words that rules commonly use; any other is information."""


class _Alert(msgspec.Struct, frozen=True):
    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    startsAt: datetime | None = None  # noqa: N815 - the body's own word


class _Group(msgspec.Struct, frozen=True):
    version: str
    alerts: list[_Alert]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An alert that was not taken. `labels`: what it was called by."""

    labels: Mapping[str, str]
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a group of alerts."""

    firing: int
    resolved: int
    refused: Sequence[Refusal]


@dataclass(frozen=True, slots=True)
class AlertReceiver:
    """Takes what an Alertmanager posts."""

    database: Database
    clock: Clock
    desk: CaseDesk
    policy: Callable[[], Policy]

    def take(self, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Judges one request. `headers` by names in small letters.

        Raises NotAllowedError when it may not, BadInputError when the body is none of version 4,
        StoreUnavailableError. The same body may come again: it changes nothing more.
        """
        receiver = self.policy().receiver
        if receiver is None:
            raise NotAllowedError("the notification policy has no [receiver]")
        authenticate(receiver, headers, body)
        try:
            group = _group(body)
        except BadInputError:
            with self.database.transaction() as conn:
                _count(conn, 0, 1)
            raise
        with self.database.transaction() as conn:
            return self._take(conn, receiver, group.alerts, body)

    def _take(
        self, conn: Conn, receiver: Receiver, alerts: Sequence[_Alert], body: bytes
    ) -> Receipt:
        now = self.clock.now()
        devices = _devices(conn, {alert.labels.get(receiver.device_label, "") for alert in alerts})
        signs: list[Sign] = []
        over: list[tuple[Fault, str]] = []
        refused: list[Refusal] = []
        for alert in alerts:
            reason = _refused(receiver, alert, devices)
            if reason:
                refused.append(Refusal(alert.labels, reason))
            elif alert.status == "firing":
                signs.append(_sign(receiver, alert, devices, now))
            else:
                over.append((_fault(receiver, alert, devices), _rule(alert)))
        hear_outside(conn, now, self.desk, signs, over)
        _count(conn, len(signs) + len(over), len(refused))
        if refused:
            self._keep(conn, refused, body, now)
        return Receipt(len(signs), len(over), refused)

    def _keep(self, conn: Conn, refused: Sequence[Refusal], body: bytes, now: datetime) -> None:
        reasons = "; ".join(dict.fromkeys(refusal.reason for refusal in refused))
        log.warning("alerts of an Alertmanager refused", count=len(refused), reasons=reasons)
        rows: Row = {
            "received_at": [now],
            "collector": [_COLLECTOR],
            "source": [_COLLECTOR],
            "body": [body],
            "reason": [reasons[:1000]],
        }
        conn.execute(load("ingest")["write_rejected"], rows)


def _count(conn: Conn, taken: int, refused: int) -> None:
    told = {"collector": _COLLECTOR, "stored": taken, "duplicate": 0, "rejected": refused}
    conn.execute(load("ingest")["count"], told)


def authenticate(receiver: Receiver, headers: Mapping[str, str], body: bytes) -> None:
    """Raises NotAllowedError unless the request shows the token, or is signed with the secret."""
    given = headers.get("authorization", "")
    if receiver.token is not None and given:
        wanted = _BEARER + reveal(receiver.token)
        if hmac.compare_digest(given.encode(), wanted.encode()):
            return
        raise NotAllowedError("authorization: is not the receiver's token")
    if receiver.secret is None:
        raise NotAllowedError("authorization: the receiver's token is wanted as a bearer")
    check(reveal(receiver.secret), headers, body, time.time())


def _group(body: bytes) -> _Group:
    if len(body) > LONGEST_BODY:
        raise BadInputError(f"body: {len(body):,} bytes; allowed: {LONGEST_BODY:,}")
    try:
        group = msgspec.json.decode(body, type=_Group)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInputError(f"body: {error}") from error
    if group.version != "4":
        raise BadInputError(f"version: {group.version!r}; allowed: '4'")
    if len(group.alerts) > _MOST_ALERTS:
        raise BadInputError(f"alerts: {len(group.alerts)}; allowed: {_MOST_ALERTS}")
    return group


def _devices(conn: Conn, keys: set[str]) -> dict[str, int]:
    rows = conn.execute(load("notify")["devices_by_key"], {"keys": list(keys)}).fetchall()
    return {row["key"]: row["id"] for row in rows}


def _refused(receiver: Receiver, alert: _Alert, devices: Mapping[str, int]) -> str:
    return next(_problems(receiver, alert, devices), "")


def _problems(receiver: Receiver, alert: _Alert, devices: Mapping[str, int]) -> Iterator[str]:
    labels, name = alert.labels, receiver.device_label
    if alert.status not in ("firing", "resolved"):
        yield f"status: {alert.status[:_LONGEST]!r}; allowed: firing, resolved"
    if not labels.get("alertname"):
        yield "label alertname: is missing"
    if "case" in labels:
        yield "label case: the alert is Forecall's own"
    if name not in labels:
        yield f"label {name}: is missing; it names the device"
    elif labels[name] not in devices:
        yield f"label {name}: there is no adopted device {labels[name][:_LONGEST]!r}"
    if any(
        len(value) > _LONGEST for value in (labels.get("alertname", ""), _part(receiver, alert))
    ):
        yield f"labels: longer than {_LONGEST} characters"


def _part(receiver: Receiver, alert: _Alert) -> str:
    return alert.labels.get(receiver.component_label) or DEVICE


def _fault(receiver: Receiver, alert: _Alert, devices: Mapping[str, int]) -> Fault:
    given = alert.labels.get("fault_class", "")
    known = FaultClass(given) if given in list(FaultClass) else FaultClass.DEGRADED
    return Fault(devices[alert.labels[receiver.device_label]], _part(receiver, alert), known)


def _rule(alert: _Alert) -> str:
    return f"alertmanager:{alert.labels['alertname']}"


def _sign(receiver: Receiver, alert: _Alert, devices: Mapping[str, int], now: datetime) -> Sign:
    summary = alert.annotations.get("summary") or alert.labels["alertname"]
    began = alert.startsAt if alert.startsAt and alert.startsAt.tzinfo else now
    return Sign(
        fault=_fault(receiver, alert, devices),
        origin=Origin.EXTERNAL,
        rule=_rule(alert),
        severity=_SEVERITIES.get(alert.labels.get("severity", "").lower(), Severity.INFO),
        message=Text(N_("Alertmanager: {summary}"), {"summary": summary[:_LONGEST]}),
        at=min(began, now),
    )
