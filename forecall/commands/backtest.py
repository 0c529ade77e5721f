"""`forecall backtest`: how well failures would have been foretold on a history of one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from domain.errors import BadInputError
from forecall.commands.history import HistoryOption
from forecall.commands.store import ConfigOption
from forecall.config import load_settings
from forecall.progress import shown

if TYPE_CHECKING:
    from models.backtest.run import Runner

_OUT = Console()
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(min|h|d|w)")
_UNITS = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command("backtest", rich_help_panel="History and models")(backtest_)


def duration(text: str) -> timedelta:
    """A span such as `90min`, `24h`, `3d` or `2w`. Raises BadInputError for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise BadInputError(f"{text!r}: allowed: a number and min, h, d or w, such as 24h or 3d")
    return float(match[1]) * _UNITS[match[2]]


HorizonOption = Annotated[str, typer.Option(help="How far ahead to foretell: 24h, 3d, 7d.")]
LeadOption = Annotated[
    str | None, typer.Option(help="A warning later than this is too late [default: 1h]")
]
EveryOption = Annotated[
    str | None, typer.Option(help="Time between decisions [default: by the readings' rate]")
]
SplitOption = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
        help="Judge from here (UTC) [default: a late share with enough failures]",
    ),
]
GapOption = Annotated[
    str | None, typer.Option(help="Between learning and test [default: the horizon]")
]
ComponentOption = Annotated[
    list[str] | None, typer.Option(help="Only this one; may be given more than once.")
]
ByDeviceOption = Annotated[
    float | None, typer.Option(help="Judge on this share of the devices, never learned from.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(help="Compute on the workers of this Dask scheduler, as tcp://host:8786."),
]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Write all figures here.")]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Write a report here, as HTML.")
]


def backtest_(
    history: HistoryOption,
    horizon: HorizonOption = "24h",
    lead: LeadOption = None,
    every: EveryOption = None,
    split: SplitOption = None,
    gap: GapOption = None,
    component: ComponentOption = None,
    by_device: ByDeviceOption = None,
    cluster: ClusterOption = None,
    as_json: JsonOption = None,
    as_page: ReportOption = None,
    config: ConfigOption = None,
) -> None:
    """Learn from a history folder's past, judge on what came later, and say what it is worth."""
    from models.backtest.as_json import to_json
    from models.backtest.protocol import Asked
    from models.backtest.report import report
    from models.backtest.run import backtest
    from pipeline.history import read_history

    costs = load_settings(config).costs
    _refuse_nowhere(as_json, as_page)
    begins = split.replace(tzinfo=UTC) if split else None
    spans = [None if text is None else duration(text) for text in (lead, every, gap)]
    asked = Asked(
        duration(horizon), spans[0], spans[1], begins, spans[2], tuple(component or ()), by_device
    )
    with shown(_OUT) as progress, _runner(cluster) as run:
        progress("reading files", 0.0)
        result = backtest(read_history(history), asked, costs, run=run, progress=progress)
        progress("intervals", 1.0)
        figures = to_json(result)
    if as_json:
        as_json.write_text(json.dumps(figures, indent=1, allow_nan=False), encoding="utf-8")
    if as_page:
        as_page.write_text(report(figures, history.resolve().name), encoding="utf-8")
    _show(figures)


def _refuse_nowhere(*files: Path | None) -> None:
    for file in files:
        if file and not file.resolve().parent.is_dir():
            raise BadInputError(f"{file}: there is no folder {file.resolve().parent} to write into")


@contextmanager
def _runner(address: str | None) -> Iterator[Runner]:
    if address is None:
        from models.backtest.run import here

        yield here
        return
    from models.backtest.cluster import cluster

    with cluster(address) as run:
        yield run


def _show(figures: dict[str, Any]) -> None:
    from models.backtest.report import span

    table = Table(
        "Component",
        "Warned",
        "Lead",
        "Precision",
        "Recall",
        "F1",
        "PR-AUC",
        "False/month",
        box=None,
    )
    for name, one in figures["components"].items():
        table.add_row(
            name,
            f"{one['warned']} of {one['events']}",
            span(one["median_lead_h"]),
            *(_number(one[key]) for key in ("precision", "recall", "f1", "pr_auc")),
            _number(one["false_episodes_per_device_month"]),
        )
    _OUT.print(table)
    money = figures["money"]
    _OUT.print(
        f"Cost of the test period: {money['model']:,.0f}; by the best single rule {money['rule']:,.0f}; "
        f"repairing when it breaks {money['repair_when_it_breaks']:,.0f}.",
        highlight=False,
    )
    for skipped in figures["skipped"]:
        _OUT.print(f"{skipped['component']}: {skipped['why']}.", highlight=False, markup=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
