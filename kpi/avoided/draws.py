"""What was drawn and what came of it, and setting the share that is held out."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.holdout import HoldOut, in_force
from desk.actions import audit
from domain.clock import Clock
from domain.errors import BadInputError
from kpi.avoided.estimate import Arm, Avoided, avoided
from storage.database import Conn, Database, Row
from storage.queries import load

MOST = 0.5
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Draw:
    """One prediction while a share was held out.

    Attributes:
        share, below: what was in force.
        eligible: of low risk, so that it took part; the others were acted upon in any case.
        over: it failed, or its horizon has ended.
    """

    id: int
    hold_out_id: int
    share: float
    below: float
    device: str
    component: str
    at: datetime
    until: datetime
    probability: float
    eligible: bool
    held_out: bool
    failed_at: datetime | None
    over: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """What one setting of the hold-out tells; settings are not mixed, their draws had other chances.

    Attributes:
        waiting: draws whose horizon is not over; they are in no figure.
        apart: predictions of higher risk, acted upon without a draw: of them it can't be known.
    """

    hold_out_id: int
    share: float
    below: float
    avoided: Avoided
    waiting: int
    apart: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What the cases that predictions opened show without any hold-out: bounds, not an estimate.

    Attributes:
        acted: closed cases. failed: of them, the failure came all the same.
        worn: the part was found worn and had not failed. At most `acted - failed` failures were
            avoided, at least none: what would have come without acting nobody has seen.
    """

    acted: int
    failed: int
    worn: int


@dataclass(frozen=True, slots=True)
class Report:
    """Predictions of [start, end)."""

    start: datetime
    end: datetime
    settings: tuple[Setting, ...]
    seen: Seen
    draws: tuple[Draw, ...]


def read_report(conn: Conn, start: datetime, end: datetime, now: datetime) -> Report:
    """What is known at `now` of the predictions that first spoke in [start, end)."""
    asked = {"start": start, "end": end, "now": now}
    draws = tuple(Draw(**row) for row in conn.execute(load("hold_out")["outcomes"], asked))
    seen = conn.execute(load("hold_out")["acted"], asked).fetchone()
    assert seen is not None
    numbers = sorted({draw.hold_out_id for draw in draws})
    settings = (_setting([draw for draw in draws if draw.hold_out_id == one]) for one in numbers)
    return Report(start, end, tuple(settings), Seen(**seen), draws)


def set_hold_out(
    database: Database,
    clock: Clock,
    *,
    share: float,
    below: float,
    spared: Sequence[str],
    actor: str,
) -> HoldOut:
    """From now on `share` of the predictions below that probability is held out; 0 ends it. What is
    held out already stays so until its horizon ends. Raises BadInputError."""
    for name, value, most in (("share", share, MOST), ("below", below, 1.0)):
        if not 0 <= value <= most:
            raise BadInputError(f"{name}: {value}; allowed: 0 to {most}")
    for word in spared:
        if not 0 < len(word) <= _LONGEST:
            raise BadInputError(f"spared: {word!r}; allowed: 1 to {_LONGEST} characters")
    row: Row = {"share": share, "below": below, "spared": sorted(spared)}
    with database.transaction() as conn:
        salt = secrets.token_hex(16)
        conn.execute(
            load("hold_out")["set"], row | {"salt": salt, "now": clock.now(), "actor": actor}
        )
        audit(conn, actor, "hold_out", "predictions", row)
        found = in_force(conn)
    assert found is not None
    return found


def _setting(draws: Sequence[Draw]) -> Setting:
    held, acted = (
        [draw for draw in draws if draw.eligible and draw.over and draw.held_out is side]
        for side in (True, False)
    )
    return Setting(
        draws[0].hold_out_id,
        draws[0].share,
        draws[0].below,
        avoided(_arm(held), _arm(acted)),
        waiting=sum(draw.eligible and not draw.over for draw in draws),
        apart=sum(not draw.eligible for draw in draws),
    )


def _arm(draws: Sequence[Draw]) -> Arm:
    return Arm(len(draws), sum(draw.failed_at is not None for draw in draws))
