"""`forecall kpi ...`: uptime with what is excluded, the staff's review, closed months, disputes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer
from rich.table import Table

from domain.errors import BadInputError
from forecall.commands.store import OUT, ConfigOption, actor, say, store
from kpi.avoided.draws import read_report, set_hold_out
from kpi.staff import months
from kpi.staff.disputes import Downtime, decide, disputes, raise_dispute
from kpi.staff.review import GROUPS, Review, read_evidence, review
from kpi.staff.rules import rules
from kpi.uptime.figures import uptime
from kpi.uptime.fleet import Scope
from kpi.uptime.reliability import reliability
from storage.queries import load

app = typer.Typer(
    no_args_is_help=True, help="Uptime, the staff's review, closed months, disputes, calls avoided."
)

MonthArgument = Annotated[str, typer.Argument(metavar="YYYY-MM")]
ZoneOption = Annotated[str, typer.Option("--zone", help="Where months begin, such as Asia/Tehran.")]
ByOption = Annotated[Scope, typer.Option("--by", help="Whose figures.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]


@app.command("uptime")
def uptime_(
    month: MonthArgument,
    by: ByOption = Scope.CUSTOMER,
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Uptime of a month, or of what has passed of it; docs/uptime.md says what counts."""
    start, end = months.bounds(_month(month), _zone(zone))
    with store(config) as installation, installation.database.transaction() as conn:
        rows = uptime(conn, by, start, min(end, installation.clock.now()))
    if as_json:
        say(msgspec.json.encode(rows).decode())
        return
    mean = "MTTF h" if by is Scope.COMPONENT else "MTBF h"
    table = Table(
        *(by.value, "uptime", "down h", "excluded h", "unwatched h", "failures", mean, "MTTR h"),
        "failures per 1,000 h",
    )
    for row in rows:
        means = reliability(row.failures, row.up_s, row.down_s)
        spent = (row.down_s, sum(row.excluded_s.values()), row.unwatched_s)
        table.add_row(
            row.name,
            _share(row.ratio),
            *(f"{seconds / 3600:,.1f}" for seconds in spent),
            str(row.failures),
            _number(means.mtbf_h),
            _number(means.mttr_h),
            f"{_number(means.rate)} ({_number(means.rate_low)} to {_number(means.rate_high)})",
        )
    OUT.print(table)


