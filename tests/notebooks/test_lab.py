"""The facade of the notebooks: tables that say the same as the files, and refusals that name what is wrong."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import BadInputError
from models import lab

SPLIT = datetime(2026, 2, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab") / "fleet"
    lab.simulated(folder, devices=6, days=40, seed=9, kinds="pos,kiosk", seldom=0.5)
    return folder


@pytest.fixture(scope="module")
def fleet(folder: Path) -> lab.HistoryLab:
    return lab.open_history(folder)


@pytest.fixture(scope="module")
def data(fleet: lab.HistoryLab) -> lab.DataLab:
    return fleet.dataset("kiosk", "24h", split=SPLIT)


def _file(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv")


def test_devices_and_records_are_those_of_the_files(folder: Path, fleet: lab.HistoryLab) -> None:
    devices = fleet.devices()
    assert list(devices.index) == list(_file(folder, "devices")["device_id"])
    for column, name in (
        ("events", "events"),
        ("repairs", "maintenance"),
        ("failures", "failures"),
    ):
        counted = _file(folder, name)["device_id"].value_counts()
        assert devices[column].to_dict() == counted.reindex(devices.index, fill_value=0).to_dict()
    cells = _file(folder, "readings").set_index("device_id").notna().drop(columns="time")
    counted = cells.sum(axis=1).groupby("device_id").sum()
    assert devices["readings"].to_dict() == counted.to_dict()
    assert len(fleet.maintenance()) == len(_file(folder, "maintenance"))


def test_every_time_is_in_utc(fleet: lab.HistoryLab) -> None:
    for frame in (fleet.events(), fleet.maintenance(), fleet.failures()):
        assert str(frame["time"].dt.tz) == "UTC"
    assert str(fleet.readings(fleet.devices().index[0]).index.tz) == "UTC"


def test_a_devices_readings_are_those_of_the_file(folder: Path, fleet: lab.HistoryLab) -> None:
    key = fleet.devices().index[-1]
    read = _file(folder, "readings").query("device_id == @key").dropna(axis=1, how="all")
    shown = fleet.readings(key)
    assert set(shown.columns) == set(read.columns) - {"time", "device_id"}
    for metric in shown:
        assert np.array_equal(shown[metric].to_numpy(), read[metric].to_numpy())
    assert list(fleet.readings(key, ["x.SupplyVoltage"]).columns) == ["x.SupplyVoltage"]


def test_the_overview_counts_failures_for_each_device_year(
    folder: Path, fleet: lab.HistoryLab
) -> None:
    overview = fleet.overview()
    assert overview["failures"].sum() == len(_file(folder, "failures"))
    one = overview.iloc[0]
    assert one["devices"] == 3
    assert one["per_device_year"] == pytest.approx(one["failures"] / 3 * 365.25 / 40, rel=0.05)
    assert one["mean_days"] == pytest.approx(365.25 / one["per_device_year"])


def test_a_data_sets_parts_lie_on_both_sides_of_the_split_with_a_gap(data: lab.DataLab) -> None:
    component = data.data.failures.names[0]
    learned, judged = (data.table(component, part) for part in ("learn", "test"))
    assert data.split == SPLIT
    assert learned.index.get_level_values("time").max() <= SPLIT - timedelta(hours=24)
    assert judged.index.get_level_values("time").min() >= SPLIT
    assert list(learned.columns) == [*data.features().index, "label", "teaches"]


def test_labels_are_the_failures_of_the_next_day(fleet: lab.HistoryLab, data: lab.DataLab) -> None:
    component = data.data.failures.names[0]
    failures = fleet.failures().query("component == @component")
    table = data.table(component)
    for (device, time), label in table["label"].items():
        ahead = failures[failures["device"] == device]["time"] - time
        assert label == bool(((ahead > timedelta(0)) & (ahead <= timedelta(hours=24))).any())


def test_a_change_of_one_metric_moves_its_features_most(
    fleet: lab.HistoryLab, data: lab.DataLab
) -> None:
    changed = fleet.changed("x.SupplyVoltage", SPLIT, lambda value: value - 2.0)
    after = changed.dataset("kiosk", "24h", split=SPLIT, like=data)
    drift = pd.DataFrame({"before": data.drift()["psi"], "after": data.drift(after)["psi"]})
    moved = (drift["after"] - drift["before"]).sort_values()
    assert "x.SupplyVoltage" in moved.index[-1]
    others = [name for name in moved.index if "x.PaperRemaining" in name]
    assert others
    assert np.allclose(moved[others], 0)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda fleet: fleet.readings("nobody"), "device: 'nobody'"),
        (lambda fleet: fleet.readings(fleet.devices().index[0], ["x.No"]), "metric: 'x.No'"),
        (lambda fleet: fleet.dataset("tram"), "kind: 'tram'; there are: kiosk, pos"),
        (lambda fleet: fleet.dataset("pos", "soon"), "'soon': allowed"),
        (lambda fleet: fleet.dataset("pos").table("wings"), "component: 'wings' never failed"),
    ],
)
def test_what_is_not_there_is_refused_by_its_name(
    fleet: lab.HistoryLab, ask: object, says: str
) -> None:
    assert callable(ask)
    with pytest.raises(BadInputError, match=says):
        ask(fleet)


def test_without_pandas_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "from domain.errors import ConfigurationError\n"
        "try:\n    from models import lab\n"
        "except ConfigurationError as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "install Forecall's extra `lab`" in told.stdout
