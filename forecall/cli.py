"""The command `forecall`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from domain.errors import ConfigurationError, ForecallError
from forecall.commands import (
    accounts,
    attendance,
    backtest,
    codes,
    contracts,
    devices,
    history,
    kpi,
    notify,
    parents,
    reader,
    report,
    rules,
    shards,
    simulation,
    tokens,
)
from forecall.config import PREFIX, Settings, load_settings
from forecall.logs import set_up_logs

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Watches attendance clocks, POS terminals and kiosks, predicts failures, and opens the "
    "ticket before the customer calls.",
)
collect = typer.Typer(no_args_is_help=True, help="Collect from devices, one protocol a process.")
history.register(app)
backtest.register(app)
codes.register(app)
reader.register(app)
app.add_typer(collect, name="collect", rich_help_panel="Services")
app.add_typer(devices.app, name="devices", rich_help_panel="Looking after it")
app.add_typer(parents.app, name="parents", rich_help_panel="Looking after it")
app.add_typer(attendance.app, name="attendance", rich_help_panel="Looking after it")
app.add_typer(contracts.app, name="contracts", rich_help_panel="Looking after it")
app.add_typer(notify.app, name="notify", rich_help_panel="Looking after it")
app.add_typer(shards.app, name="shards", rich_help_panel="Looking after it")
app.add_typer(kpi.app, name="kpi", rich_help_panel="Looking after it")
app.add_typer(report.app, name="report", rich_help_panel="Looking after it")
app.add_typer(rules.app, name="rules", rich_help_panel="Looking after it")
app.add_typer(accounts.app, name="account", rich_help_panel="Looking after it")
app.add_typer(tokens.app, name="tokens", rich_help_panel="Looking after it")

_SERVICES = "Services"
_CARE = "Looking after it"
_OUT = Console()

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with settings; FORECALL_* variables go over it."),
]


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="With a simulated fleet, its past and its faults.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Start a whole system on this machine: database, broker, collectors, console.

    Everything is kept in FORECALL_DATA_DIR. Ctrl-C ends it; the next start goes on from there.
    """
    from forecall.up import up as run_up

    settings = load_settings(config)
    set_up_logs("up", logging.WARNING)
    run_up(settings, demo=demo, config=config, out=_OUT)


@app.command(rich_help_panel=_CARE)
def migrate(config: ConfigOption = None) -> None:
    """Bring the database's schema up to date."""
    from forecall.wiring import migrated

    applied = migrated(load_settings(config))
    _OUT.print("\n".join(applied) if applied else "The schema is up to date.")


@collect.command("mqtt")
def collect_mqtt(config: ConfigOption = None) -> None:
    """Hear POS terminals and kiosks through the MQTT broker."""
    _serve("collect mqtt", config)


@collect.command("zkteco")
def collect_zkteco(config: ConfigOption = None) -> None:
    """Poll ZKTeco attendance clocks that are due. Any number of these may run."""
    _serve("collect zkteco", config)


@collect.command("adms")
def collect_adms(config: ConfigOption = None) -> None:
    """Hear attendance clocks that push (ZKTeco PUSH, ADMS)."""
    _serve("collect adms", config)


@app.command(rich_help_panel=_SERVICES)
def work(config: ConfigOption = None) -> None:
    """Do what is due again and again: deadlines, rollups, alerts, scores, tickets."""
    _serve("work", config)


@app.command("console", rich_help_panel=_SERVICES)
def console_(config: ConfigOption = None) -> None:
    """Serve the web console."""
    _serve("console", config)


@app.command(rich_help_panel=_CARE)
def status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show counts: devices by state, messages, alerts, tickets, predictions, lag."""
    from forecall.status import read_status
    from forecall.wiring import opened

    with opened(load_settings(config), "status") as installation:
        counts = read_status(installation).to_json()
    if as_json:
        typer.echo(json.dumps(counts))
        return
    table = Table(show_header=False, box=None)
    for name, value in counts.items():
        shown = value
        if name == "collectors":
            for collector, flow in value.items():
                table.add_row(f"collector {collector}", _listed(flow))
            continue
        if isinstance(value, dict):
            shown = _listed(value)
        table.add_row(name.replace("_", " "), str(shown))
    _OUT.print(table)


@app.command(rich_help_panel=_CARE)
def doctor(config: ConfigOption = None) -> None:
    """Say what is wrong with this installation and what to do. Exit code 1 when anything is."""
    from forecall.doctor import examine

    well = True
    for finding in examine(load_settings(config)):
        mark = "[green]ok[/]   " if finding.well else "[red]WRONG[/]"
        _OUT.print(f"{mark} {finding.what}: {finding.found}", highlight=False)
        if not finding.well:
            well = False
            _OUT.print(f"      {finding.advice}", highlight=False)
    raise typer.Exit(0 if well else 1)


@app.command(rich_help_panel=_CARE)
def healthy(
    part: Annotated[str, typer.Argument(help="work, mqtt, zkteco or adms")],
    config: ConfigOption = None,
) -> None:
    """Exit with 0 when a service shows signs of life, else 1. For health checks."""
    from forecall.health import is_healthy

    raise typer.Exit(0 if is_healthy(load_settings(config), part) else 1)


@app.command("settings", rich_help_panel=_CARE)
def settings_() -> None:
    """List every setting, its variable and its default."""
    table = Table("Variable", "Default", "What it is", box=None)
    for name, field in Settings.model_fields.items():
        table.add_row(f"{PREFIX}{name.upper()}", str(field.default), field.description or "")
    _OUT.print(table)
    _OUT.print(
        "In a TOML file `\\[mqtt] host = ...` is FORECALL_MQTT_HOST; FORECALL_X_FILE names a file "
        "that holds the value of FORECALL_X.",
        highlight=False,
    )


def _listed(counts: Mapping[str, object]) -> str:
    told = {name: count for name, count in counts.items() if count is not None}
    return ", ".join(f"{name} {count}" for name, count in told.items())


def _serve(service: str, config: Path | None) -> None:
    """Runs one service until SIGTERM or SIGINT."""
    from forecall.services import SERVICES
    from forecall.wiring import opened, stop_on_signals

    settings = load_settings(config)
    set_up_logs(service)
    stop = stop_on_signals()
    with opened(settings, service) as installation:
        SERVICES[service](installation, stop)


simulation.register(app, _serve)


def main() -> None:
    """Runs the command; an error that Forecall can explain is one line, not a traceback."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # its errors reach us as exceptions
    try:
        app()
    except ForecallError as error:
        typer.echo(f"forecall: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)
