"""Warnings held against the truth of a simulated fleet: how much of what could be foreseen was foreseen.

Nobody can warn of a failure that gave no sign before the last moment at which a warning still helps: the
share with a first sign by then is a bound that no model passes but by luck. A sign is *visible* once the
data speak clearly for it (`simulator/evidence.py`); a good model foresees what was visible in time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from domain.errors import BadInputError
from models.examine.bound import Bound, bounds
from models.settings import Costs
from simulator.truth import Outcome, Truth

_SAME = timedelta(minutes=2)  # a recorded failure and its truth are no further apart
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JudgedFailure:
    """A failure of the test period, and when it was first warned of in time (None: never)."""

    device: str
    component: str
    at: datetime
    warned_at: datetime | None


@dataclass(frozen=True, slots=True)
class JudgedEpisode:
    """Alarms that belong together, from `first` to `last`, and whether they were false."""

    device: str
    component: str
    first: datetime
    last: datetime
    false: bool


@dataclass(frozen=True, slots=True)
class StoryResult:
    """How one story's failures were foreseen.

    Attributes:
        visible: those whose signs were visible in time.
        foreseen: those of the visible ones that were warned of.
        warned: all that were warned of, visible or not.
        lead_h: median time from the warning to the failure; None without a warning.
    """

    story: str
    failures: int
    visible: int
    foreseen: int
    warned: int
    lead_h: float | None


@dataclass(frozen=True, slots=True)
class Examined:
    """What came out, over all stories.

    Attributes:
        with_sign: failures with a first sign in time: no model can warn of more, but by luck.
        visible_lead_h: median time from when visible to the failure, of the visible ones.
        excused: false episodes in whose time a part did wear, and was served or recovered.
        unasked: failures of which no model was asked in time: the component failed too seldom to learn
            from, or no model of it is in charge, or the device was silent. They count as not foreseen.
        cost: of what the model did; `cost_waiting`: of repairing what breaks; `cost_best`: of
            warning of every visible failure and never in vain.
        bounds: by component: the PR-AUC that no model passes (`models/examine/bound.py`).
    """

    failures: int
    with_sign: int
    visible: int
    foreseen: int
    warned: int
    lead_h: float | None
    visible_lead_h: float | None
    false_episodes: int
    excused: int
    unasked: int
    cost: float
    cost_waiting: float
    cost_best: float
    stories: tuple[StoryResult, ...]
    bounds: tuple[Bound, ...] = ()

    @property
    def share(self) -> float | None:
        """The share of what was visible in time that was foreseen."""
        return self.foreseen / self.visible if self.visible else None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "share": self.share}


def examine(
    truth: Iterable[Truth],
    failures: Sequence[JudgedFailure],
    episodes: Sequence[JudgedEpisode],
    lead: timedelta,
    costs: Costs,
) -> Examined:
    """Holds what was warned of against what befell the parts.

    Args:
        truth: of the period that was judged.
        lead: a warning, and so a sign, later than this before the failure comes too late.
    """
    known = _Known(truth)
    asked = [(each, row) for each in failures if (row := known.failure(each)) is not None]
    pairs = asked + list(known.others({id(row) for _, row in asked}))
    false = [episode for episode in episodes if episode.false]
    seen = [(each, row) for each, row in pairs if _by(row.visible_from, row, lead)]
    warned = sum(each.warned_at is not None for each, _ in pairs)
    return Examined(
        failures=len(pairs),
        with_sign=sum(_by(row.first_sign, row, lead) for _, row in pairs),
        visible=len(seen),
        foreseen=sum(each.warned_at is not None for each, _ in seen),
        warned=warned,
        lead_h=_median_h(row.at - each.warned_at for each, row in pairs if each.warned_at),
        visible_lead_h=_median_h(row.at - row.visible_from for _, row in seen if row.visible_from),
        false_episodes=len(false),
        excused=sum(known.worn(episode) for episode in false),
        unasked=len(pairs) - len(asked),
        cost=_cost(costs, pairs, [each.warned_at is not None for each, _ in pairs])
        + sum(costs.of(known.kind(episode.device)).visit for episode in false),
        cost_waiting=_cost(costs, pairs, [False] * len(pairs)),
        cost_best=_cost(costs, pairs, [_by(row.visible_from, row, lead) for _, row in pairs]),
        stories=tuple(_stories(pairs, lead)),
    )


def examine_backtest(truth: Iterable[Truth], figures: Mapping[str, Any], costs: Costs) -> Examined:
    """Holds a backtest, as JSON, against the truth of the folder that it ran on.

    Raises BadInputError where `figures` is no backtest.
    """
    try:
        protocol = figures["protocol"]
        start = _moment(protocol["test_from"]) + _HOUR * float(protocol["horizon_h"])
        end, lead = _moment(protocol["test_to"]), _HOUR * float(protocol["lead_h"])
        failures, episodes = figures["failures"], figures["episodes"]
        components = figures["components"]
        judged = {*components, *(each["component"] for each in figures["skipped"])}
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"backtest: these are no figures of one: {error!r}") from error
    names = {name.rpartition("/")[2] for name in judged}
    chosen = [row for row in truth if start <= row.at <= end and row.component in names]
    found = examine(chosen, judged_failures(failures), judged_episodes(episodes), lead, costs)
    horizon = _HOUR * float(protocol["horizon_h"])
    return replace(found, bounds=bounds(chosen, horizon, components))


def judged_failures(rows: Sequence[Mapping[str, Any]]) -> list[JudgedFailure]:
    """Reads the list `failures` of a backtest's JSON. Raises BadInputError where it does not fit."""
    try:
        return [
            JudgedFailure(
                row["device"],
                _component(row),
                _moment(row["at"]),
                _moment(row["warned_at"]) if row["warned_at"] else None,
            )
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"failures: no list of a backtest: {error!r}") from error


