"""A sign: one thing that speaks of a fault."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.fault import Fault
from domain.reason import Reason
from domain.report import Severity
from domain.text import Text


class Origin(StrEnum):
    """What kind of source a sign came from."""

    TRANSITION = "transition"
    EVENT = "event"
    THRESHOLD = "threshold"
    PREDICTION = "prediction"
    ANOMALY = "anomaly"
    CONSUMABLE = "consumable"
    STATE = "state"
    RATE = "rate"
    ABSENCE = "absence"
    FORECAST = "forecast"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that speaks of a fault.

    Attributes:
        rule: which rule saw it; the alert's condition goes by that name until it ends.
        failed: the component has failed; False: it will, or it works outside its limits.
        lasts: the condition is over when the sign is not repeated for so long. None: it stays
            until something ends it.
        reasons: why a prediction or an anomaly says so.
        probability: of failing within `lasts`, for a prediction.
    """

    fault: Fault
    origin: Origin
    rule: str
    severity: Severity
    message: Text
    at: datetime
    failed: bool = False
    lasts: timedelta | None = None
    reasons: tuple[Reason, ...] = ()
    probability: float | None = None

    @property
    def expires_at(self) -> datetime | None:
        return None if self.lasts is None else self.at + self.lasts

    @property
    def foretold_until(self) -> datetime | None:
        return self.expires_at if self.origin is Origin.PREDICTION else None
