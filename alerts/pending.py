"""What events and state changes say: the signs that wait in `pending_sign`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from alerts.identity import OpenAlert, Pending, down_sign, event_sign
from alerts.rules import RuleBook
from alerts.rules.rule import Subject
from alerts.series import Relief
from alerts.sign import Sign
from domain.device import DeviceState
from domain.fault import FaultClass
from domain.vocabulary import DEVICE
from storage.database import Conn, Row
from storage.queries import load

T = TypeVar("T")


def take(conn: Conn, limit: int) -> tuple[list[Pending], int]:
    """Takes the oldest signs that wait. Returns those of adopted devices, and how many it took."""
    rows = conn.execute(load("alerts")["take_pending"], {"limit": limit}).fetchall()
    return [_pending(row) for row in rows if row.pop("adopted")], len(rows)


def waves(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Lists of items in each of which a key stands once; those of one key stay in their order."""
    named = [(key(item), item) for item in items]
    if len({name for name, _ in named}) == len(named):  # most of the time: each stands once
        return [[item for _, item in named]] if named else []
    seen: Counter[Hashable] = Counter()
    found: list[list[T]] = []
    for name, item in named:
        if seen[name] == len(found):
            found.append([])
        found[seen[name]].append(item)
        seen[name] += 1
    return found


def judge(
    conn: Conn, wave: Sequence[Pending], now: datetime, book: RuleBook
) -> list[Sign | Relief]:
    """What a wave - of each device one item - says of faults and of their ends."""
    transitions = [one for one in wave if one.kind == "transition"]
    events = [one for one in wave if one.kind != "transition"]
    down = [one for one in transitions if one.to_state == DeviceState.DOWN]
    up = [one for one in transitions if one.to_state == DeviceState.UP]
    # Of a device that nobody watches nothing is known.
    signs = [(one, event_sign(one, book)) for one in events]
    others = [one for one, sign in signs if sign is None]
    heard = [sign for _, sign in signs if sign is not None]
    return [*_down(conn, down, now, book), *heard, *_up(conn, up), *_over(conn, others, book)]


def _down(conn: Conn, wave: Sequence[Pending], now: datetime, book: RuleBook) -> list[Sign]:
    known = _open_alerts(conn, [one.device_id for one in wave], now)
    signs = [down_sign(one, known[one.device_id], book) for one in wave]
    return [sign for sign in signs if sign is not None]


def _open_alerts(
    conn: Conn, device_ids: Sequence[int], now: datetime
) -> defaultdict[int, list[OpenAlert]]:
    found: defaultdict[int, list[OpenAlert]] = defaultdict(list)
    if device_ids:
        parameters = {"device_ids": list(device_ids), "now": now}
        for row in conn.execute(load("alerts")["open_of_devices"], parameters):
            fault_class = FaultClass(row["fault_class"])
            alert = OpenAlert(row["component"], fault_class, row["foretold"], row["active"])
            found[row["device_id"]].append(alert)
    return found


def _up(conn: Conn, wave: Sequence[Pending]) -> list[Relief]:
    """What took a device down works again, whatever else was said of it."""
    if not wave:
        return []
    at = {one.device_id: one.at for one in wave}
    rows = conn.execute(load("alerts")["down_alerts"], {"device_ids": list(at)}).fetchall()
    return [Relief(row["id"], None, at[row["device_id"]], restored=True) for row in rows]


def _over(conn: Conn, wave: Sequence[Pending], book: RuleBook) -> list[Relief]:
    """The conditions that events take back."""
    ended = [(one, rule) for one in wave for rule in book.ended_by(one.code)]
    if not ended:
        return []
    rows = conn.execute(
        load("alerts")["alerts_held_by"],
        {
            "device_ids": [one.device_id for one, _ in ended],
            "components": [one.component or DEVICE for one, _ in ended],
            "rules": [rule for _, rule in ended],
        },
    ).fetchall()
    at = {one.device_id: one.at for one in wave}
    return [Relief(row["id"], row["rules"], at[row["device_id"]], restored=True) for row in rows]


def _pending(row: Row) -> Pending:
    device = Subject(row.pop("device_kind"), row.pop("model"), row.pop("site"))
    return Pending(**row, device=device)
