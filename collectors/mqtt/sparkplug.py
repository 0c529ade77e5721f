"""Sparkplug B: births tell what metrics there are, data follows by alias, deaths end it.

After the Sparkplug 3.0 specification. Data is QoS 0 there and may be lost on the way; what comes after
a gap in the sequence numbers is refused until the node has said its births again, since an alias
could have changed its meaning in a birth that was lost. docs/mqtt.md says what devices have to do.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from msgspec.structs import replace

from collectors.mqtt.dialect import Command
from collectors.mqtt.sparkplug_metrics import (
    Bindings,
    Content,
    Meaning,
    Role,
    UnknownMetricError,
    content_of,
)
from collectors.mqtt.sparkplug_nodes import Born, LateBirthError, Node, OutOfStepError, Session
from collectors.mqtt.sparkplug_wire import (
    Metric,
    Payload,
    read_payload,
    read_value,
    rebirth_request,
)
from domain.clock import Clock
from domain.device import ReportedState
from domain.errors import UndecodableMessageError
from domain.report import Contact, DeviceFacts, DeviceReport, Identity

NAMESPACE = "spBv1.0"
INTERVAL_S = 900.0
"""What a node or device promises that names no `Properties/Heartbeat Interval`."""

_NODE_KINDS = ("NBIRTH", "NDATA", "NDEATH")
_DEVICE_KINDS = ("DBIRTH", "DDATA", "DDEATH")
_MAX_LEVEL = 128
_MAX_DEVICES = 10_000
_MAX_NODES = 100_000
_ASK_AGAIN = timedelta(seconds=30)
_ASK_AT_LEAST_EVERY = timedelta(hours=1)
_ASK_AT_ONCE = 50  # so that a start does not bring all births in one breath
_LOOK_EVERY = timedelta(seconds=5)
_LATEST_MS = 253_402_300_799_999  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Address:
    """Whom a topic speaks of. `device` is empty for the edge node itself."""

    group: str
    node: str
    device: str = ""

    @property
    def key(self) -> str:
        """`group~node` or `group~node~device`, each level escaped as in a URL, `~` too.

        No two addresses share a key, and no key of the JSON contract has a `~`.
        """
        levels = (self.group, self.node, self.device) if self.device else (self.group, self.node)
        return "~".join(quote(level, safe="").replace("~", "%7E") for level in levels)


class SparkplugB:
    """The dialect `spBv1.0`. Births live in memory: after a start every node is asked for its own.

    `interval_s` is the promise of those who give none; who is silent that long is asked for a birth.
    `known`: keys of devices that were heard before; a node that says little would wait for its turn.
    """

    topic_filters = tuple(
        [f"{NAMESPACE}/+/{kind}/+" for kind in _NODE_KINDS]
        + [f"{NAMESPACE}/+/{kind}/+/+" for kind in _DEVICE_KINDS]
    )

    def __init__(
        self, clock: Clock, interval_s: float = INTERVAL_S, known: Iterable[str] = ()
    ) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._nodes: dict[tuple[str, str], Node] = {}
        self._wanted = {name for key in known if (name := _node_of(key))}
        self._nodes |= {name: Node() for name in self._wanted}
        self._look_at = clock.now()

    def speaks(self, topic: str) -> bool:
        return topic.startswith(NAMESPACE + "/")

    def decode(self, topic: str, body: bytes, received_at: datetime) -> Sequence[DeviceReport]:
        """See `Dialect`. Reports what a message says of its own node or device, and of no other."""
        if _is_for_others(topic):
            return ()
        kind, address = split(topic)
        node = self._node(address)
        try:
            message = _Message(kind, address, read_payload(body), _digest(topic, body), received_at)
            return self._take(node, message)
        except LateBirthError:
            raise
        except UndecodableMessageError as error:
            if kind.endswith("BIRTH") or isinstance(error, OutOfStepError | UnknownMetricError):
                self._lose_step(node, address)
            raise

    def _node(self, address: Address) -> Node:
        name = (address.group, address.node)
        if name not in self._nodes and len(self._nodes) >= _MAX_NODES:
            raise UndecodableMessageError(f"topic: one of more than {_MAX_NODES} edge nodes")
        return self._nodes.setdefault(name, Node())

    def _lose_step(self, node: Node, address: Address) -> None:
        """Nothing of `node` is believed until it has said its births again, which it is asked for."""
        if node.session is not None:
            node.session.in_step = False
        self._wanted.add((address.group, address.node))

    def commands(self) -> Sequence[Command]:
        """Requests for a rebirth: from who is out of step, or silent for as long as it promised."""
        now = self._clock.now()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            self._wanted |= {name for name, node in self._nodes.items() if _is_silent(node, now)}
        return list(self._ask(now))

    def _ask(self, now: datetime) -> Iterator[Command]:
        """Those who did not answer are asked again, ever more seldom."""
        due = [name for name in self._wanted if now >= (self._nodes[name].ask_at or now)]
        for group, edge in sorted(due)[:_ASK_AT_ONCE]:
            node = self._nodes[group, edge]
            node.ask_at = now + min(_ASK_AGAIN * 2**node.asks, _ASK_AT_LEAST_EVERY)
            node.asks = min(node.asks + 1, 10)
            body = rebirth_request(int(now.timestamp() * 1000))
            yield Command(f"{NAMESPACE}/{group}/NCMD/{edge}", body)

    def _take(self, node: Node, message: _Message) -> Sequence[DeviceReport]:
        if message.kind == "NBIRTH":
            return self._node_birth(node, message)
        if message.kind == "NDEATH":
            return _node_death(node.session, message)
        if node.session is None:
            raise OutOfStepError("the node's birth is not known; it was asked for")
        payload = message.payload
        count, again = node.session.take(payload.seq, payload.timestamp, message.digest)
        if message.kind == "DBIRTH":
            return self._device_birth(node.session, message, count, again=again)
        if message.kind == "DDEATH":
            return _device_death(node.session, message, count, again=again)
        return _data(node.session, message, count)

    def _node_birth(self, node: Node, message: _Message) -> Sequence[DeviceReport]:
        born_ms, bindings = message.at_ms, Bindings(message.payload.metrics)
        bd_seq = _bd_seq(message.payload)
        content = message.content(bindings, birth=True)
        again = node.knows_birth(message.digest)
        boot = f"{bd_seq}-{born_ms}"
        if not again:
            if node.session is not None and node.session.overtakes(born_ms, message.received_at):
                raise LateBirthError(
                    f"timestamp: {born_ms} ms; a later birth of {node.session.born_ms} came before"
                )
            born = self._born(bindings, content, message.received_at)
            first = message.payload.seq or 0
            node.session = Session(
                boot, bd_seq, born_ms, message.received_at, (first + 1) % 256, born
            )
            node.asks = 0
            self._wanted.discard((message.address.group, message.address.node))
        return (self._birth_report(message, Identity(boot, 1), content),)

    def _device_birth(
        self, session: Session, message: _Message, count: int, *, again: bool
    ) -> Sequence[DeviceReport]:
        device = message.address.device
        bindings = Bindings(message.payload.metrics)
        content = message.content(bindings, birth=True)
        if not again:
            if len(session.devices) >= _MAX_DEVICES:
                raise UndecodableMessageError(
                    f"topic: more than {_MAX_DEVICES} devices of one node"
                )
            session.devices[device] = self._born(bindings, content, message.received_at)
        return (self._birth_report(message, session.identity(count), content),)

    def _born(self, bindings: Bindings, content: Content, at: datetime) -> Born:
        return Born(bindings, content.interval_s or self._interval_s, at)

    def _birth_report(
        self, message: _Message, identity: Identity, content: Content
    ) -> DeviceReport:
        contact = Contact(
            interval_s=content.interval_s or self._interval_s,
            reported=content.reported or ReportedState.ONLINE,
            detail=content.texts.get(Role.REASON, ""),
            component=content.texts.get(Role.COMPONENT, ""),
        )
        return message.report(identity, content, contact)


@dataclass(frozen=True, slots=True)
class _Message:
    kind: str
    address: Address
    payload: Payload
    digest: bytes
    received_at: datetime

    @property
    def at_ms(self) -> int:
        """The payload's own time. Raises UndecodableMessageError when it has none."""
        if self.payload.timestamp is None:
            raise UndecodableMessageError(
                "timestamp: missing; every payload but a death carries it"
            )
        return _believable(self.payload.timestamp)

    def content(self, bindings: Bindings, *, birth: bool = False) -> Content:
        return content_of(
            [(each, bindings.find(each)) for each in self.payload.metrics], birth=birth
        )

    def report(self, identity: Identity, content: Content, contact: Contact) -> DeviceReport:
        texts = content.texts
        facts = DeviceFacts(
            texts.get(Role.MODEL, ""), texts.get(Role.FIRMWARE, ""), texts.get(Role.SERIAL, "")
        )
        return DeviceReport(
            device_key=self.address.key,
            at=_moment(self.at_ms),
            received_at=self.received_at,
            identity=identity,
            contact=contact,
            counters=content.counters,
            gauges=content.gauges,
            events=tuple(content.events),
            facts=facts if facts != DeviceFacts() else None,
        )


