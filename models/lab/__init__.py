"""The data scientist's way in: a fleet's past, data sets, backtests and models as pandas DataFrames.

    from models import lab

    fleet = lab.open_history("my-history")         # a folder of CSV or Parquet files
    fleet.overview()                               # what fails how often
    data = fleet.dataset("kiosk", horizon="24h")   # features and labels
    judged = fleet.backtest(horizon="24h")         # what a model would have been worth
    store = lab.open_store(database, clock)        # a running system, and its models

Every time is aware, in UTC; every span is in hours unless its column says otherwise; unknown numbers are
NaN. Nothing here writes anything, but for `report`, and the store's `train` and `promote`. All figures
come from the modules that the product itself uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.clock import Clock
from domain.device import DeviceKind
from domain.errors import BadInputError
from models.backtest.protocol import Asked
from models.backtest.run import backtest
from models.lab.data import DataLab, build
from models.lab.frames import Bar, Frame, pd, span, utc
from models.lab.judged import JudgedLab
from models.lab.store import StoreLab
from models.settings import Costs
from pipeline.features.frames import Floats
from pipeline.history import History, HistoryRecords, read_history, tick
from simulator.folder import Examination, write_history
from storage.database import Database

__all__ = [
    "DataLab",
    "HistoryLab",
    "JudgedLab",
    "StoreLab",
    "open_history",
    "open_store",
    "simulated",
]

_YEAR_H = 8766.0
_END = datetime(2026, 3, 1, tzinfo=UTC)


def open_history(folder: str | Path) -> HistoryLab:
    """Opens a history folder. Raises BadInputError with file, row and column of what does not fit."""
    return HistoryLab(read_history(Path(folder)))


def simulated(
    folder: str | Path,
    *,
    devices: int,
    days: int,
    seed: int,
    kinds: str,
    daily: bool = False,
    seldom: float = 1.0,
) -> HistoryLab:
    """Opens the simulated fleet in `folder`; writes it first where there is none (its truth beside it).

    `kinds`: such as "pos,kiosk"; `daily`: a reading a day, not an hour; `seldom`: parts fail so many
    times more rarely. The same as `forecall simulate --history`.
    """
    path = Path(folder)
    if not path.exists():
        chosen = tuple(DeviceKind(kind) for kind in kinds.split(","))
        wanted = Examination(devices, days, seed, chosen, _END, daily, seldom)
        write_history(path, wanted, as_csv=True, progress=lambda _what, _share: None)
    return open_history(path)


def open_store(database: Database, clock: Clock) -> StoreLab:
    """Opens a store; `clock` is the installation's."""
    return StoreLab(database, clock)