@app.command("hold-out")
def hold_out(
    share: Annotated[float, typer.Argument(help="Of the predictions of low risk; 0 ends it.")],
    below: Annotated[float, typer.Option(help="Probabilities of low risk are below this.")] = 0.7,
    spare: Annotated[
        list[str] | None, typer.Option(help="A component or kind of device never held out.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Watch a share of the predictions without acting upon them; docs/staff-kpi.md says why."""
    with store(config) as installation:
        found = set_hold_out(
            installation.database,
            installation.clock,
            share=share,
            below=below,
            spared=spare or (),
            actor=actor(),
        )
    say(f"{found.share:.1%} of the predictions below {found.below:.0%} are held out from now on")


@app.command("avoided")
def avoided_(
    days: Annotated[int, typer.Option(min=1, max=3660, help="Back from now.")] = 365,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Failures, and so calls, that acting upon predictions has avoided, with 95 % intervals."""
    with store(config) as installation, installation.database.transaction() as conn:
        now = installation.clock.now()
        found = read_report(conn, now - timedelta(days=days), now, now)
    if as_json:
        say(msgspec.json.encode(found).decode())
        return
    table = Table(
        *("share", "below", "held out", "failed", "acted upon", "failed", "difference", "avoided")
    )
    for one in found.settings:
        told = one.avoided
        table.add_row(
            *(f"{one.share:.1%}", f"{one.below:.0%}"),
            *(str(told.held.predictions), str(told.held.failed)),
            *(str(told.acted.predictions), str(told.acted.failed)),
            f"{_number(told.difference)} ({_number(told.low)} to {_number(told.high)})",
            f"{_number(told.calls)} ({_number(told.calls_low)} to {_number(told.calls_high)})",
        )
    if found.settings:
        OUT.print(table)
    else:
        say("Nothing was held out, so how many failures acting avoided can't be known.")
    seen = found.seen
    say(
        f"Of {seen.acted} closed cases that were foretold {seen.failed} failed all the same; in {seen.worn}"
        f" the part was found worn. At most {seen.acted - seen.failed} failures were avoided, at least none."
    )


@app.command("review")
def review_(
    month: MonthArgument,
    by: ByOption = Scope.ENGINEER,
    zone: ZoneOption = "UTC",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The staff's review of a month as things are known now; docs/staff-kpi.md says how it is made."""
    if by not in GROUPS:
        raise BadInputError(f"--by: {by.value}; allowed: {', '.join(GROUPS)}")
    start, end = months.bounds(_month(month), _zone(zone))
    with store(config) as installation, installation.database.transaction() as conn:
        found = review(read_evidence(conn, start, min(end, installation.clock.now())), by, rules())
    _show(found, as_json)


@app.command("close")
def close(
    month: MonthArgument,
    zone: ZoneOption = "UTC",
    reason: Annotated[str, typer.Option(help="Why a closed month is closed again.")] = "",
    config: ConfigOption = None,
) -> None:
    """Freeze a month that is over, with its evidence and the rules."""
    with store(config) as installation:
        made = months.close_month(
            installation.database,
            installation.clock,
            _month(month),
            _zone(zone),
            actor=actor(),
            reason=reason,
        )
    say(f"{month} is closed as version {made.version}; SHA-256 {made.sha256}")


@app.command("closed")
def closed(
    month: MonthArgument,
    by: ByOption = Scope.ENGINEER,
    version: Annotated[int, typer.Option(help="Which one; 0: the last.")] = 0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show a closed month as it was closed, and whether it can be made again to the last bit."""
    with store(config) as installation, installation.database.transaction() as conn:
        found = months.read_month(conn, _month(month), version)
    if by not in found.reviews:
        raise BadInputError(f"--by: {by.value}; allowed: {', '.join(found.reviews)}")
    _show(found.reviews[by], as_json)
    if not as_json:
        again = "made again to the last bit" if months.is_reproduced(found) else "NOT reproduced"
        say(
            f"version {found.version}, closed {found.closed_at:%Y-%m-%d} by {found.closed_by}: {again}"
        )


@app.command("compare")
def compare(
    month: MonthArgument,
    rules_file: Annotated[
        Path, typer.Option("--rules", help="Other rules: a file like rules.toml.")
    ],
    config: ConfigOption = None,
) -> None:
    """What other rules would make of a closed month: old against new."""
    try:
        text = rules_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"--rules: {rules_file}: {error}") from error
    with store(config) as installation, installation.database.transaction() as conn:
        found = months.read_month(conn, _month(month))
    table = Table("of", "key", "measure", "as closed", "by these rules")
    for change in months.changes(found.reviews, months.make(found.evidence, text)):
        table.add_row(
            change.scope, change.key, change.measure, _number(change.before), _number(change.after)
        )
    OUT.print(table)


@app.command("dispute")
def dispute(
    reason: Annotated[str, typer.Option(help="Why it should not count.")],
    ticket: Annotated[int | None, typer.Option(help="A ticket.")] = None,
    device: Annotated[str | None, typer.Option(help="Or a device, with --from and --to.")] = None,
    start: Annotated[datetime | None, typer.Option("--from", help="In UTC.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", help="In UTC.")] = None,
    config: ConfigOption = None,
) -> None:
    """Dispute a ticket, or a stretch of a device's downtime."""
    with store(config) as installation:
        if ticket is not None and device is None:
            about: int | Downtime = ticket
        elif device is not None and start is not None and end is not None and ticket is None:
            with installation.database.transaction() as conn:
                asked = {"key": device}
                row = conn.execute(load("kpi")["device_of_key"], asked).fetchone()
            if row is None:
                raise BadInputError(f"--device: {device!r}; there is no such device")
            about = Downtime(row["id"], start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
        else:
            raise BadInputError("name either --ticket, or --device with --from and --to")
        number = raise_dispute(
            installation.database, installation.clock, about, reason, actor=actor()
        )
    say(f"dispute {number} waits for somebody else's decision")


@app.command("decide")
def decide_(
    dispute_id: Annotated[int, typer.Argument(metavar="ID")],
    answer: Annotated[str, typer.Option(help="What whoever raised it is told.")],
    accept: Annotated[bool, typer.Option("--accept/--refuse")],
    config: ConfigOption = None,
) -> None:
    """Accept or refuse a dispute."""
    with store(config) as installation:
        decide(
            installation.database,
            installation.clock,
            dispute_id,
            accepted=accept,
            answer=answer,
            actor=actor(),
        )
    say(f"dispute {dispute_id} is {'accepted' if accept else 'refused'}")


@app.command("disputes")
def list_disputes(config: ConfigOption = None) -> None:
    """List what was disputed, the newest first."""
    with store(config) as installation, installation.database.transaction() as conn:
        rows = disputes(conn)
    table = Table("id", "about", "reason", "raised by", "decision")
    for row in rows:
        about = (
            f"ticket {row['ticket_id']}"
            if row["ticket_id"]
            else f"{row['device']} {row['starts_at']:%Y-%m-%d %H:%M} - {row['ends_at']:%Y-%m-%d %H:%M}"
        )
        word = {None: "open", True: "accepted", False: "refused"}[row["accepted"]]
        decision = f"{word}: {row['answer']}" if row["answer"] else word
        table.add_row(str(row["id"]), about, row["reason"], row["raised_by"], decision)
    OUT.print(table)


def _show(found: Review, as_json: bool) -> None:
    if as_json:
        say(json.dumps(msgspec.to_builtins(found)))
        return
    table = Table(found.scope.value, "uptime", *(name for name, _ in found.measures))
    for row in found.rows:
        cells: Sequence[str] = [""] * len(found.measures)
        if row.figures:
            cells = [
                f"{_number(figure.value)} → {_number(figure.adjusted)} ({len(figure.cases)}{'!' * figure.few})"
                for figure in row.figures
            ]
        table.add_row(row.name, _share(row.uptime.ratio if row.uptime else None), *cells)
    OUT.print(table)
    say("raw → adjusted (cases; !: too few to compare)")


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError as error:
        raise BadInputError(
            f"month: {text!r}; allowed: a year and a month, such as 2026-03"
        ) from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadInputError(
            f"--zone: {name!r}; allowed: a time zone such as Asia/Tehran"
        ) from error


def _share(ratio: float | None) -> str:
    return "" if ratio is None else f"{int(ratio * 10_000) / 100:.2f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"
