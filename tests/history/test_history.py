"""What a history folder may hold, in which shapes, and how unknown metrics are taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError
from domain.report import MetricKind
from pipeline.history import History, MetricReadings, behaves_as, read_history

DAY = "2024-01-{day:02}T00:00:00Z"


def _folder(path: Path, **files: list[str]) -> Path:
    path.mkdir(exist_ok=True)
    files.setdefault("devices", ["device_id,kind,rack", "a,disk,1", "b,disk,2", "c,disk,3"])
    for name, lines in files.items():
        (path / f"{name}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def _told(history: History) -> list[tuple[str, str, list[float]]]:
    return [
        (readings.metric, history.devices[device].key, readings.value[first:last].tolist())
        for readings in history.readings
        for device, (first, last) in enumerate(
            zip(readings.first[:-1], readings.first[1:], strict=True)
        )
        if first < last
    ]


EVENTS = ["time,device_id,code,severity", f"{DAY.format(day=2)},b,E7,error"]
READINGS = ["time,device_id,x", f"{DAY.format(day=3)},a,1.5", f"{DAY.format(day=1)},a,1"]
FAILURES = ["time,device_id,component", f"{DAY.format(day=9)},c,disk"]


@pytest.mark.parametrize("name", ["events", "readings", "failures"])
def test_any_one_file_beside_the_devices_is_a_history(tmp_path: Path, name: str) -> None:
    lines = {"events": EVENTS, "readings": READINGS, "failures": FAILURES}[name]
    history = read_history(_folder(tmp_path / "h", **{name: lines}))
    counts = (len(history.events.at), len(history.readings), len(history.failures.at))
    assert sum(counts) == 1
    assert history.began.day == {"events": 2, "readings": 1, "failures": 9}[name]
    assert history.devices[0].attributes == {"rack": "1"}


@pytest.mark.parametrize("column", [True, False])
def test_an_event_that_does_not_say_how_severe_it_is_is_judged_by_its_code(
    tmp_path: Path, column: bool
) -> None:
    codes = ("cutterFailure", "paperOk", "E7")
    lines = [f"{DAY.format(day=2)},b,{code}{',' * column}" for code in codes]
    lines.insert(0, "time,device_id,code" + ",severity" * column)
    events = read_history(_folder(tmp_path / "h", events=lines)).events
    assert dict(zip(events.code.texts(), events.severity.texts(), strict=True)) == {
        "cutterFailure": "critical",
        "paperOk": "info",
        "E7": "warning",  # as everywhere where nobody says
    }


def test_a_folder_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="none of readings, events"):
        read_history(_folder(tmp_path / "h"))
    with pytest.raises(BadInputError, match="no rows"):
        read_history(_folder(tmp_path / "h", failures=FAILURES[:1]))


def test_rows_in_any_order_come_by_device_and_time_and_gaps_are_kept(tmp_path: Path) -> None:
    lines = ["time,device_id,x,y", f"{DAY.format(day=3)},b,5,", f"{DAY.format(day=2)},a,3,1"]
    wide = read_history(_folder(tmp_path / "h", readings=[*lines, f"{DAY.format(day=1)},b,4,2"]))
    x, y = wide.readings
    assert _told(wide)[:2] == [("x", "a", [3.0]), ("x", "b", [4.0, 5.0])]
    assert x.at is y.at
    assert np.isnan(y.value).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("readings", "2024-01-01,a,1", "row 3, column time: '2024-01-01'; an RFC 3339 time"),
        ("readings", "0024-01-01T00:00:00Z,a,1", "row 3, column time: .*; from 1970"),
        ("readings", ",a,1", "row 3, column time: ''; an RFC 3339"),
        ("readings", f"{DAY.format(day=5)},z,1", "row 3, column device_id: 'z'; it must stand"),
        ("readings", f"{DAY.format(day=5)},,1", "row 3, column device_id: ''; it must stand"),
        ("readings", f"{DAY.format(day=5)},a,inf", "row 3, column x: .*inf.*; a finite number"),
        ("readings", f"{DAY.format(day=5)},a,1e", "row 3, column x: '1e'; a number"),
        ("events", f"{DAY.format(day=5)},a,,error", "row 3, column code: ''; a name"),
        (
            "events",
            f"{DAY.format(day=5)},a,E,bad",
            "row 3, column severity: 'bad'; allowed: info",
        ),
        ("failures", f"{DAY.format(day=5)},a,", "row 3, column component: ''; a name"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, file: str, line: str, message: str) -> None:
    files = {"events": EVENTS, "readings": READINGS[:2], "failures": FAILURES}
    files[file] = [*files[file], line]
    with pytest.raises(BadInputError, match=rf"{file}\.csv, {message}"):
        read_history(_folder(tmp_path / "h", **files))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"readings\.csv: column x stands twice"):
        read_history(_folder(tmp_path / "h", readings=["time,device_id,x,x"]))


def test_names_in_dictionaries_and_whole_numbers_are_read_from_parquet(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "h", events=EVENTS)
    at = pa.array(np.array(["2024-01-01", "2024-01-02"], "datetime64[us]"))
    columns = {
        "time": at.cast(pa.timestamp("us", tz="UTC")),
        "device_id": pa.array(["b", "a"]).dictionary_encode(),
        "x": pa.array([7, None], pa.int64()),
        "ok": pa.array([True, False]),
    }
    pq.write_table(pa.table(columns), folder / "readings.parquet")
    x, ok = read_history(folder).readings
    np.testing.assert_array_equal(x.value, [np.nan, 7.0])
    assert ok.value.tolist() == [0.0, 1.0]


def test_a_part_of_the_devices_is_a_history_of_its_own(tmp_path: Path) -> None:
    files = {"events": EVENTS, "failures": FAILURES}
    lines = [f"{DAY.format(day=day)},{key},{day}" for day in (2, 1) for key in "abc"]
    whole = read_history(_folder(tmp_path / "h", readings=[READINGS[0], *lines], **files))
    part = whole.of(np.array([1, 2]))
    assert [device.key for device in part.devices] == ["b", "c"]
    assert _told(part) == [("x", "b", [1.0, 2.0]), ("x", "c", [1.0, 2.0])]
    assert part.events.device.tolist() == [0]
    assert part.failures.device.tolist() == [1]
    assert (part.began, part.ended) == (whole.began, whole.ended)


def _readings(values: list[list[float]]) -> MetricReadings:
    counts = [len(each) for each in values]
    device = np.repeat(np.arange(len(values), dtype=np.int32), counts)
    at = np.concatenate([np.arange(count) for count in counts]).astype("datetime64[us]")
    first = np.concatenate([[0], np.cumsum(counts)])
    return MetricReadings("?", at, device, np.concatenate(values), first)


@given(st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=60), min_size=1, max_size=5))
@settings(deadline=None, max_examples=40)
def test_what_only_rises_is_a_counter(steps: list[list[int]]) -> None:
    rising = [np.cumsum(each).astype(float).tolist() for each in steps]
    rises = sum(step > 0 for each in steps for step in each[1:])
    expected = MetricKind.COUNTER if rises >= 3 else MetricKind.GAUGE
    assert behaves_as(_readings(rising)) is expected
    below = [[value - 1000 for value in each] for each in rising]
    assert behaves_as(_readings(below)) is MetricKind.GAUGE


def test_rare_resets_make_no_gauge_and_noise_makes_no_counter() -> None:
    rng = np.random.default_rng(0)
    resets = np.concatenate([np.arange(90.0), np.arange(90.0)])
    assert behaves_as(_readings([resets.tolist()])) is MetricKind.COUNTER
    assert behaves_as(_readings([rng.normal(50, 1, 200).tolist()])) is MetricKind.GAUGE
    assert behaves_as(_readings([[5.0] * 50])) is MetricKind.GAUGE
    # The next device begins lower: that is no fall.
    assert behaves_as(_readings([[9.0, 10.0, 11.0, 12.0], [0.0, 1.0, 2.0]])) is MetricKind.COUNTER
