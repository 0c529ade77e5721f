"""`forecall devices credentials, revoke`: as whom devices log in to the broker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.clock import SystemClock
from domain.errors import BadInputError
from forecall import login_files
from forecall.commands.store import ConfigOption, actor, say, store
from forecall.wiring import Installation
from pipeline.devices import logins
from storage.database import Conn

BrokerOption = Annotated[
    str | None,
    typer.Option(help="embedded, mosquitto or nats; usually the one that this system uses."),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="A folder for passwords and broker files.")
]


def register(app: typer.Typer) -> None:
    """Adds these commands to `app`."""
    app.command()(credentials)
    app.command()(revoke)


def credentials(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...")] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="All adopted devices but clocks, which don't use MQTT.")
    ] = False,
    output: OutputOption = None,
    broker: BrokerOption = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="New passwords for those that have one, too.")
    ] = False,
    topic: Annotated[
        list[str] | None,
        typer.Option(help="One more that they publish to, such as 'shop/+/{device}/#'."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Give devices logins of their own, and rights to speak for themselves only.

    The new passwords are in a file of the folder, and nowhere else: only their hashes are kept.
    """
    if bool(keys) == all_:
        raise BadInputError("KEY: name the devices, or say --all")
    if output is None:
        raise BadInputError("--output: a folder for the new passwords is needed")
    with store(config) as installation, installation.database.transaction() as conn:
        chosen = _chosen(broker, installation)
        made = logins.make(
            conn,
            login_files.BROKERS[chosen],
            None if all_ else keys,
            actor=actor(),
            rotate=rotate,
            own_topics=topic or (),
        )
        if made:
            say(f"New passwords: {login_files.hand_out(output, made, SystemClock().now())}")
        next_step = _publish(conn, chosen, installation, output)
    say(f"{len(made)} logins made. {next_step}")


def revoke(
    keys: Annotated[list[str], typer.Argument(metavar="KEY...")],
    output: OutputOption = None,
    broker: BrokerOption = None,
    config: ConfigOption = None,
) -> None:
    """Take the logins of devices back."""
    with store(config) as installation, installation.database.transaction() as conn:
        chosen = _chosen(broker, installation)
        logins.revoke(conn, keys, actor=actor())
        next_step = _publish(conn, chosen, installation, output)
    say(f"{len(keys)} revoked. {next_step}")


def _chosen(broker: str | None, installation: Installation) -> str:
    chosen = broker or login_files.usual_broker(installation.settings)
    if chosen not in login_files.BROKERS:
        raise BadInputError(f"--broker: {chosen!r}; allowed: {', '.join(login_files.BROKERS)}")
    return chosen


def _publish(conn: Conn, broker: str, installation: Installation, output: Path | None) -> str:
    settings = installation.settings
    known = logins.logins(conn, login_files.BROKERS[broker], settings.mqtt_tenant)
    return login_files.publish(broker, settings, output, known)