def _is_for_others(topic: str) -> bool:
    """Commands and hosts' states: heard only where somebody subscribes to all of the namespace."""
    levels = topic.split("/")
    return levels[1:2] == ["STATE"] or levels[2:3] in (["NCMD"], ["DCMD"])


def split(topic: str) -> tuple[str, Address]:
    """(kind of message, whom it speaks of). Raises UndecodableMessageError."""
    levels = topic.split("/")
    kind = levels[2] if len(levels) > 2 else ""
    wanted = 4 if kind in _NODE_KINDS else 5 if kind in _DEVICE_KINDS else 0
    if levels[0] != NAMESPACE or len(levels) != wanted:
        raise UndecodableMessageError(
            f"topic: {topic!r}; allowed: {NAMESPACE}/group/kind/node[/device], "
            f"kind one of {', '.join(_NODE_KINDS + _DEVICE_KINDS)}"
        )
    for level in (levels[1], *levels[3:]):
        if not level.isprintable() or not 0 < len(level) <= _MAX_LEVEL or set(level) & set("+#"):
            raise UndecodableMessageError(
                f"topic: level {level[:40]!r}; allowed: 1 to {_MAX_LEVEL} printable characters "
                "without + and #"
            )
    return kind, Address(levels[1], *levels[3:])


