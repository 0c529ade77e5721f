"""`forecall parents ...`: what devices hang on - routers, switches, network segments, power feeds."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from alerts import parents
from alerts.correlation import declare_down, declare_up
from domain.errors import BadInputError
from forecall.commands.store import OUT, ConfigOption, actor, say, store
from pipeline.csv_rows import MAX_BYTES, read_rows

app = typer.Typer(no_args_is_help=True, help="What devices hang on: routers, switches, power.")

_COLUMNS = ("parent", "kind", "name", "device")
_Key = Annotated[str, typer.Argument(help="What it is called, such as router-12.")]
_Kind = Annotated[str, typer.Option(help=" or ".join(parents.KINDS))]


@app.command()
def declare(
    key: _Key,
    devices: Annotated[list[str], typer.Argument(help="The devices that hang on it.")],
    kind: _Kind,
    name: Annotated[str, typer.Option(help="For people; without it, the key.")] = "",
    watched: Annotated[str, typer.Option(help="Its device, where it is itself watched.")] = "",
    config: ConfigOption = None,
) -> None:
    """Say that these devices, and no others, hang on one thing."""
    with store(config) as installation:
        parents.declare(
            installation.database,
            installation.clock,
            key,
            kind,
            name or key,
            devices=devices,
            device=watched or None,
            actor=actor(),
        )
    say(f"{len(devices)} devices hang on {key}.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns parent, kind, name, device.")],
    config: ConfigOption = None,
) -> None:
    """Declare parents from a sheet: one line a device that hangs on one."""
    read = _read(file)
    with store(config) as installation:
        for (key, kind, name), devices in read.items():
            parents.declare(
                installation.database,
                installation.clock,
                key,
                kind,
                name or key,
                devices=devices,
                actor=actor(),
            )
    say(f"{len(read)} parents are declared.")


@app.command()
def remove(key: _Key, config: ConfigOption = None) -> None:
    """Say that nothing hangs on it any more."""
    with store(config) as installation:
        parents.remove(installation.database, installation.clock, key, actor=actor())
    say(f"Nothing hangs on {key} any more.")


@app.command()
def down(
    key: _Key,
    reason: Annotated[str, typer.Option(help="Why, for those who read the alert.")],
    config: ConfigOption = None,
) -> None:
    """Say that a parent which is not watched is down: what hangs on it joins its one alert."""
    from desk.cases import Cases

    with store(config) as installation:
        clock = installation.clock
        made = declare_down(
            installation.database, clock, Cases(clock), key, reason=reason, actor=actor()
        )
    say(f"{key} is down: batch {made}.")


@app.command()
def up(key: _Key, config: ConfigOption = None) -> None:
    """Say that it is up again."""
    with store(config) as installation:
        declare_up(installation.database, installation.clock, key, actor=actor())
    say(f"{key} is up; what is still down in ten minutes gets a case of its own.")


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """Show what is declared."""
    with store(config) as installation, installation.database.transaction() as conn:
        found = parents.parents(conn)
    table = Table("Parent", "Kind", "Name", "Watched as", "Devices", "Down since", box=None)
    for one in found:
        since = f"{one.down_since:%Y-%m-%d %H:%M}" if one.down_since else ""
        devices = str(len(one.devices))
        table.add_row(one.key, one.kind, one.name, one.device or "", devices, since)
    OUT.print(table)


@app.command()
def propose(config: ConfigOption = None) -> None:
    """Show devices that go down together again and again: perhaps they hang on one thing."""
    with store(config) as installation:
        parents.propose(installation.database, installation.clock)
        with installation.database.transaction() as conn:
            found = parents.proposals(conn)
    table = Table("Proposal", "Together", "Of their outages", "Devices", box=None)
    for one in found:
        share = f"{one.share:.0%} or more"
        table.add_row(str(one.id), f"{one.together} times or more", share, ", ".join(one.devices))
    OUT.print(table)


@app.command()
def accept(
    proposal: Annotated[int, typer.Argument(help="Its number, as `propose` shows it.")],
    key: _Key,
    kind: _Kind,
    name: Annotated[str, typer.Option(help="For people; without it, the key.")] = "",
    config: ConfigOption = None,
) -> None:
    """Declare what a proposal's devices hang on."""
    with store(config) as installation:
        database, clock = installation.database, installation.clock
        parents.accept(database, clock, proposal, key, kind, name or key, actor=actor())
    say(f"The devices of proposal {proposal} hang on {key}.")


@app.command()
def refuse(
    proposal: Annotated[int, typer.Argument(help="Its number, as `propose` shows it.")],
    config: ConfigOption = None,
) -> None:
    """Say that a proposal's devices hang on nothing together; they are not proposed again."""
    with store(config) as installation:
        parents.refuse(installation.database, installation.clock, proposal, actor=actor())
    say(f"Proposal {proposal} is refused.")


def _read(file: Path) -> dict[tuple[str, str, str], list[str]]:
    """The devices of each parent, as the sheet says. Raises BadInputError that names the row."""
    rows = read_rows(file.name, _bytes(file))
    header = [cell.strip().lower() for cell in next(rows, (0, []))[1]]
    if sorted(header) != sorted(_COLUMNS):
        raise BadInputError(f"{file.name}, row 1: {header}; allowed: {', '.join(_COLUMNS)}")
    found: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for number, cells in rows:
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        if not row.get("parent") or not row.get("device"):
            raise BadInputError(f"{file.name}, row {number}: parent and device have to be given")
        found[row["parent"], row.get("kind", ""), row.get("name", "")].append(row["device"])
    return dict(found)


def _bytes(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadInputError(
                f"{file}: {file.stat().st_size} bytes; allowed: at most {MAX_BYTES}"
            )
        return file.read_bytes()
    except OSError as error:
        raise BadInputError(f"{file}: {error.strerror}") from error
