"""A small history folder in which printers grow hot and jam before they fail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2026, 1, 5, tzinfo=UTC)
PRINTER = "receiptPrinter"
_WEARS_H = 30


@dataclass(frozen=True)
class Told:
    """What the folder holds: failures by device, in hours since `START`."""

    folder: Path
    days: int
    failures: dict[str, list[int]]

    @property
    def end(self) -> datetime:
        return START + timedelta(days=self.days)


def write_folder(folder: Path, devices: int = 16, days: int = 45, seed: int = 0) -> Told:
    """Each printer fails every 8 to 16 days; a day before, it grows hot, jams and cuts badly."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    failures = {f"k{index:02}": _failures(rng, days * 24) for index in range(devices)}
    tables = _Tables(rng, days * 24)
    for key, at in failures.items():
        tables.add(key, at)
    _write(folder / "devices.csv", "device_id,kind,model,installed_on,site,colour", tables.devices)
    _write(
        folder / "readings.csv",
        "time,device_id,x.PrintHeadTemperature,PaperCutCount",
        tables.readings,
    )
    _write(folder / "events.csv", "time,device_id,component,code,severity", tables.events)
    _write(folder / "maintenance.csv", "time,device_id,component,action", tables.maintenance)
    _write(folder / "failures.csv", "time,device_id,component", tables.failures)
    return Told(folder, days, failures)


def moment(hour: float) -> str:
    return (START + timedelta(hours=hour)).isoformat()


class _Tables:
    def __init__(self, rng: np.random.Generator, hours: int) -> None:
        self._rng, self._hours = rng, hours
        self.devices: list[str] = []
        self.readings: list[str] = []
        self.events: list[str] = []
        self.maintenance: list[str] = []
        self.failures: list[str] = []

    def add(self, key: str, failures: list[int]) -> None:
        self.devices.append(f"{key},kiosk,K1,2024-05-01,north,red")
        cuts = 1000
        for hour in range(self._hours):
            left = min((at - hour for at in failures if at > hour), default=10**6)
            wear = max(0.0, 1 - left / _WEARS_H)
            cuts += int(self._rng.poisson(5))
            heat = 45 + 15 * wear + self._rng.normal(0, 2)
            self.readings.append(f"{moment(hour)},{key},{heat:.3f},{cuts}")
            if self._rng.random() < 0.003 + 0.3 * wear:
                self.events.append(f"{moment(hour + 0.25)},{key},{PRINTER},paperJam,error")
        for at in failures:
            self.failures.append(f"{moment(at)},{key},{PRINTER}")
            self.maintenance.append(f"{moment(at + 3)},{key},{PRINTER},replaced")


def _failures(rng: np.random.Generator, hours: int) -> list[int]:
    found: list[int] = []
    at = 0
    while True:
        at += int(rng.integers(8 * 24, 16 * 24))
        if at > hours - 30:
            return found
        found.append(at)


def _write(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
