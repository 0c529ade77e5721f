"""`forecall notify`: whether messages arrive, and those that did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from domain.clock import SystemClock
from domain.errors import BadInputError
from forecall.commands.store import OUT, ConfigOption, actor, say, store
from forecall.config import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from alerts.notify.policy import Policy

app = typer.Typer(no_args_is_help=True, help="Messages to people, and what could not be delivered.")


@app.command()
def check(config: ConfigOption = None) -> None:
    """Say whether the notification policy and the file of ticket systems are well-formed."""
    from forecall.post import policy_problem, systems_problem

    settings = load_settings(config)
    problems = [
        problem for problem in (policy_problem(settings), systems_problem(settings)) if problem
    ]
    for problem in problems:
        say(problem)
    if not problems:
        say("Both files are well-formed, or not set.")
    raise typer.Exit(1 if problems else 0)


@app.command("test")
def send_test(
    who: Annotated[str, typer.Argument(help="A person of the policy, or a channel.")],
    config: ConfigOption = None,
) -> None:
    """Send a test message, at once and past the outbox, and say what came of it."""
    from alerts.notify.channels.apprise_channel import AppriseChannel
    from alerts.outbox.delivery import Letter
    from forecall.post import messages

    policy = _policy(config)
    written = messages(load_settings(config))
    for person, channel in _addresses(policy, who):
        content = written.test(policy.people[person])
        key, now = f"test/{person}/{channel}", SystemClock().now()
        AppriseChannel(policy, channel).send(
            Letter(0, key, channel, "test", person, content, now, 1, now)
        )
        say(f"{channel}: {person} was sent a test message.")


@app.command()
def dead(config: ConfigOption = None) -> None:
    """List what could not be delivered and was given up, newest first."""
    from alerts.outbox.letters import dead_letters

    with store(config) as installation, installation.database.transaction() as conn:
        found = dead_letters(conn)
    if not found:
        say("Nothing was given up.")
        return
    table = Table("Number", "Channel", "About", "For", "Given up", "Attempts", "Why", box=None)
    for one in found:
        when = f"{one.ended_at:%Y-%m-%d %H:%M}"
        row = (str(one.id), one.channel, one.subject, one.person, when, str(one.attempts))
        table.add_row(*row, one.last_error)
    OUT.print(table, markup=False)


@app.command()
def retry(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="As listed by `dead`; none: all of them.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Put what was given up in line again."""
    from alerts.outbox import letters
    from pipeline.devices.fleet import audit

    with store(config) as installation, installation.database.transaction() as conn:
        count = letters.retry(conn, SystemClock(), numbers or None)
        told = {"numbers": numbers or "all", "count": count}
        audit(conn, actor(), "retry_delivery", "outbox", told)
    say(f"{count} put in line again.")


def _policy(config: Path | None) -> Policy:
    """The policy that is set. Raises BadInputError when it is not well-formed."""
    from forecall.post import policy_file

    file = policy_file(load_settings(config))
    policy = file.current()
    if file.problem:
        raise BadInputError(file.problem)
    return policy


def _addresses(policy: Policy, who: str) -> list[tuple[str, str]]:
    """(person, channel) of all that `who` stands for. Raises BadInputError when it is nobody."""
    if who in policy.people:
        return [(who, channel) for channel in policy.people[who].addresses]
    if who in policy.channels:
        return [(key, who) for key, person in policy.people.items() if who in person.addresses]
    known = ", ".join(sorted([*policy.people, *policy.channels])) or "none, as no policy is set"
    raise BadInputError(f"{who!r}; allowed: a person or channel of the policy: {known}")
