"""`forecall contracts ...`: what was promised to whom, and what is covered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from desk.contracts.book import PlanBook, read_text
from desk.contracts.contract import Contracts, VoidReason
from desk.contracts.reading import books, contract_of
from desk.contracts.sheet import read_sheet, template
from desk.contracts.writing import take_in
from desk.contracts.writing import void_warranty as void
from desk.coverage import VERDICT_TEXT, coverage
from desk.sla.plan import ELSEWHERE, Promise, Target
from domain.errors import BadInputError, NotFoundError
from domain.fault import Handling
from forecall.commands.store import OUT, ConfigOption, actor, say, store
from pipeline.csv_rows import MAX_BYTES
from storage.queries import load

app = typer.Typer(no_args_is_help=True, help="Service plans, contracts and warranties.")


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """List the contracts, customer by customer."""
    with store(config) as installation, installation.database.transaction() as conn:
        rows = conn.execute(load("contracts")["listed"]).fetchall()
    table = Table(
        "Contract", "Customer", "Site", "Plan", "Calendar", "From", "Until", "Travel", "Parts",
        "Price", box=None,
    )  # fmt: skip
    for row in rows:
        told = (
            row["key"], row["customer"], row["site"] or "all", row["plan"],
            row["calendar"] or "the plan's", row["valid_from"], row["valid_until"] or "open",
            row["travel"], row["replacement"], row["price"],
        )  # fmt: skip
        table.add_row(*(escape(str(value)) for value in told))
    OUT.print(table)
    say(f"{len(rows)} contracts.")


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A CSV file; `forecall contracts template` begins one.")
    ],
    encoding: Annotated[
        str | None, typer.Option(help="Of a file that is not UTF-8: gb18030, windows-1256, utf-16.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Bring contracts, or devices' warranties, to what a file says: all of it, or nothing."""
    sheet = read_sheet(file.name, _read_bytes(file), encoding)
    with store(config) as installation, installation.database.transaction() as conn:
        count = take_in(conn, installation.clock, sheet, actor=actor())
    say(f"{count} {'warranties' if sheet.of_devices else 'contracts'} are as the file says.")


@app.command("template")
def template_(
    warranties: Annotated[
        bool, typer.Option("--warranties", help="Of devices' warranties, not of contracts.")
    ] = False,
) -> None:
    """Print a CSV file to begin an import with: all columns, one example."""
    typer.echo(template(of_devices=warranties), nl=False)


@app.command()
def plans(
    file: Annotated[
        Path | None, typer.Option(help="As this file would have it, before it is put in force.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Show the plans in force, and every clock of theirs."""
    if file is not None:
        book = read_text(_read_bytes(file).decode("utf-8", errors="replace"))
    else:
        with store(config) as installation, installation.database.transaction() as conn:
            book = books(conn).newest
    table = Table("Plan", "Clock", "Runs from", "Until", "Time", "For", box=None)
    for plan in book.plans.values():
        for promise in plan.promises:
            table.add_row(
                plan.name, promise.name, promise.start, promise.goal, _times(promise), _for(promise)
            )
    OUT.print(table)
    for line in _of_plans(book):
        say(line)


@app.command("void-warranty")
def void_warranty(
    device: Annotated[str, typer.Argument(help="The device's key.")],
    reason: Annotated[VoidReason, typer.Option(help="What ended it.")],
    config: ConfigOption = None,
) -> None:
    """End a device's warranty now: the seal is broken, after an impact or misuse."""
    with store(config) as installation, installation.database.transaction() as conn:
        void(conn, installation.clock, device, reason, actor=actor())
    say(f"The warranty of {device} is void from now on.")


@app.command()
def show(
    device: Annotated[str, typer.Argument(help="The device's key.")], config: ConfigOption = None
) -> None:
    """Show what holds for one device now: contract, plan, calendar, coverage."""
    with store(config) as installation, installation.database.transaction() as conn:
        row = conn.execute(load("contracts")["device_by_key"], {"key": device}).fetchone()
        if row is None:
            raise NotFoundError(f"there is no device {device!r}")
        contracts, now = contract_of(conn, row["id"]), installation.clock.now()
    table = Table(box=None, show_header=False)
    contract, terms = contracts.contract_at(now), contracts.at(now)
    found = coverage(contracts, now)
    table.add_row("contract", escape(contract.key) if contract else "none")
    table.add_row("plan", f"{terms.plan.name} ({escape(terms.plan.label)})")
    table.add_row("calendar", f"{terms.calendar.name}, {terms.calendar.zone.key}")
    table.add_row("region", terms.region_class)
    table.add_row("coverage", f"{VERDICT_TEXT[found.verdict]}: {escape(str(found.why))}")
    for text in found.more:
        table.add_row("", escape(str(text)))
    for line in _warranty(contracts):
        table.add_row("warranty", line)
    OUT.print(table)


def _times(promise: Promise) -> str:
    return ", ".join(
        f"{f'{region} ' if region else ('elsewhere ' if len(promise.targets) > 1 else '')}"
        f"{_time(target)}"
        for region, target in sorted(promise.targets.items(), key=lambda one: one[0] == ELSEWHERE)
    )


def _time(target: Target) -> str:
    aim = f"{_span(target.aim)} to " if target.aim is not None else ""
    return f"{aim}{_span(target.limit)}"


def _span(span: timedelta) -> str:
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    return " ".join(
        filter(None, (f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""))
    )


def _for(promise: Promise) -> str:
    handlings = set(Handling) - promise.handlings
    who = ", ".join(sorted(promise.handlings)) if handlings else "all faults"
    grades = "" if len(promise.grades) > 1 else f", {next(iter(promise.grades))}"
    return who + grades


def _of_plans(book: PlanBook) -> Iterator[str]:
    for plan in book.plans.values():
        mean = (
            f", ordinary repairs {_span(plan.mean_repair)} on average" if plan.mean_repair else ""
        )
        yield (
            f"{plan.name}: {plan.label}; calendar {plan.calendar}; warranty {plan.warranty} months, "
            f"free support {plan.free_support}, service life {plan.support_life}{mean}"
        )
    yield f"Calendars: {', '.join(book.tables)}."


def _warranty(contracts: Contracts) -> Iterator[str]:
    warranty = contracts.warranty
    if warranty.installed_on is not None:
        yield f"installed on {warranty.installed_on}"
    if warranty.starts_on is not None:
        yield f"from {warranty.starts_on}"
    if warranty.months is not None:
        yield f"{warranty.months} months"
    if warranty.void_reason is not None and warranty.voided_at is not None:
        yield f"void since {contracts.day(warranty.voided_at)}: {warranty.void_reason}"


def _read_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read: {error.strerror}") from error
