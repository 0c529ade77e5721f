"""`forecall rules`: which rules there are, whether a file of them is good, and what it would change."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from domain.errors import BadInputError, NotFoundError
from forecall.commands.store import OUT, ConfigOption, say, store
from forecall.config import load_settings

if TYPE_CHECKING:
    from alerts.replay.compare import Comparison
    from alerts.rules import RuleBook

app = typer.Typer(no_args_is_help=True, help="The rules that alerts are raised by.")

_EXAMPLES = 10
_SPAN = re.compile(r"(\d{1,4})([hd])")

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
FileArgument = Annotated[
    Path | None, typer.Argument(help="A file of rules; without it, the one that is set.")
]


@app.command("list")
def list_(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the rules that are in force, in the order in which they are asked."""
    from alerts.rules.book import as_json as told

    rules = [told(rule) for rule in _set_book(config).rules]
    if as_json:
        typer.echo(json.dumps(rules, ensure_ascii=False))
        return
    table = Table("Name", "Kind", "Severity", "Says", box=None)
    for rule in rules:
        table.add_row(
            *(escape(str(rule[key])) for key in ("name", "kind", "severity")), _said(rule)
        )
    OUT.print(table)


@app.command()
def show(
    name: str,
    at: Annotated[
        str, typer.Option(help="As it was in force at this time, such as 2026-03-02T12:00Z.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Show the text of a rule: as the files say now, or as it was when an alert was raised."""
    from alerts.rules.book import as_json as told
    from alerts.rules.force import rule_at

    if at:
        with store(config) as installation, installation.database.transaction() as conn:
            found = rule_at(conn, name, _moment(at))
    else:
        rule = _set_book(config).by_name.get(name)
        found = told(rule) if rule is not None else None
    if found is None:
        raise NotFoundError(f"there is no rule {name!r}; `forecall rules list` has them")
    values = dict(found)
    say(f"[[{values.pop('kind')}]]")
    for key, value in values.items():
        say(f"{key} = {json.dumps(value, ensure_ascii=False)}")


@app.command()
def check(file: FileArgument = None, config: ConfigOption = None) -> None:
    """Say whether a file of rules is good; exit code 1 and all that is wrong when it is not."""
    from alerts.rules import read_rules, shipped
    from alerts.rules.book import as_json as told
    from alerts.rules.force import changes
    from alerts.rules.remarks import remarks

    book = read_rules(_file(file, config))
    found = changes([told(rule) for rule in shipped().rules], [told(rule) for rule in book.rules])
    say(f"{len(book.rules)} rules, digest {book.digest[:12]}")
    for what, names in found.items():
        if names:
            say(f"{what}: {', '.join(names)}")
    for remark in remarks(book):
        say(f"look again: {remark}")


@app.command("test")
def try_(
    file: FileArgument = None,
    since: Annotated[str, typer.Option(help="How far back: 12h, 30d.")] = "30d",
    device: Annotated[str | None, typer.Option(help="One device, by its key.")] = None,
    site: Annotated[str | None, typer.Option(help="The devices of a site, by its key.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Replay a changed file of rules over what is stored, and say what it would change.

    Nothing is written: which alerts and tickets it would have opened stands beside what the rules
    that are in force now would have.
    """
    from alerts.replay.compare import compare
    from alerts.replay.past import open_past
    from alerts.rules import read_rules

    book = read_rules(_file(file, config))
    with store(config) as installation, installation.database.transaction() as conn:
        conn.execute("SET TRANSACTION READ ONLY")
        until = installation.clock.now()
        past = open_past(conn, until - _span(since), until, device, site)
        if not past.devices:
            raise NotFoundError("there is no such adopted device")
        found = compare(past, _in_force(conn, until), book)
        keys = {nth: one.key for nth, one in past.devices.items()}
    if as_json:
        typer.echo(json.dumps(found.to_json(keys), ensure_ascii=False))
    else:
        _print(found, keys)


def _print(found: Comparison, keys: dict[int, str]) -> None:
    say(
        f"{found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M}, "
        f"{found.device_months:.1f} device-months"
    )
    table = Table("Rule", "in force", "tried", "tried, a device-month", box=None)
    for rule in found.rules:
        changed = "bold" if rule.now != rule.then else ""
        share = f"{rule.then / found.device_months:.3f}" if found.device_months else "-"
        table.add_row(escape(rule.rule), str(rule.now), str(rule.then), share, style=changed)
    OUT.print(table)
    _print_alerts(found, keys)
    for note in found.notes:
        say(f"note: {note}")


def _print_alerts(found: Comparison, keys: dict[int, str]) -> None:
    alerts = f"{found.same} the same, {len(found.new)} new, {len(found.gone)} gone"
    say(
        f"Alerts: {found.same + len(found.gone)} in force, {found.same + len(found.new)} tried: {alerts}"
    )
    batches = len(found.batches_now), len(found.batches_then)
    say(f"Batches (one cause, one ticket): {batches[0]} in force, {batches[1]} tried")
    for batch in found.batches_then[:_EXAMPLES]:
        say(f"batch: {batch.recognised_at:%Y-%m-%d %H:%M} {batch.cause}")
    tickets = f"{len(found.new_tickets)} new, {len(found.gone_tickets)} gone"
    say(f"Tickets: {found.tickets_now} in force, {found.tickets_then} tried: {tickets}")
    for what, examples in (("new", found.new), ("gone", found.gone)):
        for one in examples[:_EXAMPLES]:
            ticket = ", ticket" if one.ticket_at else ""
            say(
                f"{what}: {one.opened_at:%Y-%m-%d %H:%M} {keys[one.fault.device_id]} "
                f"{one.fault.component} ({one.severity}{ticket}): {one.message} [{one.rule}]"
            )


def _in_force(conn: Any, now: datetime) -> RuleBook:
    """The book that the evaluator judges by; the shipped one where it has judged nothing yet."""
    from alerts.rules import shipped
    from alerts.rules.force import last_book

    return last_book(conn, now) or shipped()


def _set_book(config: Path | None) -> RuleBook:
    from alerts.rules import read_rules, shipped

    file = load_settings(config).alerts_rules
    return read_rules(file) if file else shipped()


def _file(given: Path | None, config: Path | None) -> Path:
    file = given or load_settings(config).alerts_rules
    if file is None:
        raise BadInputError("no file was given, and the setting alerts_rules is empty")
    return file


def _said(rule: dict[str, Any]) -> str:
    message = rule["message"]
    return escape(message if isinstance(message, str) else next(iter(message.values())))


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise BadInputError(f"since: {text!r}; allowed: hours or days, such as 12h or 30d")
    return timedelta(**{"h": {"hours": int(match[1])}, "d": {"days": int(match[1])}}[match[2]])


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"at: {text!r}; allowed: such as 2026-03-02T12:00Z") from error
    if moment.tzinfo is None:
        raise BadInputError(f"at: {text!r}; allowed: a time with its zone, such as ...Z")
    return moment
