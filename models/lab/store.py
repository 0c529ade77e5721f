"""A store's fleet and models as DataFrames, for the data scientist of a running system."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from domain.clock import Clock
from domain.text import Text
from models.lab.frames import Bar, Frame, pd, span
from models.registry.catalogue import entry, listing
from models.registry.stages import promote
from models.settings import TrainSettings
from models.training.train import train
from storage.database import Database

_FIGURES = ("precision", "recall", "pr_auc", "failures", "warned", "false_episodes", "cost")


class StoreLab:
    """A store and its models. `clock`: the time that its installation goes by."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def models(self) -> Frame:
        """One row a model, by its id, each task's newest first.

        Columns: task (kind/component), stage (candidate, challenger, champion, retired), trained_at,
        train_until, test_from, test_until (UTC), horizon_h, threshold; of the held-out period: precision,
        recall, pr_auc, failures, warned, false_episodes, cost, rule_cost (of the best single rule).
        """
        with self._database.transaction() as conn:
            rows = listing(conn)
        names = ("id", "task", "stage", "trained_at", "train_until", "test_from", "test_until",
                 "horizon_h", "threshold")  # fmt: skip
        table = [
            {name: row[name] for name in names}
            | {name: row["metrics"]["test"][name] for name in _FIGURES}
            | {"rule_cost": row["metrics"]["rule"]["cost"]}
            for row in rows
        ]
        columns = [*names, *_FIGURES, "rule_cost"]
        return pd.DataFrame(table, columns=columns).set_index("id")

    def gate(self, model_id: int) -> Frame:
        """What the promotion gate said of a model. Columns: check, passed, said (a sentence)."""
        checks = self._entry(model_id)["gate"]["checks"]
        return pd.DataFrame(
            [
                {
                    "check": each["name"],
                    "passed": each["passed"],
                    "said": str(Text.from_json(each["said"])),
                }
                for each in checks
            ]
        )

    def reliability(self, model_id: int) -> Frame:
        """Whether 30 % means 30 %, on the held-out period. Columns: from, to, decisions, foretold,
        came."""
        return pd.DataFrame(self._entry(model_id)["metrics"]["reliability"])

    def train(
        self,
        horizon: str = "24h",
        *,
        kinds: Collection[str] | None = None,
        settings: TrainSettings | None = None,
        bar: bool = True,
    ) -> Frame:
        """Trains every task with enough failures, registers what comes out, lets the gate decide.

        Returns `models()`. The same as `forecall train`.
        """
        progress = Bar() if bar else None
        train(
            self._database,
            self._clock,
            horizon=span(horizon),
            settings=settings,
            kinds=kinds,
            progress=progress,
        )
        if progress:
            progress("trained", 1.0)
        return self.models()

    def promote(self, model_id: int, *, actor: str, reason: str) -> Frame:
        """Puts a model in charge, whatever the gate said; it is audited. Returns `models()`."""
        with self._database.transaction() as conn:
            promote(conn, self._clock, model_id, actor=actor, reason=reason)
        return self.models()

    def _entry(self, model_id: int) -> Any:
        with self._database.transaction() as conn:
            return entry(conn, model_id)
