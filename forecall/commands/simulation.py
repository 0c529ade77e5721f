"""`forecall simulate, examine`: the simulated fleet, and how much of what was foreseeable was foreseen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.device import DeviceKind
from domain.errors import BadInputError
from forecall.commands.store import OUT, ConfigOption
from forecall.progress import shown

if TYPE_CHECKING:
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
