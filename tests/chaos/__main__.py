"""`make chaos`: every scenario at full load, on every broker that is installed, round after round.

Prints a table, and one JSON object as the last line. Exit code 1 when a message was lost or stored twice.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from forecall.broker import Broker
from tests.chaos import mosquitto, scenarios
from tests.chaos.cluster import NODES, Cluster
from tests.chaos.house import AnyBroker, House
from tests.chaos.mosquitto import Mosquitto
from tests.chaos.scenarios import Result, Scenario

_OUT = Console(stderr=True)


def main() -> None:
    options = _options()
    results: list[tuple[str, Result]] = []
    given_up: dict[str, str] = {}
    for kind, runs in (("nats", _alone), ("mosquitto", _alone), ("nats x 3", _in_cluster)):
        if kind == "mosquitto" and mosquitto.PROGRAM is None:
            _OUT.print("mosquitto is not installed: left out")
            continue
        try:
            for result in runs(kind, options):
                results.append((kind, result))
                mark = "ok" if result.well else "[red]WRONG[/]"
                _OUT.print(f"{mark} {kind} {result.scenario}: {result.seconds:.0f} s")
        except AssertionError as error:  # the other brokers are still to be tried
            given_up[kind] = str(error)
            _OUT.print(f"[red]WRONG[/] {kind}: given up: {error}")
    _OUT.print(_table(results))
    well = not given_up and all(result.well for _, result in results)
    counts = [{"broker": kind, **asdict(result), "well": result.well} for kind, result in results]
    sys.stdout.write(json.dumps({"well": well, "given_up": given_up, "runs": counts}) + "\n")
    sys.exit(0 if well else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--absence", type=float, default=60, help="seconds without a database")
    parser.add_argument("--rate", type=float, default=0, help="messages a second; 0: full load")
    return parser.parse_args()


@contextmanager
def _house(broker: AnyBroker, folder: Path, settings: Mapping[str, str] = {}) -> Iterator[House]:
    broker.start()
    try:
        with House(folder, broker, dict(settings)) as house:
            yield house
    finally:
        broker.stop()


def _alone(kind: str, options: argparse.Namespace) -> Iterator[Result]:
    """One broker: everything with one collector, then what two that share must live through."""
    for collectors in (1, 2):
        with tempfile.TemporaryDirectory(prefix="forecall-chaos-") as name:
            folder = Path(name)
            make = Broker if kind == "nats" else Mosquitto
            with _house(make(folder / "broker"), folder) as house:
                if collectors == 1:
                    house.add_collector()
                    house.await_collectors()
                    yield from _rounds(house, kind, scenarios.ALL * options.rounds, options)
                else:
                    house.share(collectors)
                    yield from _rounds(house, kind, scenarios.SHARED, options)


def _in_cluster(kind: str, options: argparse.Namespace) -> Iterator[Result]:
    """Each node is killed in its turn."""
    with tempfile.TemporaryDirectory(prefix="forecall-chaos-") as name:
        cluster = Cluster(Path(name) / "cluster")
        with _house(cluster, Path(name), cluster.settings) as house:
            house.add_collector()
            house.await_collectors()
            for number in range(NODES):
                yield scenarios.run(
                    house,
                    cluster.node_killed,
                    f"node-{number}",
                    rate=options.rate,
                    addresses=cluster.addresses,
                )
                cluster.mend()


def _rounds(
    house: House, kind: str, rounds: Sequence[Scenario], options: argparse.Namespace
) -> Iterator[Result]:
    absence = timedelta(seconds=options.absence)
    for number, scenario in enumerate(rounds):
        # Mosquitto writes what it holds at intervals and at its end: a killed one forgets.
        if kind == "mosquitto" and scenario is scenarios.broker_killed:
            continue
        name = f"r{number}-{scenario.__name__.replace('_', '-')}"
        yield scenarios.run(house, scenario, name, absence=absence, rate=options.rate)


def _table(results: list[tuple[str, Result]]) -> Table:
    columns = [field.name for field in fields(Result)]
    table = Table("broker", *(name.replace("_", " ") for name in columns), box=None)
    for kind, result in results:
        values = (getattr(result, name) for name in columns)
        shown = (f"{value:.1f}" if isinstance(value, float) else str(value) for value in values)
        table.add_row(kind, *shown)
    return table


if __name__ == "__main__":
    main()
