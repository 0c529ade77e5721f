"""The written fleet: a history folder as anybody would bring it, and the truth that it is judged by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from domain.device import DeviceKind
from domain.errors import BadInputError
from forecall.cli import app
from pipeline.history import read_history
from simulator.evidence import VISIBLE_NATS
from simulator.folder import Examination, write_history
from simulator.stories import SHOCK, STORIES
from simulator.truth import TRUTH_FILE, Outcome, read_truth

END = datetime(2026, 3, 1, tzinfo=UTC)
WANTED = Examination(30, 60, 5, tuple(DeviceKind), END)


def _written(folder: Path, wanted: Examination = WANTED, *, as_csv: bool = False) -> Path:
    write_history(folder, wanted, as_csv=as_csv, progress=lambda *_: None)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory.mktemp("history") / "fleet")


def test_the_folder_is_a_history_that_forecall_reads(folder: Path) -> None:
    history = read_history(folder)
    assert len(history.devices) == WANTED.devices
    assert {device.kind for device in history.devices} == set(DeviceKind)
    assert pq.read_table(folder / "readings.parquet").num_rows > 30 * 55 * 24
    assert pq.read_table(folder / "failures.parquet").num_rows > 10


def test_every_failure_has_its_truth_and_truth_has_no_other(folder: Path) -> None:
    table = pq.read_table(folder / "failures.parquet").to_pylist()
    recorded = sorted((row["device_id"], row["component"], row["time"]) for row in table)
    truth = read_truth(folder / TRUTH_FILE)
    failed = [row for row in truth if row.outcome is Outcome.FAILED]
    assert sorted((row.device, row.component, row.at) for row in failed) == recorded
    assert {row.outcome for row in truth} == set(Outcome)


def test_what_has_a_sign_becomes_visible_after_it_and_what_has_none_never(folder: Path) -> None:
    for row in read_truth(folder / TRUTH_FILE):
        assert (row.first_sign is None) == (row.story == SHOCK) == (row.strength == 0)
        if row.visible_from:
            assert row.first_sign
            assert row.first_sign < row.visible_from <= row.at


def test_the_same_words_write_the_same_fleet_and_another_seed_another(
    folder: Path, tmp_path: Path
) -> None:
    again = _written(tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()
    other = _written(tmp_path / "other", Examination(30, 60, 6, tuple(DeviceKind), END))
    keys = [
        set(pq.read_table(each / "devices.parquet")["device_id"].to_pylist())
        for each in (folder, other)
    ]
    assert not keys[0] & keys[1]


def test_daily_fleets_with_rare_failures_can_be_written_as_csv(tmp_path: Path) -> None:
    wanted = Examination(20, 40, 8, (DeviceKind.POS,), END, daily=True, seldom=20)
    history = read_history(_written(tmp_path / "daily", wanted, as_csv=True))
    assert {device.kind for device in history.devices} == {"pos"}
    heard = history.readings[0]
    a_day = np.timedelta64(23, "h")
    steps = [np.diff(heard.at[heard.device == number]).min() for number in range(20)]
    assert min(steps) > a_day
    assert len(read_truth(tmp_path / "daily" / TRUTH_FILE)) < 10


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_the_visible_part_of_each_story_is_as_strong_as_its_signs(kind: DeviceKind) -> None:
    """A strong story is visible days before, a weak one late; the measure itself is the oracle's."""
    from simulator.evidence import visible_from
    from simulator.fleet import plan_kinds
    from simulator.wear import Rise

    device = plan_kinds({kind: 1}, END.date(), 3).devices[0]
    assert VISIBLE_NATS > 0
    for story in STORIES[kind]:
        if not story.strength:
            continue
        leads = []
        for strength in (0.02, 0.2, 1.0):
            rise = Rise(
                story.component,
                END - timedelta(hours=story.ramp_h[1]),
                END,
                END + timedelta(hours=3),
                strength,
                True,
                story.name,
                story.signs,
                story.abrupt,
            )
            seen = visible_from(device, 1.0, "UTC", rise)
            leads.append((END - seen) if seen else timedelta(0))
        assert leads == sorted(leads)
        assert leads[0] < leads[-1], story


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--kinds", "clock,tram"], "'tram'; allowed: clock, pos, kiosk"),
        (["--devices", "2"], "devices: 2; allowed: 3 to"),
        (["--days", "0"], "days: 0; allowed: 1 to"),
        (["--seldom", "0"], "seldom: 0.0; allowed"),
    ],
)
def test_what_can_not_be_simulated_is_refused(
    options: list[str], says: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["simulate", "--history", str(tmp_path / "new"), *options])
    assert isinstance(result.exception, BadInputError)
    assert says in str(result.exception)
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_not_written_over(folder: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", "--history", str(folder)])
    assert isinstance(result.exception, BadInputError)


def test_a_torn_truth_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / TRUTH_FILE
    path.write_text(
        "device,kind,component,story,outcome,first_sign,visible_from,at,strength\n"
        "a,pos,b,wear,failed,,,2026-01-01T00:00:00+00:00,1\n"
        "a,pos,b,wear,lost,,,2026-01-01T00:00:00+00:00,1\n"
    )
    with pytest.raises(BadInputError, match=r"truth\.csv, row 3"):
        read_truth(path)
    with pytest.raises(BadInputError, match="is missing"):
        read_truth(tmp_path / "none.csv")
