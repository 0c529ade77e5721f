"""`forecall attendance`: punches out of the store, what may be missing, and proof that nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from collectors.adms.commands import Command, CommandKind
from domain.errors import BadInputError
from forecall.commands.store import OUT, ConfigOption, actor, say, store
from forecall.wiring import Installation
from pipeline.attendance_export import Wanted, csv_lines, note_reading
from pipeline.attendance_gaps import GAP_TEXT, find_gaps
from pipeline.attendance_proof import Proof, prove
from pipeline.push_proof import ask_clock

app = typer.Typer(no_args_is_help=True, help="Attendance records: export, gaps, proof.")

Site = Annotated[str | None, typer.Option("--site", help="Key of the site; all if left out.")]
Device = Annotated[str | None, typer.Option("--device", help="Key of one clock.")]
From = Annotated[
    str, typer.Option("--from", help="First day, YYYY-MM-DD, by the clocks' calendars.")
]
To = Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD; it is counted.")]

_MONTH = timedelta(days=30)
_LAST = time(23, 59, 59)


@app.command()
def export(
    first: From,
    last: To,
    file: Annotated[Path, typer.Option("-o", "--output", help="The CSV file to write.")],
    site: Site = None,
    device: Device = None,
    config: ConfigOption = None,
) -> None:
    """Write the punches of a period into a CSV file, oldest first."""
    wanted = Wanted(_day("--from", first), _day("--to", last), site, device)
    with store(config) as installation:
        database = installation.database
        with database.transaction() as conn:
            wanted.to_sql(conn)  # a site that is not there is said before a file is begun
            note_reading(conn, actor(), wanted, "csv")
        lines = 0
        with _whole(file) as part, part.open("w", encoding="utf-8", newline="") as target:
            for piece in csv_lines(database, wanted):
                target.write(piece)
                lines += piece.count("\r\n")
    say(f"{lines - 1} records written to {file}.")


@app.command()
def gaps(
    site: Site = None,
    device: Device = None,
    first: Annotated[str, typer.Option("--from", help="First day; a month ago if left out.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day; today if left out.")] = "",
    config: ConfigOption = None,
) -> None:
    """List where punches may be missing, and how that is known."""
    with store(config) as installation:
        today = installation.clock.now().date()
        wanted = Wanted(
            _day("--from", first) if first else today - _MONTH,
            _day("--to", last) if last else today,
            site,
            device,
        )
        with installation.database.transaction() as conn:
            found = find_gaps(conn, wanted, installation.clock.now())
    table = Table("Device", "Site", "Day", "What", "Since", "Records", box=None)
    for gap in found:
        since = f"{gap.since:%Y-%m-%d %H:%M} UTC" if gap.since else ""
        what, count = GAP_TEXT[gap.kind], str(gap.count or "")
        table.add_row(gap.device, gap.site, gap.day.isoformat(), what, since, count)
    OUT.print(table if found else "Nothing is known to be missing.")


@app.command("prove")
def prove_(site: Site = None, device: Device = None, config: ConfigOption = None) -> None:
    """Hold what clocks hold against what is stored. Exit code 1 when anything is missing."""
    with store(config) as installation:
        proofs = list(prove(installation.database, _any_day(installation, site, device)))
    table = Table("Device", "Serial", "Held", "Stored", "Verdict", "As of", "SHA-256", box=None)
    for proof in proofs:
        as_of = f"{proof.taken_at:%Y-%m-%d %H:%M} UTC"
        figures = (str(proof.held), str(proof.stored), proof.verdict, as_of, _digest(proof))
        table.add_row(proof.device, proof.serial, *figures)
    OUT.print(table if proofs else "No clock's log was seen yet.")
    raise typer.Exit(0 if all(proof.holds for proof in proofs) else 1)


@app.command()
def ask(
    device: Annotated[str, typer.Argument(help="Key of a clock that pushes.")],
    command: Annotated[CommandKind, typer.Argument(help="INFO, CHECK, LOG, QUERY or VERIFY.")],
    first: Annotated[str, typer.Option("--from", help="First day, for QUERY and VERIFY.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day; the first one if left out.")] = "",
    config: ConfigOption = None,
) -> None:
    """Ask a clock that pushes something, when it calls next. It is only ever asked to read."""
    window = None
    if first:
        until = _day("--to", last or first)
        window = (datetime.combine(_day("--from", first), time.min), datetime.combine(until, _LAST))
    wanted = Command(command, window)
    with store(config) as installation, installation.database.transaction() as conn:
        number = ask_clock(conn, device, wanted, actor(), installation.clock.now())
    say(f"{device} is told when it calls next: {wanted.text(number)}")


def _digest(proof: Proof) -> str:
    return proof.digest_held[:16]


def _any_day(installation: Installation, site: str | None, device: str | None) -> Wanted:
    today = installation.clock.now().date()
    return Wanted(today, today, site, device)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"{option}: {text!r}: a day such as 2026-03-31 is wanted") from error


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """A file beside `file` that takes its place once it is written whole."""
    part = file.with_name(f"{file.name}.part")
    try:
        yield part
        part.replace(file)
    except OSError as error:
        raise BadInputError(f"--output: {file} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
