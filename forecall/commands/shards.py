"""`forecall shards`: who holds which part of the topics, and the end of a part."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from forecall.commands.store import OUT, ConfigOption, actor, say, store

app = typer.Typer(no_args_is_help=True, help="The shards of the MQTT topics.")


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """Show every shard, its topics and the collector that holds it."""
    from collectors.mqtt.shards import Shard
    from pipeline.shards import read_shards

    with store(config) as installation, installation.database.transaction() as conn:
        rows = read_shards(conn)
    table = Table("Collector", "Topics", "Held by", box=None)
    for row in rows:
        name = Shard(row["name"], tuple(row["filters"])).collector
        table.add_row(name, " ".join(row["filters"]) or "all", row["holder"] or "nobody")
    OUT.print(table)


@app.command()
def drop(
    collector: Annotated[str, typer.Argument(help="As listed, such as mqtt:north.")],
    config: ConfigOption = None,
) -> None:
    """Forget a shard that no collector has in its settings any more.

    The broker forgets its session and what still waits there; its devices are unwatched until another
    shard hears them.
    """
    from collectors.mqtt.ending import end_session
    from forecall.services import shard_settings
    from pipeline.devices.fleet import audit
    from pipeline.shards import forget_shard

    name = collector.partition(":")[2]
    with store(config) as installation, installation.database.transaction() as conn:
        shard = forget_shard(conn, installation.clock, name)
        audit(conn, actor(), "shard_dropped", collector, {"filters": list(shard.topics)})
        end_session(shard_settings(installation.settings, shard))
    say(f"{collector} is forgotten, and its session on the broker ended.")
