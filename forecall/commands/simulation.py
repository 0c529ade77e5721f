"""`forecall simulate, examine`: the simulated fleet, and how much of what was foreseeable was foreseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from domain.device import DeviceKind
from domain.errors import BadInputError
from forecall.commands.store import OUT, ConfigOption, store
from forecall.progress import shown

if TYPE_CHECKING:
    from models.examine.examiner import Examined
    from models.settings import Costs
    from simulator.folder import Examination

_SERVICES = "Services"
_PANEL = "History and models"
_END = datetime(2026, 3, 1, tzinfo=UTC)
_DAYS = ["%Y-%m-%d"]
Serve = Callable[[str, Path | None], None]


def register(app: typer.Typer, serve: Serve) -> None:
    """Adds these commands to `app`; `serve` runs a service by its name."""

    def simulate(
        history: Annotated[
            Path | None,
            typer.Option(help="Write a fleet's past into this empty folder instead."),
        ] = None,
        devices: Annotated[int, typer.Option(help="With --history: how many devices.")] = 200,
        days: Annotated[int, typer.Option(help="With --history: how many days of past.")] = 180,
        seed: Annotated[
            int, typer.Option(min=0, help="With --history: another seed is another fleet.")
        ] = 2,
        kinds: Annotated[
            str, typer.Option(help="With --history: kinds of devices, in equal parts.")
        ] = "clock,pos,kiosk",
        until: Annotated[
            datetime, typer.Option(formats=_DAYS, help="With --history: the past ends here (UTC).")
        ] = _END,
        daily: Annotated[
            bool, typer.Option("--daily", help="With --history: a reading a day, not an hour.")
        ] = False,
        seldom: Annotated[
            float, typer.Option(help="With --history: parts fail so many times more rarely.")
        ] = 1.0,
        as_csv: Annotated[
            bool, typer.Option("--csv", help="With --history: CSV files, not Parquet.")
        ] = False,
        config: ConfigOption = None,
    ) -> None:
        """Run the demo's simulated fleet (`up --demo` does it by itself), or write the past of one.

        Beside a written past lies truth.csv: why each part failed, and from when it could be seen.
        """
        if history is None:
            serve("simulate", config)
            return
        from simulator.folder import Examination

        end = until.replace(tzinfo=UTC)
        wanted = Examination(devices, days, seed, _kinds(kinds), end, daily, seldom)
        _write(history, wanted, as_csv)

    app.command(rich_help_panel=_SERVICES)(simulate)
    app.command("examine", rich_help_panel=_PANEL)(examine_)


def _kinds(text: str) -> tuple[DeviceKind, ...]:
    names = [name.strip() for name in text.split(",")]
    allowed = [kind.value for kind in DeviceKind]
    for name in names:
        if name not in allowed:
            raise BadInputError(f"kinds: {name!r}; allowed: {', '.join(allowed)}")
    return tuple(dict.fromkeys(DeviceKind(name) for name in names))


def _write(folder: Path, wanted: Examination, as_csv: bool) -> None:
    from simulator.folder import write_history

    with shown(OUT) as progress:
        written = write_history(folder, wanted, as_csv=as_csv, progress=progress)
    OUT.print(
        f"Simulated: {written.devices} devices, {written.readings} rows of readings, "
        f"{written.events} events, {written.failures} failures; {written.visible} of them could be "
        f"seen coming (truth.csv).",
        highlight=False,
    )


def examine_(
    history: Annotated[
        Path | None,
        typer.Option(help="A folder that `simulate --history` wrote; else the demo's store."),
    ] = None,
    backtest: Annotated[
        Path | None, typer.Option(help="With --history: what `backtest --json` wrote of it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say which share of the simulated failures that could be foreseen was foreseen.

    The demo's champions are judged on the period that they have not learned from.
    """
    from forecall.config import load_settings
    from models.examine.store import examine_store

    if history is not None:
        found = _examined(history, backtest, load_settings(config).costs)
    else:
        with store(config) as installation, installation.database.transaction() as conn:
            examined = examine_store(conn, load_settings(config).costs)
        if examined is None:
            raise BadInputError("examine: here are no simulated devices with a model in charge")
        found = examined
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        _show(found)


def _examined(history: Path, backtest: Path | None, costs: Costs) -> Examined:
    from models.examine.examiner import examine_backtest
    from simulator.truth import TRUTH_FILE, read_truth

    if backtest is None:
        raise BadInputError("backtest: name the file that `forecall backtest --json` wrote")
    try:
        figures = json.loads(backtest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"{backtest}: it can't be read as JSON: {error}") from error
    return examine_backtest(read_truth(history / TRUTH_FILE), figures, costs)


def _show(found: Examined) -> None:
    table = Table("Story", "Failures", "Visible in time", "Foreseen", "Lead", box=None)
    for story in found.stories:
        lead = f"{story.lead_h:.0f} h" if story.lead_h is not None else "-"
        counts = (story.failures, story.visible, story.foreseen)
        table.add_row(story.story, *(str(count) for count in counts), lead)
    OUT.print(table)
    bounds = Table("Component", "PR-AUC", "No model passes", "What is visible", box=None)
    for each in found.bounds:
        figures = (each.model, each.oracle, each.visible)
        bounds.add_row(each.component, *("-" if f is None else f"{f:.3f}" for f in figures))
    OUT.print(bounds)
    OUT.print(
        f"Simulated. Of {found.failures} failures {found.with_sign} gave a sign in time and "
        f"{found.visible} a visible one; of these {found.foreseen} were foreseen "
        f"({_percent(found.share)}), half of them at least {found.lead_h or 0:.0f} h before "
        f"(possible: {found.visible_lead_h or 0:.0f} h).\n"
        f"{found.false_episodes} false episodes, in {found.excused} of them a part did wear. "
        f"Of {found.unasked} failures no model was asked: they count as not foreseen.\n"
        f"Cost: {found.cost:,.0f}; repairing when it breaks {found.cost_waiting:,.0f}; the best "
        f"that is possible {found.cost_best:,.0f}.",
        highlight=False,
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"
