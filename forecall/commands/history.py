"""`forecall import, replay, train, score`: what is done with recorded history."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from forecall.commands import models
from forecall.commands.store import say
from forecall.config import load_settings
from forecall.logs import set_up_logs
from forecall.progress import shown
from forecall.wiring import Installation, store_for_command

_OUT = Console()
_PANEL = "History and models"

HistoryOption = Annotated[
    Path, typer.Option("--history", help="A folder of devices, readings, events, ... files.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with settings; FORECALL_* variables go over it."),
]


def register(app: typer.Typer) -> None:
    """Adds these commands to `app`."""
    for name, command in (
        ("import", import_),
        ("replay", replay_),
        ("train", train_),
        ("score", score_),
    ):
        app.command(name, rich_help_panel=_PANEL)(command)
    app.add_typer(models.app, name="models", rich_help_panel=_PANEL)


def import_(
    history: HistoryOption,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Up to this moment (UTC) only."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Load a history folder: all of it, or nothing when something in it does not fit."""
    from forecall.importer import import_history

    with _store(config) as installation, shown(_OUT) as progress:
        counts = import_history(
            installation.database,
            installation.clock,
            history,
            until=_utc(until) if until else None,
            progress=progress,
        )
    _OUT.print(
        f"{counts.devices} devices, {counts.readings} readings, {counts.events} events, "
        f"{counts.maintenance} repairs, {counts.failures} failures.",
        highlight=False,
    )


def replay_(
    history: HistoryOption,
    start: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="UTC")
    ],
    end: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="UTC")
    ],
    speed: Annotated[
        float, typer.Option(min=0, help="Seconds of history a second; 0: as fast as it goes.")
    ] = 0.0,
    config: ConfigOption = None,
) -> None:
    """Play recorded history through a broker of its own, and count what was foretold.

    The store must be no live system's: time in it is the history's.
    """
    from collectors.mqtt.settings import BrokerSettings
    from forecall.broker import HOST, Broker
    from forecall.replay import ReplayPlan, replay
    from pipeline.history import read_history

    recorded = read_history(history)
    plan = ReplayPlan(_utc(start), _utc(end), speed)
    with (
        _store(config) as installation,
        tempfile.TemporaryDirectory() as folder,
        Broker(Path(folder)) as broker,
        shown(_OUT) as progress,
    ):
        settings = BrokerSettings(HOST, broker.port, broker.username, broker.password)
        counts = replay(installation.database, recorded, plan, settings, progress=progress)
    _OUT.print(
        f"{counts.foretold} of {counts.failures} component failures had an open ticket at least "
        f"one hour before.\n{counts.opened} tickets were opened by a prediction; {counts.false} of "
        f"them were false, {counts.undecided} can't be judged: the history ends too soon after.",
        highlight=False,
    )


def train_(
    horizon: Annotated[float, typer.Option(min=1, help="Hours ahead to foretell.")] = 24.0,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Learn from data up to here (UTC) only."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Train a model for each component that failed often enough, and promote it if it is cheaper."""
    from domain.clock import ManualClock
    from models.settings import TrainSettings
    from models.training.train import train

    with _store(config) as installation, shown(_OUT) as progress:
        clock = ManualClock(_utc(until)) if until else installation.clock
        made = train(
            installation.database,
            clock,
            horizon=timedelta(hours=horizon),
            settings=TrainSettings(costs=installation.settings.costs),
            progress=progress,
        )
    columns = ("Id", "Task", "Stage", "Precision", "Recall", "Warned", "False episodes", "Cost")
    table = Table(*columns, "Rule's", "Line's", box=None)
    for model in made:
        test = model.test
        table.add_row(
            str(model.model_id),
            str(model.task),
            model.stage,
            f"{test.precision:.3f}",
            f"{test.recall:.3f}",
            f"{test.warned} of {test.failures}",
            str(test.false_episodes),
            *(f"{each.cost:.0f}" for each in (test, model.rule, model.logistic)),
        )
    _OUT.print(table if made else "No component failed often enough to learn from.")
    for model in made:
        for check in model.verdict.wanting:
            say(f"{model.task}: not in charge, as {check.said}")


def score_(config: ConfigOption = None) -> None:
    """Score the fleet now (`work` does it by itself)."""
    from models.live.score import score

    with _store(config) as installation:
        rows = score(installation.database, installation.clock)
    _OUT.print(f"{rows} predictions.")


@contextmanager
def _store(config: Path | None) -> Iterator[Installation]:
    set_up_logs("history", logging.WARNING)
    with store_for_command(load_settings(config), "history") as installation:
        yield installation


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