def _data(session: Session, message: _Message, count: int) -> Sequence[DeviceReport]:
    device = message.address.device
    born = session.devices.get(device) if device else session.node
    if born is None:
        raise OutOfStepError(f"device {device!r}: its birth is not known; it was asked for")
    said = [(each, born.bindings.find(each)) for each in message.payload.metrics]
    now = [pair for pair in said if not pair[0].is_historical]
    content = content_of(now, birth=False)
    born.heard_at = message.received_at
    born.interval_s = content.interval_s or born.interval_s
    contact = Contact(
        interval_s=content.interval_s,
        reported=content.reported,
        detail=content.texts.get(Role.REASON, ""),
        component=content.texts.get(Role.COMPONENT, ""),
    )
    past = _historical(session, message, count, [pair for pair in said if pair[0].is_historical])
    return (*past, message.report(session.identity(count), content, contact))


def _historical(
    session: Session, message: _Message, count: int, said: Sequence[tuple[Metric, Meaning]]
) -> Iterator[DeviceReport]:
    """What the node kept while it could not send: a report for each moment.

    They share the message's number, so each gets a session of its own, named after it.
    """
    by_time: dict[int, list[tuple[Metric, Meaning]]] = defaultdict(list)
    for metric, meaning in said:
        by_time[_believable(metric.timestamp or message.at_ms)].append((metric, meaning))
    for place, at_ms in enumerate(sorted(by_time), start=1):
        content = content_of(by_time[at_ms], birth=False)
        content.texts.clear()  # its state then is not its state now
        whole = message.report(Identity(f"{session.boot}.{count}", place), content, Contact())
        yield replace(whole, at=_moment(at_ms))


def _node_death(session: Session | None, message: _Message) -> Sequence[DeviceReport]:
    """The will of this session: of the node and of every device that it speaks for."""
    if session is None or _bd_seq(message.payload) != session.bd_seq:
        return ()
    session.alive = False
    address = message.address
    dead = [Address(address.group, address.node, device) for device in ("", *session.devices)]
    at = message.received_at  # a will's own time is that of the connecting
    will = Contact(reported=ReportedState.OFFLINE, is_will=True, detail="NDEATH")
    return [DeviceReport(each.key, at, at, session.identity(0), contact=will) for each in dead]


def _device_death(
    session: Session, message: _Message, count: int, *, again: bool
) -> Sequence[DeviceReport]:
    """The node says that it lost the device: no will, but its word."""
    if not again:
        session.devices.pop(message.address.device, None)
    contact = Contact(reported=ReportedState.OFFLINE, detail="DDEATH")
    return (message.report(session.identity(count), Content(), contact),)


def _is_silent(node: Node, now: datetime) -> bool:
    session = node.session
    if session is None or not session.alive:
        return False
    return any(
        now - born.heard_at >= timedelta(seconds=born.interval_s)
        for born in (session.node, *session.devices.values())
    )


def _node_of(key: str) -> tuple[str, str] | None:
    """The node of a device's key; None: the key of a device that speaks otherwise."""
    group, *rest = key.split("~")
    return (unquote(group), unquote(rest[0])) if rest else None


def _bd_seq(payload: Payload) -> int:
    for metric in payload.metrics:
        if metric.name == "bdSeq":
            value = read_value(metric, metric.datatype, metric.name)
            if isinstance(value, int) and value >= 0:
                return value
    raise UndecodableMessageError("bdSeq: missing; every NBIRTH and NDEATH carries it")


def _believable(at_ms: int) -> int:
    if at_ms > _LATEST_MS:
        raise UndecodableMessageError(f"timestamp: {at_ms} ms; allowed: up to the year 9999")
    return at_ms


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(_believable(at_ms) / 1000, UTC)


def _digest(topic: str, body: bytes) -> bytes:
    return hashlib.blake2b(topic.encode() + b"\0" + body, digest_size=16).digest()
