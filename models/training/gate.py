"""Whether a candidate may take charge: cheaper on the same held-out period, calibrated, stable.

All contenders are held against the same decisions, later than anything that they learned from. What a
contender costs is a sum over devices; so devices are what is drawn anew, and what is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.text import N_, Text
from models.judge.bootstrap import draw_devices
from models.judge.evaluation import Scored, tally
from models.registry.catalogue import Stage
from models.settings import CostSettings
from pipeline.features.frames import Floats, Ints

FEWEST_FAILURES = 5
"""With fewer failures on the held-out period nothing is decided."""

MOST_OFF = 2.0
"""A model is calibrated unless it surely foretells more than so many times too much or too little."""

STEADY = 0.9
"""The share of the drawings of devices in which a candidate must be cheaper."""

FEWEST_PLACES = 3
"""On so few sites one may well carry the gain."""


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """What one model, or rule, says on the held-out period.

    Attributes:
        cost: (devices,) what failures and false episodes cost on each device.
    """

    scored: Scored
    cost: Floats

    @property
    def total(self) -> float:
        return float(self.cost.sum())

    @property
    def brier(self) -> float:
        """The mean square of what was foretold less what came; infinite where nothing was asked."""
        off = self.scored.probability - self.scored.label
        return float(np.mean(off**2)) if len(off) else np.inf


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the gate looks at."""

    name: str
    passed: bool
    said: Text

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "passed": self.passed, "said": self.said.to_json()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a candidate."""

    checks: tuple[Check, ...]

    @property
    def wanting(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)

    @property
    def stage(self) -> Stage:
        """Champion when all is well; challenger when one thing only is wanting."""
        if not self.wanting:
            return Stage.CHAMPION
        return Stage.CHALLENGER if len(self.wanting) == 1 else Stage.CANDIDATE

    def to_json(self) -> dict[str, Any]:
        checks = [check.to_json() for check in self.checks]
        return {"passed": not self.wanting, "checks": checks}


def contender(scored: Scored, threshold: float, costs: CostSettings) -> Contender:
    """What `scored` is worth with alarms from `threshold` on."""
    counted = tally(scored, threshold)
    return Contender(scored, costs.total(counted.failures, counted.warned, counted.false_episodes))


def judge(
    candidate: Contender,
    rule: Contender,
    rivals: tuple[Contender, Contender] | None,
    costs: CostSettings,
    places: Ints,
) -> Verdict:
    """Holds the candidate against the rule, against waiting for failures, and against a champion.

    Args:
        rivals: candidate and champion, where there is one, on what both have not learned from.
        places: (devices,) where each stands; negative: not known.
    """
    nothing = contender(candidate.scored, np.inf, costs)
    cheaper = [_cheaper("rule", candidate, rule), _cheaper("nothing", candidate, nothing)]
    gain = min(rule.cost, nothing.cost, key=np.sum) - candidate.cost
    compared = candidate
    if rivals is not None:
        compared, champion = rivals
        cheaper.append(_cheaper("champion", compared, champion))
        gain = champion.cost - compared.cost
    steady = _steady(gain, places, served=rivals is not None)
    return Verdict((_enough(compared), *cheaper, *steady, _calibrated(candidate.scored)))


def _enough(compared: Contender) -> Check:
    failures = round(float(tally(compared.scored, np.inf).failures.sum()))
    said = Text(
        N_("{failures} failures to judge by; {wanted} are wanted"),
        {"failures": failures, "wanted": FEWEST_FAILURES},
    )
    return Check("enough", failures >= FEWEST_FAILURES, said)


_CHEAPER = {
    "champion": N_("it costs {cost}, the champion {other}"),
    "rule": N_("it costs {cost}, the best simple rule {other}"),
    "nothing": N_("it costs {cost}, waiting for failures {other}"),
}


def _cheaper(name: str, candidate: Contender, other: Contender) -> Check:
    said = Text(_CHEAPER[name], {"cost": round(candidate.total), "other": round(other.total)})
    return Check(f"cheaper_than_{name}", _better(name, candidate, other), said)


def _better(name: str, candidate: Contender, other: Contender) -> bool:
    """Cheaper. Who costs as much as a champion must be closer to what came; as much as the rule, which
    is in nobody's service, is enough."""
    if candidate.total == other.total:
        return name == "rule" or candidate.brier < other.brier
    return candidate.total < other.total


def _steady(gain: Floats, places: Ints, *, served: bool) -> tuple[Check, Check]:
    """Whether the gain (devices,) would be there with other devices, and without any one of them.

    `served`: it is the gain over a champion, and something of it must be left; else no loss will do.
    """
    share = float(np.mean(draw_devices(len(gain)) @ gain >= 0))
    drawn = Text(
        N_("not dearer in {share} % of the drawings of devices; {wanted} % are wanted"),
        {"share": round(100 * share), "wanted": round(100 * STEADY)},
    )
    known = places >= 0
    by_place = np.bincount(places[known], weights=gain[known])
    one, place = float(gain.max(initial=0)), float(by_place.max(initial=0))
    several = [one] if len(np.unique(places[known])) < FEWEST_PLACES else [one, place]
    total = float(gain.sum())
    left = Text(
        N_("it saves {total}; the best device gave {one} of it, the best site {place}"),
        {"total": round(total), "one": round(one), "place": round(place)},
    )
    left_over = total - max(several)
    spread = left_over > 0 or (left_over == 0 and (one == 0 or not served))
    return Check("steady", share >= STEADY, drawn), Check("spread", spread, left)


def _calibrated(scored: Scored) -> Check:
    low, high = calibration_interval(scored.probability, scored.label, scored.device)
    return Check(
        "calibrated",
        low <= MOST_OFF and high >= 1 / MOST_OFF,
        Text(
            N_(
                "what came is {low} to {high} times what it foretold; surely beyond {most} is too far"
            ),
            {"low": round(low, 2), "high": round(high, 2), "most": MOST_OFF},
        ),
    )


def calibration_interval(
    probability: Floats, label: NDArray[np.bool_], device: Ints
) -> tuple[float, float]:
    """The 95 % interval of what came ÷ what was foretold, by bootstrap over devices."""
    _, place = np.unique(device, return_inverse=True)
    came = np.bincount(place, weights=label)
    foretold = np.bincount(place, weights=probability)
    drawn = draw_devices(len(came))
    ratio = (drawn @ came) / np.maximum(drawn @ foretold, 1e-9)
    low, high = np.quantile(ratio, [0.025, 0.975])
    return float(low), float(high)
