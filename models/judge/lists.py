"""Figures that are lists: what was foretold beside what came, each failure, each episode of alarms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from models.judge.evaluation import Scored, episodes_of, failures_of
from pipeline.features.frames import HOUR

_BANDS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)

Json = dict[str, Any]


def reliability(scored: Scored) -> list[Json]:
    """By bands of probability: the decisions, the mean of what was foretold, the share that came."""
    band = np.digitize(scored.probability, _BANDS[1:-1])
    rows = []
    for place in np.unique(band).tolist():
        here = band == place
        rows.append(
            {
                "from": _BANDS[place],
                "to": _BANDS[place + 1],
                "decisions": int(here.sum()),
                "foretold": float(scored.probability[here].mean()),
                "came": float(scored.label[here].mean()),
            }
        )
    return rows


def failure_rows(
    scored: Scored, threshold: float, start: datetime, names: Sequence[str], component: str
) -> list[Json]:
    """Each failure that decisions were asked about, with the first alarm in time (or none).

    `names` are the devices' keys by the indexes in `scored`, whose hours count from `start`.
    """
    found = failures_of(scored, scored.probability >= threshold)
    return [
        {
            "device": names[device],
            "component": component,
            "at": _when(start, at),
            "warned_at": None if np.isnan(warned) else _when(start, warned),
            "lead_h": None if np.isnan(warned) else round(at - warned, 3),
        }
        for device, at, warned in zip(
            found.device.tolist(), found.at.tolist(), found.warned_at.tolist(), strict=True
        )
    ]


def episode_rows(
    scored: Scored, threshold: float, start: datetime, names: Sequence[str], component: str
) -> list[Json]:
    """Each episode of alarms, from its first to its last, and whether it was false."""
    found = episodes_of(scored, scored.probability >= threshold)
    return [
        {
            "device": names[device],
            "component": component,
            "from": _when(start, first),
            "to": _when(start, last),
            "false": false,
        }
        for device, first, last, false in zip(
            *(getattr(found, name).tolist() for name in ("device", "first", "last", "false")),
            strict=True,
        )
    ]


def _when(start: datetime, hours: float) -> str:
    return (start + hours * HOUR).isoformat(timespec="seconds")
