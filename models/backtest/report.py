"""A backtest as one HTML file, for the one who decides and the one who checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.backtest.charts import bar_chart, cost_chart, lead_chart, reliability_chart

_TEMPLATES = Path(__file__).parent / "templates"
_MOST_ROWS = 200  # of a list; all of them stand in the JSON

Json = dict[str, Any]


def report(figures: Json, title: str) -> str:
    """The report of `figures` (models/backtest/as_json.py), with nothing to load from elsewhere.

    All that came from the user's files is escaped.
    """
    pages = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "figure": _figure,
        "span": span,
        "day": _day,
        "minute": _minute,
        "money": lambda value: f"{value:,.0f}",
        "percent": lambda value: "–" if value is None else f"{100 * value:.0f} %",
        "range": _range,
    }
    return pages.get_template("backtest.html").render(
        **figures,
        title=title,
        **_lists(figures),
        **_charts(figures),
        all=_all_together(figures),
        most=_MOST_ROWS,
    )


def span(hours: float | None) -> str:
    """A number of hours as a person would say it."""
    if hours is None:
        return "–"
    if hours < 1:
        return f"{round(60 * hours, 1):g} min"
    if hours >= 72 and hours % 24 == 0:
        return f"{hours / 24:g} days"
    return f"{round(hours, 1):g} h"


def _lists(figures: Json) -> Json:
    failures, episodes = figures["failures"], figures["episodes"]
    return {
        "missed": [one for one in failures if one["warned_at"] is None],
        "foreseen": [one for one in failures if one["warned_at"] is not None],
        "in_vain": [one for one in episodes if one["false"]],
    }


def _charts(figures: Json) -> Json:
    money = figures["money"]
    ways = [
        ("with the model", money["model"]),
        ("with logistic regression", money["logistic"]),
        ("with the best single rule", money["rule"]),
        ("repair when it breaks", money["repair_when_it_breaks"]),
    ]
    leads = [one["lead_h"] for one in figures["failures"] if one["lead_h"] is not None]
    return {
        "money_chart": bar_chart(ways),
        "lead_chart": lead_chart(leads, figures["protocol"]["horizon_h"]),
        "cost_charts": {
            name: cost_chart(money["curves"][name], one["threshold"])
            for name, one in figures["components"].items()
        },
        "reliability_chart": reliability_chart(_pooled(figures)),
        "reliability_rows": _pooled(figures),
    }


def _all_together(figures: Json) -> Json:
    total = figures["total"]
    false = total["false_episodes"] / total["episodes"] if total["episodes"] else 0.0
    return {**total, "false_share": false}


def _pooled(figures: Json) -> list[Json]:
    """The reliability of all components together, by the same bands."""
    bands: dict[tuple[float, float], list[Json]] = {}
    for one in figures["components"].values():
        for row in one["reliability"]:
            bands.setdefault((row["from"], row["to"]), []).append(row)
    found = []
    for (low, high), rows in sorted(bands.items()):
        count = sum(row["decisions"] for row in rows)
        means = {
            key: sum(row[key] * row["decisions"] for row in rows) / count
            for key in ("foretold", "came")
        }
        found.append({"from": low, "to": high, "decisions": count, **means})
    return found


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _range(bounds: Sequence[float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.3f} to {bounds[1]:.3f}"


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%-d %B %Y}"


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"
