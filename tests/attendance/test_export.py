"""Punches out of the store: every record once, in a form that programs and spreadsheets can trust."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attendance import AttendanceRecord, Punch
from domain.clock import ManualClock
from domain.errors import BadInputError, NotFoundError
from pipeline.attendance import place_records, store_records
from pipeline.attendance_export import HEADER, Wanted, csv_lines
from storage.database import Database
from tests.attendance.conftest import TEHRAN, Clocked, punch_on

DAY = date(2026, 2, 28)


def exported(database: Database, wanted: Wanted) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(csv_lines(database, wanted)), newline="")))


def test_the_file_names_the_punch_in_words_and_codes(
    database: Database, clock: ManualClock, enter_clock: Clocked
) -> None:
    device_id = enter_clock("door-1")
    punch = Punch("1001", datetime(2026, 2, 28, 8, 0, 1), 15, 1)  # noqa: DTZ001
    with database.transaction() as conn:
        store_records(conn, device_id, "SN1", TEHRAN, [AttendanceRecord(punch, 1)], clock.now())
    text = "".join(csv_lines(database, Wanted(DAY, DAY, "gate")))
    assert text.splitlines() == [
        "site,device,serial,user,local_time,utc_time,time_zone,status,status_code,punch,punch_code,nth",
        "gate,door-1,SN1,1001,2026-02-28 08:00:01,2026-02-28T04:30:01Z,Asia/Tehran,face,15,out,1,1",
    ]
    assert tuple(text.splitlines()[0].split(",")) == HEADER


def test_every_record_comes_once_however_many_share_a_second(
    database: Database,
    clock: ManualClock,
    enter_clock: Clocked,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device_id = enter_clock("door-1")
    moment = datetime(2026, 2, 28, 8)  # noqa: DTZ001
    records = [
        AttendanceRecord(Punch(str(user), moment, 1, 0), nth)
        for user in range(50)
        for nth in (1, 2)
    ]
    with database.transaction() as conn:
        store_records(conn, device_id, "SN1", TEHRAN, records, clock.now())
    monkeypatch.setattr("pipeline.attendance_export._ROWS_AT_ONCE", 7)
    rows = exported(database, Wanted(DAY, DAY))
    assert len(rows) == 100
    assert {(row["user"], row["nth"]) for row in rows} == {
        (record.punch.user_ref, str(record.nth)) for record in records
    }


@pytest.mark.parametrize(
    ("zone", "hour"), [("Pacific/Kiritimati", 0), ("Pacific/Pago_Pago", 23), ("Asia/Tehran", 12)]
)
def test_a_period_is_days_of_the_clocks_own_calendar(
    database: Database, clock: ManualClock, enter_clock: Clocked, zone: str, hour: int
) -> None:
    device_id = enter_clock("door-1", zone=zone)
    days = [datetime(2026, 2, day, hour, 30) for day in (27, 28)]  # noqa: DTZ001
    records = [AttendanceRecord(Punch("1", moment, 1, 0), 1) for moment in days]
    with database.transaction() as conn:
        store_records(conn, device_id, "SN1", ZoneInfo(zone), records, clock.now())
    (row,) = exported(database, Wanted(DAY, DAY))
    assert row["local_time"] == f"2026-02-28 {hour:02}:30:00"


def test_after_a_clock_has_moved_its_punches_stay_where_they_were_made(
    database: Database, clock: ManualClock, enter_clock: Clocked
) -> None:
    device_id = enter_clock("door-1")
    enter_clock("door-2", site="office")
    punch_on(database, clock, device_id, "SN1", [DAY])
    with database.transaction() as conn:
        conn.execute(
            """UPDATE device SET site_id = (SELECT id FROM site WHERE key = 'office'),
                                 placed_at = %s""",
            [clock.now()],
        )
    punch_on(database, clock, device_id, "SN1", [DAY + timedelta(days=1)])
    period = (DAY, DAY + timedelta(days=1))
    assert {row["local_time"][:10] for row in exported(database, Wanted(*period, "gate"))} == {
        "2026-02-28"
    }
    assert {row["local_time"][:10] for row in exported(database, Wanted(*period, "office"))} == {
        "2026-03-01"
    }


def test_what_was_punched_before_a_device_had_a_site_is_that_sites_afterwards(
    database: Database, clock: ManualClock, enter_clock: Clocked
) -> None:
    device_id = enter_clock("door-1")
    with database.transaction() as conn:
        conn.execute("UPDATE device SET site_id = NULL, placed_at = %s", [clock.now()])
        punch = Punch("1", datetime(2026, 2, 28, 8), 1, 0)  # noqa: DTZ001
        utc = ZoneInfo("UTC")
        store_records(conn, device_id, "SN1", utc, [AttendanceRecord(punch, 1)], clock.now())
    assert place_records(database) == 0
    with database.transaction() as conn:
        conn.execute("UPDATE device SET site_id = (SELECT id FROM site)")
    assert place_records(database) == 1
    (row,) = exported(database, Wanted(DAY, DAY, "gate"))
    assert row["utc_time"] == "2026-02-28T04:30:00Z"


@given(
    user=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]),
        min_size=1,
        max_size=20,
    )
)
def test_no_cell_is_a_formula_and_every_user_can_be_read_back(user: str) -> None:
    from pipeline.attendance_export import _cells, _csv

    row = {
        "site": "=gate",
        "device": "@door",
        "serial": "-SN",
        "user_ref": user,
        "local_time": datetime(2026, 1, 1),  # noqa: DTZ001
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "zone": "UTC",
        "status": 999,
        "punch": 77,
        "nth": 1,
    }
    (cells,) = csv.reader(io.StringIO(_csv([_cells(row)]), newline=""))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert cells[3].removeprefix("'") == user.removeprefix("'")
    assert cells[7:11] == ["", "999", "", "77"]


def test_what_is_not_there_and_periods_that_are_none_are_refused(database: Database) -> None:
    with pytest.raises(BadInputError, match="days are wanted"):
        Wanted(DAY, DAY - timedelta(days=1))
    with pytest.raises(BadInputError, match="days are wanted"):
        Wanted(DAY, DAY + timedelta(days=366))
    with pytest.raises(NotFoundError, match="nowhere"):
        list(csv_lines(database, Wanted(DAY, DAY, "nowhere")))