def judged_episodes(rows: Sequence[Mapping[str, Any]]) -> list[JudgedEpisode]:
    """Reads the list `episodes` of a backtest's JSON. Raises BadInputError where it does not fit."""
    try:
        return [
            JudgedEpisode(
                row["device"],
                _component(row),
                _moment(row["from"]),
                _moment(row["to"]),
                bool(row["false"]),
            )
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"episodes: no list of a backtest: {error!r}") from error


class _Known:
    """The truth, looked up by device and component."""

    def __init__(self, truth: Iterable[Truth]) -> None:
        self._of: dict[tuple[str, str], list[Truth]] = {}
        self._kinds: dict[str, str] = {}
        for row in sorted(truth, key=lambda row: row.at):
            self._of.setdefault((row.device, row.component), []).append(row)
            self._kinds[row.device] = row.kind

    def others(self, asked: set[int]) -> Iterator[tuple[JudgedFailure, Truth]]:
        """The failures whose rows are not `asked` (by identity): nobody warned of them."""
        for rows in self._of.values():
            for row in rows:
                if row.outcome is Outcome.FAILED and id(row) not in asked:
                    yield JudgedFailure(row.device, row.component, row.at, None), row

    def kind(self, device: str) -> str:
        return self._kinds.get(device, "")

    def failure(self, failure: JudgedFailure) -> Truth | None:
        rows = self._of.get((failure.device, failure.component), [])
        index = bisect_left(rows, failure.at - _SAME, key=lambda row: row.at)
        near = [row for row in rows[index : index + 2] if row.at <= failure.at + _SAME]
        return next((row for row in near if row.outcome is Outcome.FAILED), None)

    def worn(self, episode: JudgedEpisode) -> bool:
        """Whether the part showed true signs at some time of the episode."""
        rows = self._of.get((episode.device, episode.component), [])
        return any(
            row.first_sign is not None
            and row.first_sign <= episode.last
            and episode.first <= row.at
            for row in rows
        )


def _cost(costs: Costs, pairs: Sequence[tuple[JudgedFailure, Truth]], warned: list[bool]) -> float:
    return sum(
        float(costs.of(row.kind).total(1, told, 0))
        for (_, row), told in zip(pairs, warned, strict=True)
    )


def _stories(
    pairs: Sequence[tuple[JudgedFailure, Truth]], lead: timedelta
) -> Iterable[StoryResult]:
    for story in sorted({row.story for _, row in pairs}):
        own = [(each, row) for each, row in pairs if row.story == story]
        seen = [each for each, row in own if _by(row.visible_from, row, lead)]
        yield StoryResult(
            story,
            len(own),
            len(seen),
            sum(each.warned_at is not None for each in seen),
            sum(each.warned_at is not None for each, _ in own),
            _median_h(row.at - each.warned_at for each, row in own if each.warned_at),
        )


def _by(moment: datetime | None, row: Truth, lead: timedelta) -> bool:
    return moment is not None and moment <= row.at - lead


def _median_h(spans: Iterable[timedelta]) -> float | None:
    hours = [span / _HOUR for span in spans]
    return round(median(hours), 2) if hours else None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def _component(row: Mapping[str, Any]) -> str:
    """Where several kinds of device are judged, the kind stands before the component."""
    return str(row["component"]).rpartition("/")[2]
