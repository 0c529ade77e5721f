"""History folders: what comes in, and what is refused with its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from domain.clock import Clock
from domain.errors import BadInputError
from forecall.importer import import_history
from pipeline.history import read_history
from pipeline.rollups import refresh
from storage.database import Database
from tests.history.helpers import START, Told, moment, write_folder


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return write_folder(tmp_path / "history", devices=3, days=20)


def _count(database: Database, table: str) -> int:
    with database.transaction() as conn:
        row = conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()
    assert row is not None
    return int(row["n"])


def test_all_of_a_folder_comes_in(database: Database, clock: Clock, told: Told) -> None:
    counts = import_history(database, clock, told.folder)
    assert counts.devices == 3
    assert counts.readings == _count(database, "reading") == 3 * 20 * 24 * 2
    assert counts.events == _count(database, "device_event") > 0
    assert counts.failures == _count(database, "failure")
    assert counts.maintenance == _count(database, "maintenance")
    with database.transaction() as conn:
        device = conn.execute(
            "SELECT kind, attributes, adopted_at, site.key FROM device "
            "JOIN site ON site.id = site_id LIMIT 1"
        ).fetchone()
    assert device == {
        "kind": "kiosk",
        "attributes": {"colour": "red"},
        "adopted_at": clock.now(),
        "key": "north",
    }
    assert _count(database, "device_status") == 0  # nobody watched them yet


def test_rollups_are_those_that_live_readings_would_make(
    database: Database, clock: Clock, told: Told
) -> None:
    import_history(database, clock, told.folder)
    columns = "SELECT rollup::text FROM rollup_hourly AS rollup ORDER BY device_id, metric_id, hour"
    with database.transaction() as conn:
        imported = conn.execute(columns).fetchall()
        conn.execute("TRUNCATE rollup_hourly")
        conn.execute(
            "INSERT INTO rollup_touched "
            "SELECT DISTINCT device_id, date_trunc('hour', at) FROM reading "
            "ON CONFLICT DO NOTHING"
        )
    while refresh(database):
        pass
    with database.transaction() as conn:
        assert conn.execute(columns).fetchall() == imported


def test_the_same_folder_is_refused_a_second_time(
    database: Database, clock: Clock, told: Told
) -> None:
    import_history(database, clock, told.folder)
    with pytest.raises(BadInputError, match="was imported at 2026-03-02"):
        import_history(database, clock, told.folder)


def test_an_unknown_metric_is_what_it_behaves_like(
    database: Database, clock: Clock, told: Told
) -> None:
    lines = [f"{moment(hour)},k00,{hour},{hour % 7}" for hour in range(48)]
    header = "time,device_id,strokes,play"
    (told.folder / "readings.csv").write_text("\n".join([header, *lines, ""]))
    import_history(database, clock, told.folder)
    with database.transaction() as conn:
        kinds = conn.execute("SELECT name, kind FROM metric ORDER BY name").fetchall()
        grown = conn.execute(
            "SELECT sum(growth) AS sum FROM rollup_hourly"
            " JOIN metric ON metric.id = metric_id WHERE name = 'strokes'"
        ).fetchone()
    assert kinds == [{"name": "play", "kind": "gauge"}, {"name": "strokes", "kind": "counter"}]
    assert grown == {"sum": 47.0}


def test_up_to_a_moment_only(database: Database, clock: Clock, told: Told) -> None:
    until = START + timedelta(days=9)
    import_history(database, clock, told.folder, until=until)
    with database.transaction() as conn:
        for table in ("reading", "device_event", "failure", "maintenance"):
            late = conn.execute(
                f"SELECT count(*) AS n FROM {table} WHERE at >= %s",
                [until],
            ).fetchone()
            assert late == {"n": 0}


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("events.csv", ",error", ",bad", r"events\.csv, row 2, column severity: 'bad'; allowed"),
        ("failures.csv", "+00:00,k00", ",k00", r"failures\.csv, row 2, column time: .*zone"),
        ("failures.csv", ",k00,", ",nobody,", r"row 2, column device_id: 'nobody'; it must stand"),
        ("devices.csv", "2024-05-01", "May", r"devices\.csv, row 2, column installed_on: 'May'"),
        ("devices.csv", "k01,", "k00,", r"devices\.csv, row 3, column device_id: 'k00'; each"),
        ("readings.csv", "", "", r"readings\.csv, row \d+, column PaperCutCount: 'm"),
        ("maintenance.csv", "action", "deed", r"maintenance\.csv: column action is missing"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_kept(
    database: Database, clock: Clock, told: Told, file: str, old: str, new: str, message: str
) -> None:
    path = told.folder / file
    text = path.read_text()
    if file == "readings.csv":
        lines = text.split("\n")
        old, new = lines[40], lines[40].rpartition(",")[0] + ",many"
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInputError, match=message):
        import_history(database, clock, told.folder)
    assert _count(database, "device") == 0


def test_a_missing_file_is_named(database: Database, clock: Clock, told: Told) -> None:
    (told.folder / "devices.csv").unlink()
    with pytest.raises(BadInputError, match="0 files for devices; one is needed"):
        import_history(database, clock, told.folder)


def test_long_and_wide_csv_and_parquet_say_the_same(told: Told) -> None:
    wide = read_history(told.folder)
    table = pa_csv.read_csv(told.folder / "readings.csv")
    names = ["x.PrintHeadTemperature", "PaperCutCount"]
    parts = [
        pa.table(
            {
                "time": table["time"].cast(pa.timestamp("us", tz="UTC")),
                "device_id": table["device_id"],
                "metric": [name] * table.num_rows,
                "value": table[name].cast(pa.float64()),
            }
        )
        for name in names
    ]
    (told.folder / "readings.csv").unlink()
    pq.write_table(pa.concat_tables(parts), told.folder / "readings.parquet")
    long = read_history(told.folder)
    assert long.digest != wide.digest
    by_name = {readings.metric: readings for readings in wide.readings}
    for readings in long.readings:
        same = by_name[readings.metric]
        assert (readings.at == same.at).all()
        assert (readings.device == same.device).all()
        assert (readings.value == same.value).all()


def test_times_without_a_zone_in_parquet_are_refused(told: Told) -> None:
    table = pa_csv.read_csv(told.folder / "readings.csv")
    naive = table["time"].cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    (told.folder / "readings.csv").unlink()
    pq.write_table(table.set_column(0, "time", naive), told.folder / "readings.parquet")
    with pytest.raises(BadInputError, match=r"column time: .* give a time zone"):
        read_history(told.folder)
