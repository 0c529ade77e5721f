"""`forecall report ...`: makes reports, lists what was made, and says what is due."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from domain.errors import BadInputError
from forecall.commands.store import OUT, ConfigOption, actor, say, store
from kpi.reports.asked import About, Kind
from kpi.reports.registry import KINDS

app = typer.Typer(
    no_args_is_help=True, help="Make reports, read what was made, see what the schedule makes."
)

PeriodOption = Annotated[
    str,
    typer.Option(
        help="2026-11, 2026-Q3, 2026, or 2026-11-01..2026-11-15; Jalali: 1405-08, 1405-Q3, 1405."
    ),
]
CustomerOption = Annotated[str, typer.Option(help="The key of the customer it is about.")]
FormatOption = Annotated[str, typer.Option("--format", help="pdf, html or xlsx.")]
LanguageOption = Annotated[str, typer.Option("--lang", help="en, zh or fa.")]
ZoneOption = Annotated[str, typer.Option("--zone", help="Where days begin, such as Asia/Tehran.")]
OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="The file; without it, one named after the report."),
]
_MAKE = "Kinds of reports"


def _command(kind: Kind) -> Callable[..., None]:
    """The command that makes one kind of report."""

    def make_report(
        period: PeriodOption,
        customer: CustomerOption = "",
        form: FormatOption = "pdf",
        language: LanguageOption = "en",
        zone: ZoneOption = "UTC",
        out: OutOption = None,
        config: ConfigOption = None,
    ) -> None:
        from console.i18n.speech import reader
        from kpi.reports.making import Wanted, make

        wanted = Wanted(kind.name, period, customer, language, form, zone)
        with store(config) as installation:
            made = make(installation.database, installation.clock, reader, wanted, actor())
        path = out or Path(made.entry.file_name)
        _write(path, made.file)
        say(f"{path}: report {made.entry.id}, figures SHA-256 {made.entry.figures_sha256}")

    make_report.__doc__ = f"{kind.title}. {_ABOUT[kind.about]}"
    return make_report


def _write(path: Path, file: bytes) -> None:
    try:
        path.write_bytes(file)
    except OSError as error:
        raise BadInputError(f"--out: {path}: cannot be written: {error.strerror}") from error


_ABOUT = {
    About.FLEET: "Of the whole fleet.",
    About.CUSTOMER: "Of one customer.",
    About.EITHER: "Of the whole fleet, or of one customer.",
}
for _kind in KINDS.values():
    app.command(_kind.name, rich_help_panel=_MAKE)(_command(_kind))


@app.command("archive")
def archive(
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only about this customer.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    config: ConfigOption = None,
) -> None:
    """List the reports that were made, newest first."""
    from kpi.reports.archive import entries

    with store(config) as installation, installation.database.transaction() as conn:
        found = entries(conn, kind=kind, customer=customer, limit=limit)
    table = Table("id", "kind", "period", "customer", "lang", "format", "made", "by", "figures")
    for each in found:
        made = f"{each.made_at:%Y-%m-%d %H:%M} UTC"
        shown = (each.kind, each.period, each.customer or "", each.language, each.format)
        table.add_row(str(each.id), *shown, made, each.made_by, each.figures_sha256[:12])
    OUT.print(table)


@app.command("get")
def get(
    report_id: Annotated[int, typer.Argument(metavar="ID")],
    out: OutOption = None,
    config: ConfigOption = None,
) -> None:
    """Write a report of the archive to a file, as it was made."""
    from kpi.reports.archive import read_entry, read_file

    with store(config) as installation, installation.database.transaction() as conn:
        entry = read_entry(conn, report_id)
        file = read_file(conn, entry)
    path = out or Path(entry.file_name)
    _write(path, file)
    say(f"{path}: SHA-256 {entry.file_sha256}")


@app.command("due")
def due(config: ConfigOption = None) -> None:
    """Show the schedule: what is made when, and what is due and not made yet."""
    from forecall.post import policy_file
    from forecall.reporting import schedule_file
    from kpi.reports.schedule import due_at, newest_due
    from kpi.reports.sending import missing
    from kpi.reports.turns import due_turns

    with store(config) as installation, installation.database.transaction() as conn:
        file = schedule_file(installation.settings, installation.clock)
        schedule, now = file.current(), installation.clock.now()
        policy = policy_file(installation.settings).current()
        waiting = due_turns(conn, schedule, now)
    if file.problem:
        raise BadInputError(file.problem)
    table = Table("name", "kind", "every", "calendar", "next period", "made at", "waiting")
    for plan in schedule.report:
        after = newest_due(plan, now).after
        count = sum(turn.plan == plan for turn in waiting)
        at = f"{due_at(plan, after).astimezone(plan.zone):%Y-%m-%d %H:%M} {plan.time_zone}"
        table.add_row(
            plan.name, plan.kind, plan.every, plan.calendar, after.name, at, str(count or "")
        )
    OUT.print(table)
    for plan in schedule.report:
        for who in missing(plan.to, policy):
            say(
                f"{plan.name}: to: {who!r} is not in the notification policy; nothing is sent there"
            )
