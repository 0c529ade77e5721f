"""A backtest as JSON. Its keys are stable: keys may be added, none is renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from models.backtest.result import LOGISTIC, MODEL, RULE, Backtest, Contender, Judged
from models.judge.bootstrap import draw_devices, interval, redrawn
from models.judge.evaluation import MONTH_H, evaluate, tally, top_share
from models.judge.lists import episode_rows, failure_rows, reliability
from models.judge.money import cost_curve
from pipeline.features.frames import Floats

_SHARES = {"top_1pct": 0.01, "top_3pct": 0.03}
_CURVE = tuple(float(value) for value in np.round(np.arange(0.02, 1.0, 0.02), 2))
_NEED_FAILURES = ("precision", "recall", "f1", "pr_auc", "roc_auc", "f1_at_half")

Json = dict[str, Any]
Draws = Mapping[str, Floats]


def to_json(result: Backtest) -> Json:
    """Everything that was found out, with times in ISO 8601 and durations in hours."""
    figures: dict[str, dict[str, Json]] = {fit: {} for fit in (MODEL, RULE, LOGISTIC)}
    draws: dict[str, dict[str, Draws]] = {fit: {} for fit in figures}
    for judged in result.judged:
        # The same devices are drawn for all components of a kind: their sum is drawn, too.
        counts = draw_devices(len(judged.device))
        for fit, contender in judged.contenders.items():
            drawn = redrawn(contender.scored, contender.threshold, judged.costs, counts)
            draws[fit][judged.name] = drawn
            figures[fit][judged.name] = _figures(judged, contender, drawn)
    return {
        "protocol": _protocol(result),
        "components": figures[MODEL],
        "macro": _macro(figures[MODEL], draws[MODEL]),
        "total": _total(result, MODEL),
        "baselines": {
            fit: {
                "components": figures[fit],
                "macro": _macro(figures[fit], draws[fit]),
                "total": _total(result, fit),
            }
            for fit in (RULE, LOGISTIC)
        },
        "money": _money(result, draws),
        "skipped": [
            {"kind": s.kind, "component": s.component, "why": s.why, "failures": s.failures}
            for s in result.skipped
        ],
        "failures": [
            row for judged in result.judged for row in _listed(failure_rows, result, judged)
        ],
        "episodes": [
            row for judged in result.judged for row in _listed(episode_rows, result, judged)
        ],
        "features": {
            judged.name: [{"name": name, "share": share} for name, share in judged.influence]
            for judged in result.judged
        },
        "seconds": {name: round(value, 3) for name, value in result.seconds.items()},
    }


def _protocol(result: Backtest) -> Json:
    return {
        **result.protocol.to_json(),
        "decisions_train": result.decisions_train,
        "decisions_test": result.decisions_test,
        "devices": len(result.devices),
    }


def _figures(judged: Judged, contender: Contender, drawn: Draws) -> Json:
    scored = contender.scored
    found = evaluate(scored, contender.threshold, judged.costs)
    figures: Json = {
        "positives": found.positives,
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "f1_at_half": found.f1_at_half,
        "pr_auc": found.pr_auc,
        "roc_auc": found.roc_auc,
        "brier": found.brier,
        "threshold": contender.threshold,
        "events": found.failures,
        "warned": found.warned,
        "median_lead_h": found.median_lead_h if found.warned else None,
        "episodes": found.episodes,
        "false_episodes": found.false_episodes,
        "false_episodes_per_device_month": found.false_per_device_month,
        "decisions": found.decisions,
        "cost": found.cost,
        **{name: top_share(scored, share).to_json() for name, share in _SHARES.items()},
        "reliability": reliability(scored),
        "intervals": {name: interval(values) for name, values in drawn.items()},
    }
    if not found.positives:
        figures |= dict.fromkeys(_NEED_FAILURES)
    if contender.text:
        figures["text"] = contender.text
    return figures


def _macro(figures: Mapping[str, Json], draws: Mapping[str, Draws]) -> Json:
    """The plain mean over the components, of those for which a figure has a meaning."""
    if not figures:
        return {}
    first = next(iter(figures.values()))
    means = {
        key: _mean([one[key] for one in figures.values()])
        for key, value in first.items()
        if key not in (*_SHARES, "text", "reliability", "intervals")
    }
    tops = {
        key: {inner: _mean([one[key][inner] for one in figures.values()]) for inner in first[key]}
        for key in _SHARES
    }
    names = next(iter(draws.values()))
    over = {
        name: interval(_mean_of_draws([drawn[name] for drawn in draws.values()])) for name in names
    }
    return {**means, **tops, "intervals": over}


def _total(result: Backtest, fit: str) -> Json:
    """All components together: sums, and false episodes over the months that devices were watched."""
    sums = dict.fromkeys(("events", "warned", "episodes", "false_episodes"), 0)
    months: dict[str, float] = {}
    for judged in result.judged:
        contender = judged.contenders[fit]
        counted = tally(contender.scored, contender.threshold)
        sums["events"] += round(counted.failures.sum())
        sums["warned"] += round(counted.warned.sum())
        sums["episodes"] += round(counted.episodes.sum())
        sums["false_episodes"] += round(counted.false_episodes.sum())
        watched = float(counted.watched_h.sum()) / MONTH_H
        months[judged.kind] = max(months.get(judged.kind, 0.0), watched)
    whole = sum(months.values())
    rate = sums["false_episodes"] / whole if whole else 0.0
    return {**sums, "device_months": whole, "false_episodes_per_device_month": rate}


def _money(result: Backtest, draws: Mapping[str, Mapping[str, Draws]]) -> Json:
    """What the test period costs by each way of working, in the currency of the costs."""
    cost = dict.fromkeys((MODEL, RULE, LOGISTIC, "repair_when_it_breaks"), 0.0)
    for judged in result.judged:
        for fit, contender in judged.contenders.items():
            cost[fit] += evaluate(contender.scored, contender.threshold, judged.costs).cost
        failures = tally(judged.contenders[MODEL].scored, np.inf).failures.sum()
        cost["repair_when_it_breaks"] += float(judged.costs.total(failures, 0, 0))
    drawn = [one["cost"] for one in draws[MODEL].values()]
    return {
        **cost,
        "saved": cost["repair_when_it_breaks"] - cost[MODEL],
        "model_interval": interval(np.sum(drawn, axis=0)) if drawn else None,
        "costs": {judged.kind: _costs(judged) for judged in result.judged},
        "curves": {judged.name: _curve(judged) for judged in result.judged},
    }


def _costs(judged: Judged) -> Json:
    costs = judged.costs
    return {
        **{name: getattr(costs, name) for name in type(costs).__dataclass_fields__},
        "surprise": costs.surprise,
        "foreseen": costs.foreseen,
        "break_even": costs.break_even,
    }


def _curve(judged: Judged) -> Json:
    contender, lowest = judged.contenders[MODEL], judged.costs.break_even
    # Below the break-even an alarm that never ends would be one cheap episode.
    asked = np.array([value for value in _CURVE if value >= lowest] or _CURVE[-1:])
    curve = cost_curve(contender.scored, asked, judged.costs)
    failures = tally(contender.scored, np.inf).failures.sum()
    return {
        "threshold": asked.tolist(),
        "cost": [float(value) for value in curve.cost],
        "false_episodes_per_device_month": [float(value) for value in curve.false_per_month],
        "repair_when_it_breaks": float(judged.costs.total(failures, 0, 0)),
    }


def _listed(rows: Callable[..., list[Json]], result: Backtest, judged: Judged) -> list[Json]:
    contender = judged.contenders[MODEL]
    names = [result.devices[index] for index in judged.device.tolist()]
    return rows(contender.scored, contender.threshold, result.protocol.start, names, judged.name)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _mean_of_draws(draws: Sequence[Floats]) -> Floats:
    # A component that has no meaning in any draw is none of the macro's.
    known = [draw for draw in draws if np.isfinite(draw).any()]
    mean: Floats = np.mean(known, axis=0) if known else np.full(1, np.nan)
    return mean
