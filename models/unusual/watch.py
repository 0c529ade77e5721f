"""Looks at each window of six hours as it is over: scores the fleet, keeps the scores, and writes down
who is so unusual that somebody should know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from domain.clock import Clock
from domain.vocabulary import metric
from models.supplies.ends import SUPPLIES
from models.supplies.watch import foretell
from models.unusual import anomaly
from models.unusual.anomaly import LASTING, WEEKS, Singles
from models.unusual.levels import (
    TROUBLE,
    WINDOW,
    Window,
    keep_window,
    last_window,
    read_past,
    read_window,
)
from models.unusual.words import Told, day_level, own_level, reasons
from pipeline.features.frames import Ints
from storage.database import Conn, Database
from storage.queries import load

PAST = timedelta(weeks=WEEKS)
_AT_ONCE = 8  # windows a turn, when many wait: after a start, or an import
_KEPT = timedelta(days=90)  # anomalies

_OF_STOCK = frozenset(
    {
        *(supply.metric for supply in SUPPLIES),
        *(
            "x.DaysToFull",
            "x.RecordCount",
            "x.RecordCapacity",
            "x.FreeFlash",
            "x.UserCount",
            "x.FingerCount",
        ),
        "HoursPoweredCount",
    }
)
"""What goes up and down by design, or only up: no sign of anything by being high or low."""


def watch(database: Database, clock: Clock) -> int:
    """Looks at every window that is over; returns how many alarms there are in the newest ones.

    Takes turns with others. Windows of the past are looked at too, for what is usual, but raise no
    alarm. Components that a champion model judges raise none: the model knows better.
    """
    newest = last_window(clock.now())
    with database.transaction() as conn:
        kinds = [row["kind"] for row in conn.execute(load("watch_fleet")["kinds"]).fetchall()]
    found = 0
    for kind in kinds:
        for _ in range(_AT_ONCE):
            with database.transaction() as conn:
                until = _next(conn, kind, newest)
                if until is None:
                    break
                found += _look(conn, kind, until, alarming=until == newest)
    return found


def _next(conn: Conn, kind: str, newest: datetime) -> datetime | None:
    """The end of the oldest window that waits to be looked at."""
    turn = conn.execute(load("watch_fleet")["take_turn"]).fetchone()
    if turn is None or not turn["mine"]:
        return None
    row = conn.execute(load("watch_fleet")["newest"], {"kind": kind}).fetchone()
    oldest = newest - PAST + WINDOW
    if row is not None and row["until"] is not None:
        until = max(row["until"] + WINDOW, oldest)
    else:
        first = conn.execute(
            load("watch_fleet")["first_hour"], {"kind": kind, "since": oldest - WINDOW}
        ).fetchone()
        if first is None or first["hour"] is None:
            return None
        until = max(last_window(first["hour"]) + WINDOW, oldest)
    return until if until <= newest else None


def _look(conn: Conn, kind: str, until: datetime, *, alarming: bool) -> int:
    window = read_window(conn, kind, until)
    look = _scored(conn, kind, window)
    keep_window(conn, kind, window, look.apart, look.unusual, look.components, look.score)
    conn.execute(load("watch_fleet")["forget"], {"kind": kind, "before": until - PAST - WINDOW})
    conn.execute(load("watch_fleet")["forget_anomalies"], {"before": until - _KEPT})
    if not alarming:
        return 0
    foretell(conn, kind, until)
    return _alarm(conn, kind, look)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A window and what was made of it.

    Attributes:
        component: (subjects,) each subject's component, by number.
        lasting: (devices, subjects): what a day's windows say together.
        score: (components, devices).
    """

    window: Window
    apart: Singles
    unusual: Singles
    lasting: Singles
    components: tuple[str, ...]
    component: Ints
    score: Singles


def _scored(conn: Conn, kind: str, window: Window) -> _Look:
    ids, subjects, counted = window.device_ids, window.subjects, window.counted
    value = anomaly.evened(window.level, counted)
    peers = anomaly.against_peers(value, counted, _circles(conn, kind, ids))
    apart = np.where(np.isfinite(peers.middle), value - peers.middle, value)
    before = (window.until - PAST, window.until - WINDOW)
    past = read_past(conn, kind, "apart", ids, subjects, before).values
    unusual = anomaly.joined(peers.apart, anomaly.against_past(apart, past, counted))
    unusual[:, [subject in _OF_STOCK for subject in subjects]] = np.nan
    since = window.until - LASTING * WINDOW
    recent = read_past(conn, kind, "unusual", ids, subjects, (since, before[1])).values
    lasting = anomaly.lasting(np.concatenate([recent, unusual[None]]))
    parts = [_component(subject) for subject in subjects]
    components = tuple(sorted(set(parts)))
    component = np.array([components.index(part) for part in parts], np.int64)
    score = anomaly.scores(lasting, component, len(components))
    return _Look(window, apart, unusual, lasting, components, component, score)


