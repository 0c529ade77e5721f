"""A backtest's findings as DataFrames."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from domain.errors import BadInputError
from models.backtest.as_json import to_json
from models.backtest.report import report
from models.backtest.result import MODEL, Backtest, Judged
from models.judge.evaluation import Scored, evaluate, tally
from models.judge.lists import reliability
from models.judge.money import candidates, cheapest_threshold, cost_curve
from models.lab.frames import Frame, hours_after, pd, with_times
from models.settings import CostSettings

Period = Literal["rehearsal", "test"]
"""`rehearsal`: inside the learning part, foretold by models that had not learned from it: thresholds are
chosen there. `test`: what came later: judged there, and nothing is chosen."""

_FIGURES = (
    "positives", "precision", "recall", "f1", "pr_auc", "roc_auc", "brier", "threshold", "events",
    "warned", "median_lead_h", "episodes", "false_episodes", "false_episodes_per_device_month", "cost",
)  # fmt: skip


class JudgedLab:
    """What a backtest found out.

    Attributes:
        result: the same as values; `figures`: as JSON, with the keys of docs/prediction.md.
    """

    def __init__(self, result: Backtest) -> None:
        self.result = result
        self.figures: dict[str, Any] = to_json(result)
        self._judged = {each.name: each for each in result.judged}

    def components(self) -> Frame:
        """One row a (component, contender): the model, the logistic baseline, the best single rule.

        Columns: positives (decisions before a failure), precision, recall, f1, pr_auc, roc_auc, brier,
        threshold, events (failures), warned, median_lead_h, episodes, false_episodes,
        false_episodes_per_device_month, cost (in the currency of the settings).
        """
        parts = {
            MODEL: self.figures["components"],
            **{name: each["components"] for name, each in self.figures["baselines"].items()},
        }
        rows = {
            (component, contender): {name: found[name] for name in _FIGURES}
            for contender, components in parts.items()
            for component, found in components.items()
        }
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(_FIGURES))
        frame.index = pd.MultiIndex.from_tuples(rows, names=["component", "contender"])
        return frame.sort_index()

    def money(self) -> Frame:
        """What the test period costs by each way of working. Column: cost (all components)."""
        ways = ("model", "logistic", "rule", "repair_when_it_breaks")
        costs = [self.figures["money"][way] for way in ways]
        return pd.DataFrame({"cost": costs}, index=pd.Index(ways, name="way"))

    def failures(self) -> Frame:
        """The test period's failures. Columns: device, component, at (UTC), warned_at (NaT: nobody
        warned in time), lead_h."""
        return with_times(self.figures["failures"], ("at", "warned_at"))

    def episodes(self) -> Frame:
        """The model's episodes of alarms. Columns: device, component, from, to (UTC), false."""
        return with_times(self.figures["episodes"], ("from", "to"))

    def decisions(self, component: str, period: Period = "test") -> Frame:
        """What the model said, decision by decision. Columns: device, time (UTC), probability, label."""
        scored = self._scored(component, period)
        return pd.DataFrame(
            {
                "device": self._keys(component)[scored.device],
                "time": hours_after(self.result.protocol.start, scored.moment),
                "probability": scored.probability,
                "label": scored.label,
            }
        )

    def reliability(self, component: str, period: Period = "test") -> Frame:
        """Whether 30 % means 30 %: one row a band of probability. Columns: from, to (the band),
        decisions, foretold (the mean of what was said), came (the share that failed)."""
        return pd.DataFrame(reliability(self._scored(component, period)))

    def cost_curve(
        self, component: str, costs: CostSettings | None = None, period: Period = "rehearsal"
    ) -> Frame:
        """What each threshold would have cost. Columns: threshold, cost, false_per_month (false
        episodes per device-month)."""
        scored, chosen = self._scored(component, period), self._costs(component, costs)
        thresholds = candidates(scored, chosen)
        return pd.DataFrame(asdict(cost_curve(scored, thresholds, chosen)))

    def threshold(self, component: str, costs: CostSettings | None = None) -> float:
        """The threshold that costs least on the rehearsal."""
        return cheapest_threshold(
            self._scored(component, "rehearsal"), self._costs(component, costs)
        )

    def at(self, component: str, threshold: float, costs: CostSettings | None = None) -> Frame:
        """All figures of the test period at a threshold of your own, as a Series."""
        chosen = self._costs(component, costs)
        return pd.Series(asdict(evaluate(self._scored(component, "test"), threshold, chosen)))

    def by_device(self, component: str) -> Frame:
        """The test period device by device, the most expensive first.

        Columns: failures, warned, episodes, false_episodes, watched_h, highest (probability), cost.
        """
        judged, scored = self._one(component), self._scored(component, "test")
        counted = tally(scored, judged.contenders[MODEL].threshold)
        highest = np.zeros(len(counted.failures))
        np.maximum.at(highest, scored.device, scored.probability)
        names = ("failures", "warned", "episodes", "false_episodes", "watched_h")
        columns = {name: getattr(counted, name) for name in names}
        cost = judged.costs.total(counted.failures, counted.warned, counted.false_episodes)
        keys = pd.Index(self._keys(component)[: len(highest)], name="device")
        frame = pd.DataFrame({**columns, "highest": highest, "cost": cost}, index=keys)
        return frame.sort_values("cost", ascending=False, kind="stable")

    def report(self, path: str | Path, title: str = "Backtest") -> None:
        """Writes the report as one HTML file."""
        Path(path).write_text(report(self.figures, title), encoding="utf-8")

    def _one(self, component: str) -> Judged:
        found = self._judged.get(component)
        if found is None:
            known = ", ".join(self._judged) or "none"
            raise BadInputError(f"component: {component!r}; judged were: {known}")
        return found

    def _scored(self, component: str, period: Period) -> Scored:
        contender = self._one(component).contenders[MODEL]
        return contender.scored if period == "test" else contender.rehearsal

    def _costs(self, component: str, costs: CostSettings | None) -> CostSettings:
        return costs or self._one(component).costs

    def _keys(self, component: str) -> Any:
        return np.array(self.result.devices, dtype=object)[self._one(component).device]
