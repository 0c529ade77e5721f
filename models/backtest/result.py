"""What a backtest found out, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.backtest.protocol import Protocol
from models.judge.evaluation import Scored
from models.settings import CostSettings
from pipeline.features.frames import Ints, Marks

MODEL, RULE, LOGISTIC = "model", "rule", "logistic"


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """The model, the rule or the logistic regression on one component's test period.

    Attributes:
        threshold: chosen on the rehearsal only.
        rehearsal: what was foretold inside the learning part, by models that had not learned from it.
        text: the rule in words; empty otherwise.
    """

    threshold: float
    scored: Scored
    rehearsal: Scored
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One component: what each contender foretold of it.

    Attributes:
        name: the component, with its kind before it where several kinds of device are judged.
        device: (devices,) indexes into the history's devices, for the device indexes inside.
        maintenance: the component's repairs, with device indexes as in the test period.
        contenders: by MODEL, RULE, LOGISTIC.
        influence: what the model looks at, as (name, share of all), largest first.
    """

    name: str
    kind: str
    component: str
    costs: CostSettings
    device: Ints
    maintenance: Marks
    contenders: Mapping[str, Contender]
    influence: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A component that nothing could be learned of, and why; `failures` are those in the test."""

    kind: str
    component: str
    why: str
    failures: int


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """What came out; `models/backtest/as_json.py` and `models/backtest/report.py` show it.

    Attributes:
        devices: the keys of the history's devices.
        seconds: of reading, features, train and score.
    """

    protocol: Protocol
    devices: tuple[str, ...]
    judged: tuple[Judged, ...]
    skipped: tuple[Skipped, ...]
    decisions_train: int
    decisions_test: int
    seconds: Mapping[str, float]
