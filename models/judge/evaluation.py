"""How good warnings are: by decision, by failure, by episode, and in money.

An episode is a device's alarms of one component, each at most a day (or one decision's step, where
that is longer) after the one before, with no failure between them. It is false when the component does
not fail within one horizon of its last alarm.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from models.data.labels import hours_to_next
from models.settings import CostSettings
from pipeline.features.frames import Floats, Ints, Marks
from pipeline.features.logs import device_key

MONTH_H = 730.5
_EPISODE_GAP_H = 24.0
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Decisions with their probabilities, ordered by device and time, and what failed.

    Attributes:
        lead_h: a warning later than this before the failure comes too late to act on.
        every_h: hours between two decisions of a device.
        since: where judgement begins: a failure counts from one horizon later on, when every
            decision that could have foretold it was asked.
        weight: (devices,) how many devices of the fleet each stands for; None: one.
    """

    device: Ints
    moment: Floats
    probability: Floats
    label: Bools
    failures: Marks
    horizon_h: float
    lead_h: float = 1.0
    every_h: float = 3.0
    since: float = -np.inf
    weight: Floats | None = None

    @property
    def devices(self) -> int:
        """One more than the highest device index that occurs."""
        return int(max(self.device.max(initial=-1), self.failures.device.max(initial=-1))) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What happened on each device: every array is (devices,), in devices of the fleet.

    Attributes:
        failures: those that decisions were asked about in time.
        warned: those with an alarm between one horizon and the lead before.
        watched_h: device-hours that decisions stand for.
    """

    decisions: Floats
    positives: Floats
    alarms: Floats
    hits: Floats
    failures: Floats
    warned: Floats
    episodes: Floats
    false_episodes: Floats
    watched_h: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Failures:
    """The failures that decisions were asked about; `warned_at` is NaN where nobody warned."""

    device: Ints
    at: Floats
    warned_at: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Alarms that belong together, from the first to the last."""

    device: Ints
    first: Floats
    last: Floats
    false: Bools


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of one model (or rule) on one period.

    Attributes:
        warned: failures with an alarm between one horizon and the lead before.
        median_lead_h: between the first such alarm and the failure; 0 where none was warned of.
        cost: of the period's failures and false episodes, by the cost settings.
    """

    precision: float
    recall: float
    f1: float
    f1_at_half: float
    pr_auc: float
    roc_auc: float
    brier: float
    failures: int
    warned: int
    median_lead_h: float
    episodes: int
    false_episodes: int
    false_per_device_month: float
    cost: float
    decisions: int
    positives: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TopShare:
    """What watching only the likeliest share of the devices, at each decision, would have seen."""

    warned: int
    events: int
    precision: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(scored: Scored, threshold: float, costs: CostSettings) -> Metrics:
    """All figures at `threshold`: an alarm is a probability at or above it."""
    alarm = scored.probability >= threshold
    sums = {name: float(value.sum()) for name, value in columns(tally(scored, threshold)).items()}
    precision, recall, f1 = by_decision(alarm, scored.label)
    failures = failures_of(scored, alarm)
    lead = (failures.at - failures.warned_at)[~np.isnan(failures.warned_at)]
    both = bool(scored.label.any()) and not bool(scored.label.all())
    return Metrics(
        precision=precision,
        recall=recall,
        f1=f1,
        f1_at_half=by_decision(scored.probability >= 0.5, scored.label)[2],
        pr_auc=float(average_precision_score(scored.label, scored.probability)) if both else 0.0,
        roc_auc=float(roc_auc_score(scored.label, scored.probability)) if both else 0.0,
        brier=float(np.mean((scored.probability - scored.label) ** 2)) if len(alarm) else 0.0,
        failures=round(sums["failures"]),
        warned=round(sums["warned"]),
        median_lead_h=float(np.median(lead)) if len(lead) else 0.0,
        episodes=round(sums["episodes"]),
        false_episodes=round(sums["false_episodes"]),
        false_per_device_month=_per_month(sums["false_episodes"], sums["watched_h"]),
        cost=float(costs.total(sums["failures"], sums["warned"], sums["false_episodes"])),
        decisions=len(alarm),
        positives=int(scored.label.sum()),
    )


def columns(counted: Tally) -> dict[str, Floats]:
    """The arrays of a tally by their names."""
    return {name: getattr(counted, name) for name in Tally.__dataclass_fields__}


def tally(scored: Scored, threshold: float) -> Tally:
    """What happened on each device, with alarms at `threshold`."""
    alarm = scored.probability >= threshold
    weight = np.ones(scored.devices) if scored.weight is None else scored.weight

    def count(device: Ints) -> Floats:
        found: Floats = np.bincount(device, minlength=len(weight)) * weight
        return found

    failures, episodes = failures_of(scored, alarm), episodes_of(scored, alarm)
    return Tally(
        decisions=count(scored.device),
        positives=count(scored.device[scored.label]),
        alarms=count(scored.device[alarm]),
        hits=count(scored.device[alarm & scored.label]),
        failures=count(failures.device),
        warned=count(failures.device[~np.isnan(failures.warned_at)]),
        episodes=count(episodes.device),
        false_episodes=count(episodes.device[episodes.false]),
        watched_h=count(scored.device) * scored.every_h,
    )


def failures_of(scored: Scored, alarm: Bools) -> Failures:
    """The failures that decisions were asked about, with the first alarm in time of each."""
    marks = scored.failures
    within = marks.at >= scored.since + scored.horizon_h
    device, at = marks.device[within], marks.at[within]
    asked = ~np.isnan(first_warning(scored, np.ones(len(alarm), bool), device, at))
    device, at = device[asked], at[asked]
    return Failures(device, at, first_warning(scored, alarm, device, at))


def episodes_of(scored: Scored, alarm: Bools) -> Episodes:
    """The alarms, put together to episodes."""
    device, moment = scored.device[alarm], scored.moment[alarm]
    ahead = hours_to_next(scored.failures, device, moment)
    gap = max(_EPISODE_GAP_H, scored.every_h)
    begins = np.ones(len(device), bool)
    apart = np.diff(moment)
    begins[1:] = (np.diff(device) != 0) | (apart > gap) | (ahead[:-1] <= apart)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(device))[: len(first)] - 1
    return Episodes(device[first], moment[first], moment[last], ahead[last] > scored.horizon_h)


def top_share(scored: Scored, share: float) -> TopShare:
    """An alarm for the likeliest `share` of the devices (at least one) at each decision's moment."""
    order = np.lexsort((-scored.probability, scored.moment))
    moment = scored.moment[order]
    begins = np.flatnonzero(np.append(True, np.diff(moment) > 0)[: len(moment)])
    sizes = np.diff(np.append(begins, len(moment)))
    rank = np.arange(len(moment)) - np.repeat(begins, sizes)
    wanted = np.maximum(1, np.round(share * sizes))
    alarm = np.zeros(len(moment), bool)
    alarm[order[rank < np.repeat(wanted, sizes)]] = True
    failures = failures_of(scored, alarm)
    warned = int((~np.isnan(failures.warned_at)).sum())
    return TopShare(warned, len(failures.at), by_decision(alarm, scored.label)[0])


def by_decision(alarm: Bools, label: Bools) -> tuple[float, float, float]:
    """(precision, recall, F1) of alarms, decision by decision; 0 where they have no meaning."""
    hit = int((alarm & label).sum())
    precision = hit / max(1, int(alarm.sum()))
    recall = hit / max(1, int(label.sum()))
    return precision, recall, 2 * hit / max(1, int(alarm.sum()) + int(label.sum()))


def first_warning(scored: Scored, chosen: Bools, device: Ints, at: Floats) -> Floats:
    """(failures,) the first of the chosen decisions between one horizon and the lead before."""
    keys = device_key(scored.device[chosen], scored.moment[chosen])
    moments = np.append(scored.moment[chosen], np.nan)
    index = np.searchsorted(keys, device_key(device, at - scored.horizon_h))
    in_time = np.append(keys, np.inf)[index] <= device_key(device, at - scored.lead_h)
    return np.where(in_time, moments[index], np.nan)


def _per_month(count: float, hours: float) -> float:
    return count / (hours / MONTH_H) if hours else 0.0
