"""Predictions that nobody acts upon, drawn by lot, so that it can be known what acting is worth.

Off until somebody sets a share (`kpi.avoided.set_hold_out`). Only predictions of low risk take part: of
a low probability, not critical by its rule, about a component whose failure does not silence the whole
device and that nobody spared, and about which no case is open. What is held out raises no alert and
opens no case while its horizon lasts, and what fails all the same is heard as ever.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.sign import Sign
from domain.report import Severity
from domain.vocabulary import component
from storage.database import Conn, Row
from storage.queries import load

_LOTS = 2.0**64


@dataclass(frozen=True, slots=True)
class HoldOut:
    """What is in force.

    Attributes:
        share: of the predictions that take part; 0: none is held out.
        below: the probability from which on a prediction takes no part.
        spared: components and kinds of device that take no part.
        salt: the key of the hash that draws.
    """

    id: int
    share: float
    below: float
    spared: frozenset[str]
    salt: str

    def lot(self, device: str, name: str, at: datetime) -> float:
        """0 to 1, the same whenever it is drawn again: HMAC-SHA-256 of device, component and moment."""
        drawn = f"{device}\n{name}\n{at.timestamp():.6f}".encode()
        digest = hmac.digest(self.salt.encode(), drawn, "sha256")
        return int.from_bytes(digest[:8], "big") / _LOTS

    def takes(self, sign: Sign, row: Row) -> bool:
        """Whether a prediction is of low risk; `row`: the device's circumstances."""
        name = sign.fault.component
        return (
            (sign.probability or 0.0) < self.below
            and sign.severity is not Severity.CRITICAL
            and not component(name).silences
            and not self.spared & {name, row["kind"]}
            and name not in row["open_tickets"]
        )


def in_force(conn: Conn) -> HoldOut | None:
    """None until somebody has set one."""
    row = conn.execute(load("hold_out")["in_force"]).fetchone()
    return HoldOut(**{**row, "spared": frozenset(row["spared"])}) if row else None


def acted_upon(conn: Conn, now: datetime, signs: Sequence[Sign]) -> list[Sign]:
    """The predictions that are not held out; what speaks anew is drawn, and stands until it is over."""
    rule = in_force(conn)
    if rule is None or not signs:
        return list(signs)
    ids = sorted({sign.fault.device_id for sign in signs})
    queries, asked = load("hold_out"), {"now": now, "device_ids": ids}
    held = {
        (row["device_id"], row["component"]): row["held_out"]
        for row in conn.execute(queries["standing"], asked)
    }
    rows = {row["id"]: row for row in conn.execute(queries["circumstances"], asked)}
    drawn = [] if not rule.share else [sign for sign in signs if _of(sign) not in held]
    told = [_drawn(rule, sign, rows[sign.fault.device_id]) for sign in drawn]
    with conn.cursor() as cursor:
        cursor.executemany(queries["draw"], told)
    held |= {(row["device_id"], row["component"]): row["held_out"] for row in told}
    return [sign for sign in signs if not held.get(_of(sign), False)]


def _of(sign: Sign) -> tuple[int, str]:
    return sign.fault.device_id, sign.fault.component


def _drawn(rule: HoldOut, sign: Sign, row: Row) -> Row:
    assert sign.expires_at is not None, "a prediction has a horizon"
    lot, eligible = rule.lot(row["key"], sign.fault.component, sign.at), rule.takes(sign, row)
    return {
        "hold_out_id": rule.id,
        "device_id": sign.fault.device_id,
        "component": sign.fault.component,
        "at": sign.at,
        "until": sign.expires_at,
        "probability": sign.probability,
        "eligible": eligible,
        "lot": lot,
        "held_out": eligible and lot < rule.share,
    }