class HistoryLab:
    """A fleet's past, as it was recorded.

    Attributes:
        history: the same as arrays.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._keys = np.array([device.key for device in history.devices], dtype=object)

    def devices(self) -> Frame:
        """One row a device, by its key.

        Columns: kind, model, firmware, site, installed_on (date or NaT), the folder's own attributes;
        readings, events, repairs, failures (counts).
        """
        rows = [
            {
                "device": device.key,
                "kind": device.kind,
                "model": device.model,
                "firmware": device.firmware,
                "site": device.site,
                "installed_on": device.installed_on or None,
                **device.attributes,
            }
            for device in self.history.devices
        ]
        frame = pd.DataFrame(rows).set_index("device")
        frame["installed_on"] = pd.to_datetime(frame["installed_on"])
        frame["readings"] = sum(
            (self._count(each.device[~np.isnan(each.value)]) for each in self.history.readings),
            start=np.zeros(len(frame), np.int64),
        )
        for name in ("events", "maintenance", "failures"):
            column = "repairs" if name == "maintenance" else name
            frame[column] = self._count(getattr(self.history, name).device)
        return frame

    def overview(self) -> Frame:
        """One row a kind of device and component that failed, the most frequent first.

        Columns: devices, failures, failed_devices, per_device_year (failures), mean_days (between two
        failures of one device; the whole span of the history counts for every device).
        """
        devices, failures = self.devices(), self.failures()
        years = (self.history.ended - self.history.began).total_seconds() / 3600 / _YEAR_H
        failures["kind"] = devices["kind"].reindex(failures["device"]).to_numpy()
        groups = failures.groupby(["kind", "component"])["device"]
        frame = pd.DataFrame({"failures": groups.size(), "failed_devices": groups.nunique()})
        sizes = devices.groupby("kind").size()
        frame.insert(0, "devices", sizes.reindex(frame.index.get_level_values("kind")).to_numpy())
        frame["per_device_year"] = frame["failures"] / (frame["devices"] * years)
        frame["mean_days"] = 365.25 / frame["per_device_year"]
        return frame.sort_values("failures", ascending=False)

    def metrics(self) -> Frame:
        """One row a metric. Columns: kind (counter or gauge), readings, devices, low, median, high."""
        rows = [
            {
                "metric": each.metric,
                "kind": str(each.kind),
                "readings": int((~np.isnan(each.value)).sum()),
                "devices": len(np.unique(each.device[~np.isnan(each.value)])),
                "low": np.nanmin(each.value),
                "median": np.nanmedian(each.value),
                "high": np.nanmax(each.value),
            }
            for each in self.history.readings
            if not np.isnan(each.value).all()
        ]
        return pd.DataFrame(rows).set_index("metric")

    def readings(self, device: str, metrics: Sequence[str] | None = None) -> Frame:
        """What one device measured: a row a time (UTC), a column a metric, in the metric's own unit.

        Raises BadInputError for a device or a metric that is not in the history.
        """
        place = np.array([self._place(device)])
        known = {each.metric: each for each in self.history.readings}
        for name in metrics or ():
            if name not in known:
                raise BadInputError(f"metric: {name!r}; there are: {', '.join(sorted(known))}")
        columns = {}
        for name in metrics or known:
            own = known[name].of(place)
            series = pd.Series(own.value, index=utc(own.at)).dropna()
            if len(series):
                columns[name] = series.groupby(level=0).last()
        frame = pd.DataFrame(columns)
        frame.index.name = "time"
        return frame

    def events(self) -> Frame:
        """All events in order. Columns: time, device, component, code, severity."""
        events = self.history.events
        return pd.DataFrame(
            {
                "time": utc(events.at),
                "device": self._keys[events.device],
                "component": events.component.texts(),
                "code": events.code.texts(),
                "severity": events.severity.texts(),
            }
        )

    def maintenance(self) -> Frame:
        """All repairs in order. Columns: time, device, component, action."""
        records = self.history.maintenance
        return self._records(records).assign(action=records.action.texts())

    def failures(self) -> Frame:
        """All failures in order. Columns: time, device, component."""
        return self._records(self.history.failures)

    def dataset(
        self,
        kind: str,
        horizon: str = "24h",
        *,
        split: datetime | None = None,
        like: DataLab | None = None,
    ) -> DataLab:
        """Features and labels of every decision about devices of `kind`.

        Args:
            split: learned from before, tested after; unless given, as `backtest` would choose it.
            like: compute the features of this data set, so that its models can be asked.

        Raises BadInputError where there is no such kind.
        """
        vocabulary = like.vocabulary if like else None
        return build(self.history, kind, Asked(span(horizon), split=split), vocabulary)

    def changed(
        self, metric: str, since: datetime, change: Callable[[Floats], Floats]
    ) -> HistoryLab:
        """The same fleet as if `metric` had read otherwise from `since` on: for trying out drift."""
        readings = tuple(
            replace(each, value=np.where(each.at < tick(since), each.value, change(each.value)))
            if each.metric == metric
            else each
            for each in self.history.readings
        )
        return HistoryLab(replace(self.history, readings=readings))

    def backtest(
        self,
        horizon: str = "24h",
        *,
        components: Sequence[str] = (),
        split: datetime | None = None,
        by_device: float | None = None,
        costs: Costs | None = None,
        bar: bool = True,
    ) -> JudgedLab:
        """Learns from the early part, judges on the late one; the same as `forecall backtest`."""
        asked = Asked(span(horizon), split=split, components=tuple(components), by_device=by_device)
        progress = Bar() if bar else None
        judged = JudgedLab(backtest(self.history, asked, costs, progress=progress))
        if progress:
            progress("judged", 1.0)
        return judged

    def _count(self, device: NDArray[np.int32]) -> NDArray[np.int64]:
        return np.bincount(device, minlength=len(self._keys)).astype(np.int64)

    def _place(self, device: str) -> int:
        places = np.flatnonzero(self._keys == device)
        if not len(places):
            raise BadInputError(f"device: {device!r} does not stand in devices")
        return int(places[0])

    def _records(self, records: HistoryRecords) -> Frame:
        return pd.DataFrame(
            {
                "time": utc(records.at),
                "device": self._keys[records.device],
                "component": records.component.texts(),
            }
        )
