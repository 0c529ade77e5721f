"""How a model in shadow does beside the one in charge, by what has come of both since.

Both are asked of the same devices at the same moments. Nothing is kept twice: labels are what failures,
repairs and tickets say now, so that a failure that is recorded late, or a part that turns out to have
been worn, changes the comparison as soon as it is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.text import N_, Text
from models.data.labels import failed, replaced_in_time
from models.judge.evaluation import Metrics, Scored, evaluate
from models.live.outcomes import LOOK_BACK, Outcome, Settled
from models.settings import CostSettings
from pipeline.features.frames import HOUR, Marks, marks
from storage.database import Conn, Row
from storage.queries import load

_EVERY_H = 3.0  # the query's


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two models on the same questions, whose time is over.

    Attributes:
        since, until: the first and the last moment at which both were asked.
        first, second: each at its own threshold, with the costs of the first.
    """

    since: datetime
    until: datetime
    first: Metrics
    second: Metrics

    def said(self, challenger: int) -> Text:
        """In one sentence, the first being in charge."""
        return Text(
            N_(
                "in shadow model {model} would have warned of {its} of {failures} failures and cost "
                "{cost}; this one warned of {own} and cost {own_cost}"
            ),
            {
                "model": challenger,
                "its": self.second.warned,
                "failures": self.second.failures,
                "cost": round(self.second.cost),
                "own": self.first.warned,
                "own_cost": round(self.first.cost),
            },
        )


def side_by_side(
    conn: Conn, first: Row, second: Row, settled: Sequence[Settled], now: datetime
) -> SideBySide | None:
    """What two models of one task foretold in the last 90 days, wherever both were asked.

    A decision every three hours; those whose component was served before it could show what it would
    do are left out. None where nothing of both is over yet, or they foretell different spans.

    Args:
        first, second: the models' rows.
        settled: what became of tickets in that time (`models.live.outcomes.outcomes`).
    """
    if first["task"] != second["task"] or first["horizon_h"] != second["horizon_h"]:
        return None
    component = first["task"].partition("/")[2]
    asked = {
        "component": component,
        "first": first["id"],
        "second": second["id"],
        "start": now - LOOK_BACK,
        "until": now - timedelta(hours=float(first["horizon_h"])),
    }
    rows = conn.execute(load("models")["side_by_side"], asked).fetchall()
    if not rows:
        return None
    past = _Past(conn, rows, component, settled, now)
    costs = CostSettings(**first["settings"]["costs"])
    horizon_h = float(first["horizon_h"])
    own, its = (
        evaluate(past.scored(column, horizon_h), float(row["threshold"]), costs)
        for column, row in (("first", first), ("second", second))
    )
    return SideBySide(min(row["at"] for row in rows), max(row["at"] for row in rows), own, its)


class _Past:
    """What came after some questions about one component."""

    def __init__(
        self,
        conn: Conn,
        rows: Sequence[Row],
        component: str,
        settled: Sequence[Settled],
        now: datetime,
    ) -> None:
        self._rows, self._start = rows, min(row["at"] for row in rows)
        ids = sorted({row["device_id"] for row in rows})
        self._place = {device: place for place, device in enumerate(ids)}
        self._device = np.array([self._place[row["device_id"]] for row in rows], np.int64)
        self._moment = np.array([self._hours(row["at"]) for row in rows])
        wanted: dict[str, Any] = {"devices": ids, "end": now}
        prevented = [
            (component, self._place[each.device_id], at, at)
            for each in settled
            if each.outcome is Outcome.PREVENTED and each.component == component and each.at
            if each.device_id in self._place
            for at in [self._hours(each.at)]
        ]
        self._failures = self._marks(conn, "failures", component, wanted, prevented)
        self._services = self._marks(conn, "maintenance", component, wanted, [])

    def scored(self, column: str, horizon_h: float) -> Scored:
        """The questions with the probabilities of one `column`."""
        probability = np.array([row[column] for row in self._rows], np.float64)
        asked = self._failures, self._device, self._moment
        label = failed(*asked, horizon_h)
        shown = ~replaced_in_time(self._failures, self._services, *asked[1:], horizon_h)
        device, moment = self._device[shown], self._moment[shown]
        return Scored(
            device,
            moment,
            probability[shown],
            label[shown],
            self._failures.where(self._in_time(horizon_h)),
            horizon_h,
            every_h=_EVERY_H,
        )

    def _in_time(self, horizon_h: float) -> NDArray[np.bool_]:
        """The failures that questions could have foretold: not those before the first of them."""
        at, last = self._failures.at, self._moment.max() + horizon_h
        within: NDArray[np.bool_] = (at > self._moment.min()) & (at <= last)
        return within

    def _marks(
        self,
        conn: Conn,
        query: str,
        component: str,
        wanted: dict[str, Any],
        more: list[tuple[str, int, float, float]],
    ) -> Marks:
        rows = conn.execute(load("features")[query], wanted).fetchall()
        told = [
            (component, self._place[row["device_id"]], at, at)
            for row in rows
            if row["component"] == component
            for at in [self._hours(row["at"])]
        ]
        return marks([*told, *more])

    def _hours(self, at: datetime) -> float:
        hours: float = (at - self._start) / HOUR
        return hours
