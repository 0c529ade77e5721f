"""What a backtest takes for fleets of 1x, 10x and 100x the devices: seconds and memory.

    python -m benchmarks.backtest [--history DIR] [--devices 23000 --daily] [--times 1,10,100]

Without a folder it makes its own: devices with four gauges, that fail every few months after a day of
heat. A folder is replicated under new names: `--times 10` has each of its devices ten times. Every size
runs in a process of its own; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

_START = datetime(2026, 1, 1, tzinfo=UTC)
_GAUGES = ("x.volt", "x.rotate", "x.pressure", "x.vibration")
_WEARS_H = 30


def main() -> None:
    chosen = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rows = []
        for times in chosen.times:
            history = folder / f"x{times}"
            if chosen.history:
                _replicate(Path(chosen.history), history, times)
            else:
                _write(history, chosen.devices * times, chosen.days, chosen.daily, chosen.rare)
            rows.append({"times": times, **_measured(history, chosen.horizon)})
            _say(rows[-1], first=len(rows) == 1)
    print(json.dumps({"benchmark": "backtest", "horizon": chosen.horizon, "sizes": rows}))


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--history", help="a folder of one's own, to be replicated")
    asked.add_argument("--devices", type=int, default=100)
    asked.add_argument("--days", type=int, default=240)
    asked.add_argument("--daily", action="store_true", help="one reading a day, not one an hour")
    asked.add_argument("--rare", type=float, default=1.0, help="failures so many times rarer")
    asked.add_argument("--horizon", default="24h")
    asked.add_argument("--times", type=lambda text: [int(part) for part in text.split(",")])
    asked.set_defaults(times=[1, 10])
    return asked.parse_args()


def _say(row: dict[str, Any], first: bool) -> None:
    if first:
        print(
            f"{'times':>6} {'devices':>8} {'decisions':>11} {'seconds':>8} {'CPU s':>7} {'MB':>6} {'PR-AUC':>7}"
        )
    print(
        f"{row['times']:>6} {row['devices']:>8} {row['decisions']:>11,} {row['seconds']:>8.1f} "
        f"{row['cpu_s']:>7.1f} {row['mb']:>6.0f} {row['pr_auc']:>7.3f}",
        flush=True,
    )


def _measured(history: Path, horizon: str) -> dict[str, Any]:
    """One backtest with its report, in a process of its own."""
    out, page = history.with_suffix(".json"), history.with_suffix(".html")
    command = ["backtest", "--history", str(history), "--horizon", horizon]
    program = (
        "import resource, sys; from forecall.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "finally:\n"
        "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    print('used', used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    began = perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *command, "--json", str(out), "--report", str(page)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = perf_counter() - began
    figures = json.loads(out.read_text())
    cpu_s, peak_kb = done.stdout.rsplit("used ", 1)[1].split()
    protocol = figures["protocol"]
    return {
        "devices": protocol["devices"],
        "decisions": protocol["decisions_train"] + protocol["decisions_test"],
        "seconds": round(seconds, 1),
        "cpu_s": round(float(cpu_s), 1),
        "mb": int(peak_kb) / 1024,
        "pr_auc": figures["macro"].get("pr_auc") or 0.0,
        "parts": figures["seconds"],
    }


def _write(folder: Path, devices: int, days: int, daily: bool, rare: float) -> None:
    """A fleet of this benchmark's own, as Parquet."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    step = 24 if daily else 1
    hours = np.arange(0, days * 24, step)
    names = [f"d{place:06}" for place in range(devices)]
    pq.write_table(
        pa.table({"device_id": names, "kind": ["machine"] * devices}), folder / "devices.parquet"
    )
    failures: list[tuple[datetime, str]] = []
    with _sheet(folder) as sheet:
        for name in names:
            at = np.cumsum(draw.exponential(60 * 24 * rare, 40))
            at = np.ceil(at[at < hours[-1]] / step) * step
            failures += [(_START + timedelta(hours=float(hour)), name) for hour in at]
            sheet.write_table(_readings(draw, name, hours, at, 7 if daily else 1))
    _records(folder / "failures.parquet", failures, 0)
    _records(folder / "maintenance.parquet", failures, step)


def _records(path: Path, failures: list[tuple[datetime, str]], later_h: int) -> None:
    columns: dict[str, list[Any]] = {
        "time": [at + timedelta(hours=later_h) for at, _ in failures],
        "device_id": [name for _, name in failures],
        "component": ["pump"] * len(failures),
    }
    if later_h:
        columns["action"] = ["replaced"] * len(failures)
    pq.write_table(pa.table(columns), path)


_SHEET = pa.schema(
    [("time", pa.timestamp("us", "UTC")), ("device_id", pa.string())]
    + [(name, pa.float32()) for name in _GAUGES]
)


def _sheet(folder: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(folder / "readings.parquet", _SHEET)


def _readings(
    draw: np.random.Generator, name: str, hours: Any, failures: Any, slower: int
) -> pa.Table:
    left = np.full(len(hours), np.inf)
    for at in failures:
        left = np.where(hours < at, np.minimum(left, at - hours), left)
    wear = np.maximum(0, 1 - left / (_WEARS_H * slower))
    ticks = np.datetime64(_START.replace(tzinfo=None), "us") + hours * np.timedelta64(1, "h")
    columns = [draw.normal(50, 5, len(hours)) for _ in _GAUGES]
    columns[0] = columns[0] + 25 * wear
    values = [pa.array(column.astype(np.float32)) for column in columns]
    time = pa.array(ticks.astype("datetime64[us]")).cast(_SHEET.field("time").type)
    return pa.table([time, pa.array([name] * len(hours)), *values], schema=_SHEET)


def _replicate(source: Path, folder: Path, times: int) -> None:
    """Every row of every file `times` times, with the device's name numbered."""
    folder.mkdir()
    for path in sorted(source.iterdir()):
        if path.suffix not in (".csv", ".parquet"):
            continue
        table = pa_csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path)
        place = table.column_names.index("device_id")
        with pq.ParquetWriter(
            folder / f"{path.stem}.parquet", _renamed(table, place, 0).schema
        ) as out:
            for copy in range(times):
                out.write_table(_renamed(table, place, copy))


def _renamed(table: pa.Table, place: int, copy: int) -> pa.Table:
    names = table.column(place).cast(pa.string())
    return table.set_column(place, "device_id", pc.binary_join_element_wise(names, str(copy), "-"))


if __name__ == "__main__":
    main()
