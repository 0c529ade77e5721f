"""A publisher in a process of its own: `LEDGER` is its argument, an `Order` as JSON its first line of input.

Publishes as fast as the broker acknowledges, or at the order's rate, until its input ends. Then it
waits until everything is acknowledged and writes what it sent to LEDGER.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from tests.chaos.line import Line

GAUGES = 3
"""Readings in one heartbeat."""

TENANTS = ("north", "south", "west")
UNDER_WAY = 1_000  # messages that the broker has not acknowledged before the publisher waits

_REORDERED_WITHIN = 40
_POISON_EVERY = 97
_EVENT_EVERY = 25
_TWICE_EVERY = 31
_KEPT = 10  # times that many messages later, one comes again
_NAP_S = 0.01
_JUMPS_AFTER = 20  # messages of a device, before its clock jumps
_TEN_YEARS = timedelta(days=3652)
_POISON = (
    b"\xff\xfe\x00 #",
    b'{"unended": "#',
    b"[" * 5_000 + b"#",
    b'{"schema": "9", "name": "#"}',
    b'{"schema": 1, "seq": NaN, "name": "#"}',
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to publish, and where. `rate`: messages a second; 0: as fast as it goes."""

    addresses: list[tuple[str, int]]
    username: str
    password: str
    run: str
    devices: int = 30
    rate: float = 0.0
    seed: int = 1


class Ledger(msgspec.Struct):
    """What the broker has acknowledged, each message once.

    Attributes:
        heartbeats, events: the numbers of sound messages.
        poison: how many could not be decoded.
        twice: how many were sent again on purpose.
        jumped: devices whose clock has jumped by ten years.
    """

    heartbeats: list[int] = []
    events: list[int] = []
    poison: int = 0
    twice: int = 0
    jumped: set[str] = set()

    @property
    def sent(self) -> int:
        return len(self.heartbeats) + len(self.events) + self.poison


@dataclass(frozen=True, slots=True)
class _Message:
    number: int
    kind: str
    topic: str
    body: bytes


def publish(order: Order, ended: threading.Event) -> Ledger:
    """Publishes until `ended`, and until the broker has acknowledged everything."""
    line = Line(order.addresses, f"chaos-{order.run}", (order.username, order.password))
    ledger, began = Ledger(), time.monotonic()
    for count, (message, again) in enumerate(_repeated(_mixed(order)), 1):
        while len(line.under_way) >= UNDER_WAY:
            line.exchange(wait=True)
        _pace(line, began, count, order.rate)
        if ended.is_set():
            break
        line.publish(message.topic, message.body)
        if again:
            ledger.twice += 1
        else:
            _note(order, ledger, message)
    while line.under_way:
        line.exchange(wait=True)
    line.close()
    return ledger


def _pace(line: Line, began: float, count: int, rate: float) -> None:
    early = began + count / rate - time.monotonic() if rate else 0.0
    if early > _NAP_S:
        line.exchange(wait=False)
        time.sleep(early)


def _note(order: Order, ledger: Ledger, message: _Message) -> None:
    if message.kind == "poison":
        ledger.poison += 1
        return
    {"heartbeat": ledger.heartbeats, "event": ledger.events}[message.kind].append(message.number)
    if has_jumped(order, message.number):
        ledger.jumped.add(device(order, message.number))


def _repeated(messages: Iterator[_Message]) -> Iterator[tuple[_Message, bool]]:
    """Some messages twice, at once and long after, as a broker delivers them again."""
    kept: deque[_Message] = deque()
    for message in messages:
        yield message, False
        if message.number % _TWICE_EVERY == 0:
            yield message, True
            kept.append(message)
            if len(kept) > _KEPT:
                yield kept.popleft(), True


def _mixed(order: Order) -> Iterator[_Message]:
    """Messages out of order, within a window: as several connections and retries would bring them."""
    rest = random.Random(order.seed)
    messages = (_message(order, number) for number in itertools.count(1))
    window = list(itertools.islice(messages, _REORDERED_WITHIN))
    while True:
        place = rest.randrange(len(window))
        yield window[place]
        window[place] = next(messages)


def device(order: Order, number: int) -> str:
    return f"{order.run}-{number % order.devices}"


def has_jumped(order: Order, number: int) -> bool:
    """Whether the clock of message `number`'s device had jumped when it was sent."""
    return number % order.devices % 10 in (3, 4) and number // order.devices > _JUMPS_AFTER


def _message(order: Order, number: int) -> _Message:
    topic = f"v1/{TENANTS[number % order.devices % 3]}/site/{device(order, number)}"
    if number % _POISON_EVERY == 0:
        name = f"{order.run} {number}".encode()
        body = _POISON[number % len(_POISON)].replace(b"#", name)
        return _Message(number, "poison", f"{topic}/heartbeat", body)
    at = datetime.now(UTC)
    if has_jumped(order, number):
        at += _TEN_YEARS if number % order.devices % 10 == 3 else -_TEN_YEARS
    common = {"schema": 1, "boot_id": "b1", "seq": number // order.devices + 1, "ts": at}
    if number % _EVENT_EVERY == 0:
        what = {"component": "cashBox", "code": "x.Chaos", "severity": "info"}
        body = msgspec.json.encode(common | what | {"raw_code": str(number)})
        return _Message(number, "event", f"{topic}/event", body)
    gauges = {"x.Number": number, "x.Half": number / 2, "x.Fixed": 7.5}
    body = msgspec.json.encode(common | {"interval_s": 60, "gauges": gauges})
    return _Message(number, "heartbeat", f"{topic}/heartbeat", body)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.readline(), type=Order)
    ended = threading.Event()
    threading.Thread(target=_await_end_of_input, args=(ended,), daemon=True).start()
    ledger = publish(order, ended)
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(ledger))


def _await_end_of_input(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main()
