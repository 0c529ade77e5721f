"""`forecall devices ...`: which devices there are, where they stand, and as whom they log in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from desk import retiring
from domain.errors import BadInputError
from forecall.commands import logins
from forecall.commands.store import OUT, ConfigOption, actor, say, store
from pipeline.csv_rows import MAX_BYTES
from pipeline.devices import fleet
from pipeline.devices.fields import FIELDS, read_device
from pipeline.devices.sheet import read_sheet, template

app = typer.Typer(no_args_is_help=True, help="Add, import, adopt and list devices; their logins.")
logins.register(app)


@app.command()
def add(
    device: Annotated[str, typer.Argument(help=FIELDS["device"].meaning)],
    kind: Annotated[str, typer.Option(help=FIELDS["kind"].allowed)],
    site: Annotated[str, typer.Option(help="Where it stands; a new site needs --customer.")] = "",
    model: str = "",
    serial: str = "",
    host: Annotated[str, typer.Option(help="Of a clock that is polled.")] = "",
    port: Annotated[str, typer.Option(help=FIELDS["port"].meaning)] = "",
    comm_key_file: Annotated[
        Path | None, typer.Option(help="A file that holds the clock's communication key.")
    ] = None,
    interval: Annotated[str, typer.Option(help=FIELDS["interval"].meaning)] = "",
    transport: Annotated[str, typer.Option(help="tcp or udp")] = "",
    live: Annotated[bool, typer.Option("--live", help="Listen for punches between polls.")] = False,
    customer: Annotated[str, typer.Option(help="Of a new site.")] = "",
    site_name: Annotated[str, typer.Option(help="Of a new site.")] = "",
    city: Annotated[str, typer.Option(help="Of a new site.")] = "",
    time_zone: Annotated[str, typer.Option(help="Of a new site, such as Asia/Tehran.")] = "",
    poll_limit: Annotated[str, typer.Option(help=FIELDS["poll_limit"].meaning)] = "",
    config: ConfigOption = None,
) -> None:
    """Add a device, before it is heard of or in order to poll it."""
    cells = {
        "device": device,
        "kind": kind,
        "site": site,
        "model": model,
        "serial": serial,
        "host": host,
        "port": port,
        "comm_key": _read_text(comm_key_file) if comm_key_file else "",
        "interval": interval,
        "transport": transport,
        "live": "yes" if live else "",
        "customer": customer,
        "site_name": site_name,
        "city": city,
        "time_zone": time_zone,
        "poll_limit": poll_limit,
    }
    plan = read_device(cells)
    with store(config) as installation, installation.database.transaction() as conn:
        fleet.add(conn, installation.clock, plan, actor=actor())
    say(f"{device} is in the fleet" + (f" and is polled at {host}." if host else "."))


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A CSV file; `forecall devices template` begins one.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    encoding: Annotated[
        str | None, typer.Option(help="Of a file that is not UTF-8: gb18030, windows-1256, utf-16.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Bring the fleet's list to what a file says: all of it, or nothing if something does not fit."""
    sheet = read_sheet(file.name, _read_bytes(file), encoding)
    with store(config) as installation, installation.database.transaction() as conn:
        outcome = fleet.take_in(conn, installation.clock, sheet, actor=actor(), dry=dry_run)
    if outcome.nothing:
        say(f"{len(sheet.lines)} devices: all is as the file says; nothing was changed.")
        return
    for verb, counts in (("made", outcome.made), ("changed", outcome.changed)):
        for word, count in counts.items():
            say(f"{word} {verb}: {count}")
    if dry_run:
        say("Nothing was stored: --dry-run.")


@app.command("template")
def template_() -> None:
    """Print a CSV file to begin an import with: all columns, one example."""
    typer.echo(template(), nl=False)


@app.command()
def adopt(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...")] = None,
    all_found: Annotated[bool, typer.Option("--all-found", help="All that wait.")] = False,
    site: Annotated[str | None, typer.Option(help="Where they stand.")] = None,
    kind: Annotated[str | None, typer.Option(help=FIELDS["kind"].allowed)] = None,
    config: ConfigOption = None,
) -> None:
    """Take devices that were found into the fleet: they are counted and raise alerts from then on."""
    if bool(keys) == all_found:
        raise BadInputError("KEY: name the devices, or say --all-found")
    for key in keys or ["?"]:
        read_device({"device": key, "kind": kind or "", "site": site or ""})
    with store(config) as installation, installation.database.transaction() as conn:
        chosen = fleet.found_keys(conn) if all_found else keys or []
        for key in chosen:
            fleet.adopt(conn, installation.clock, key, actor=actor(), site=site, kind=kind)
    say(f"{len(chosen)} adopted.")


@app.command()
def retire(
    device: Annotated[str, typer.Argument(help=FIELDS["device"].meaning)],
    reason: Annotated[str, typer.Option(help="Why; it stands in the tickets that end.")] = "",
    config: ConfigOption = None,
) -> None:
    """Take a device out of the fleet: it was replaced, or has gone. What it did before stays; its
    open alerts and tickets end."""
    with store(config) as installation:
        ended = retiring.retire(
            installation.database, installation.clock, device, actor=actor(), reason=reason
        )
    say(f"{device} is out of the fleet; when it is heard again, it is found anew.")
    if ended:
        say(f"Ended: {', '.join(f'ticket {ticket.id}' for ticket in ended)}.")


@app.command("list")
def list_(
    found: Annotated[bool, typer.Option("--found", help="Only those that wait.")] = False,
    site: Annotated[str | None, typer.Option()] = None,
    kind: Annotated[str | None, typer.Option()] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
    config: ConfigOption = None,
) -> None:
    """List the devices: adopted ones and those that were only found."""
    with store(config) as installation, installation.database.transaction() as conn:
        rows = fleet.listed(conn, found=found, site=site, kind=kind)
    if as_json:
        typer.echo(json.dumps([dict(row) for row in rows], default=_plain))
        return
    table = Table("Device", "Kind", "State", "Site", "Model", "Address", "Logins", box=None)
    for row in rows:
        state = row["state"] if row["adopted_at"] else "found, not adopted"
        address = f"{row['host']}:{row['port']}" if row["host"] else row["found_via"]
        logins = ", ".join(row["logins"])
        table.add_row(
            row["key"], row["kind"], state, row["site"] or "", row["model"], address, logins
        )
    OUT.print(table if rows else "No device fits.")


def _read_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInputError(f"{file}: it cannot be read: {error.strerror}") from error


def _read_text(file: Path) -> str:
    try:
        return _read_bytes(file).decode().strip()
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file}: it holds no text") from error


def _plain(value: Any) -> str:
    return str(value.isoformat())
