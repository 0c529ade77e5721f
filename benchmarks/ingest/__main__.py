"""`python -m benchmarks.ingest`: how fast messages of terminals become committed rows.

Four ways, one after the other in each round, on a fresh database and a fresh broker each: (a) the
bare limit of COPY, (b1) a short script, (b2) that script made exactly-once, (c) Forecall's collector
with one process and with two. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.ingest.contenders import CONTENDERS, KILLED, Figures
from benchmarks.ingest.load import Load
from storage.embedded import EmbeddedServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--devices", type=int, nargs="+", default=[1000])
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--rate",
        type=float,
        default=0,
        help="messages a second; 0: as fast as the broker takes them",
    )
    parser.add_argument("--only", choices=list(CONTENDERS), action="append")
    parser.add_argument("--kill", action="store_true", help="also kill each collector half way")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        runs = []
        for devices in options.devices:
            load = Load(devices, options.messages, options.rate)
            runs.append(_run(server, Path(folder), load, options))
    print(json.dumps(runs[0] if len(runs) == 1 else runs))


def _run(
    server: EmbeddedServer, folder: Path, load: Load, options: argparse.Namespace
) -> dict[str, Any]:
    names = options.only or list(CONTENDERS)
    rounds = [
        {name: CONTENDERS[name](server, folder, load) for name in names}
        for _ in range(options.rounds)
    ]
    results = {name: _median([each[name] for each in rounds]) for name in names}
    _show(load, results)
    killed = {}
    for name in names if options.kill else ():
        if name in KILLED:
            killed[name] = found = KILLED[name](server, folder, load)
            print(f"{name}, killed -9 half way: {found['lost']} lost, {found['twice']} twice")
    return {"devices": load.devices, "messages": load.messages, **results, "killed": killed}


def _median(figures: list[Figures]) -> dict[str, Any]:
    """The round whose speed is in the middle; and whatever any round lost or stored twice."""
    middle = median(sorted(each.values_per_s for each in figures)[: len(figures) | 1])
    chosen = min(figures, key=lambda each: abs(each.values_per_s - middle))
    worst = {
        "lost": max(each.lost for each in figures),
        "duplicated": max(each.duplicated for each in figures),
    }
    return chosen.as_json() | worst | {"rounds": [round(each.values_per_s) for each in figures]}


def _show(load: Load, results: dict[str, dict[str, Any]]) -> None:
    print(f"{load.messages:,} messages of {load.devices:,} devices")
    head = ("", "values/s", "CPU s/M", "of them store", "p50 s", "p99 s", "lost", "twice")
    print("{:<24}{:>10}{:>9}{:>15}{:>8}{:>8}{:>8}{:>8}".format(*head))
    for name, found in results.items():
        cpu = found["cpu_s_per_million"]
        print(
            f"{name:<24}{found['values_per_s']:>10,}{cpu['collector'] + cpu['store']:>9.2f}"
            f"{cpu['store']:>15.2f}{found['p50_s']:>8.2f}{found['p99_s']:>8.2f}"
            f"{found['lost']:>8}{found['duplicated']:>8}"
        )


if __name__ == "__main__":
    main()