def _component(subject: str) -> str:
    if subject.endswith(TROUBLE):
        return subject.removesuffix(TROUBLE)
    return metric(subject).component


def _circles(conn: Conn, kind: str, device_ids: Ints) -> list[Ints]:
    """Peers, the nearest first: of the same model at the same site, of the same model, all."""
    rows = conn.execute(load("watch_fleet")["places"], {"kind": kind}).fetchall()
    near = {row["id"]: (row["model"], row["site"]) for row in rows}
    places = [near.get(int(one), ("", 0)) for one in device_ids]
    keys = ([str(place) for place in places], [place[0] for place in places])
    circles = [np.unique(np.array(key, str), return_inverse=True)[1] for key in keys]
    return [*(circle.astype(np.int64) for circle in circles), np.zeros(len(places), np.int64)]


def _alarm(conn: Conn, kind: str, look: _Look) -> int:
    until, ids = look.window.until, look.window.device_ids
    chances = _chances(conn, kind, look)
    rows = conn.execute(load("watch_fleet")["judged_by_models"], {"kind": kind}).fetchall()
    judged = {row["component"] for row in rows}
    chances[[part in judged for part in look.components]] = 1.0
    number, device = np.nonzero(anomaly.alarms(chances))
    why = list(_reasons(conn, kind, look, number, device))
    for part, one, reason in zip(number, device, why, strict=True):
        row = {
            "at": until,
            "device_id": int(ids[one]),
            "component": look.components[part],
            "score": float(look.score[part, one]),
            "chance": float(chances[part, one]),
            "reasons": reason,
        }
        conn.execute(load("watch_fleet")["add_anomaly"], row)
    return len(number)


def _chances(conn: Conn, kind: str, look: _Look) -> NDArray[np.float64]:
    """(components, devices): held against the fleet's scores of the last weeks, less those of
    devices that were alarms then."""
    until, ids = look.window.until, look.window.device_ids
    span = (until - PAST, until)
    past = read_past(conn, kind, "score", ids, look.components, span)
    rows = conn.execute(
        load("watch_fleet")["alarmed"], {"since": span[0], "until": span[1]}
    ).fetchall()
    window = {moment: number for number, moment in enumerate(past.untils)}
    place = {int(one): number for number, one in enumerate(ids)}
    part_of = {part: number for number, part in enumerate(look.components)}
    for row in rows:
        if row["at"] in window and row["device_id"] in place and row["component"] in part_of:
            at = window[row["at"]], place[row["device_id"]], part_of[row["component"]]
            past.values[at] = np.nan
    return np.stack(
        [
            anomaly.chances(look.score[part], past.values[:, :, part])
            for part in range(len(look.score))
        ]
        or [np.zeros(0)]
    )


def _reasons(
    conn: Conn, kind: str, look: _Look, number: NDArray[np.int64], device: NDArray[np.int64]
) -> Iterator[Jsonb]:
    if not len(device):
        return
    until, ids, subjects = look.window.until, look.window.device_ids, look.window.subjects
    day = read_past(conn, kind, "levels", ids, subjects, (until - LASTING * WINDOW, until)).values
    own = read_past(
        conn, kind, "levels", ids[device], subjects, (until - PAST, until - LASTING * WINDOW)
    ).values
    for row, (part, one) in enumerate(zip(number, device, strict=True)):
        told = []
        for subject in np.flatnonzero(look.component == part):
            counted = bool(look.window.counted[subject])
            now = day_level(day[:, :, subject], counted)
            known = now[np.isfinite(now)]
            told.append(
                Told(
                    subjects[subject],
                    counted,
                    float(np.nan_to_num(look.lasting[one, subject]) ** 2),
                    float(now[one]),
                    own_level(own[:, row, subject], counted),
                    float(np.median(known)) if len(known) else float("nan"),
                )
            )
        yield Jsonb([reason.to_json() for reason in reasons(told)])
