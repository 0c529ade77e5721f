"""The receiver on a real port: what a clock says, and what it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from domain.clock import ManualClock
from pipeline.push_fleet import MOST_STRANGERS_AN_HOUR
from pipeline.sweep import sweep
from pipeline.watch import CollectorWatch
from storage.database import Database
from tests.adms.conftest import Adopt
from tests.adms.helpers import SN, greet, options_of, punches, push, rows

PUNCH = "7\t2026-03-02 08:00:01\t0\t1\t0\t0\t0"


def test_a_clock_is_greeted_and_its_punches_are_stored(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN, "Asia/Shanghai")
    options = options_of(greet(http))
    assert (options["ATTLOGStamp"], options["TimeZone"], options["Realtime"]) == ("0", "8", "1")
    lines = [PUNCH, PUNCH, "8\t2026-03-02 08:00:02\t1\t15\t0"]
    assert push(http, "ATTLOG", *lines, stamp="5001") == "OK: 3"
    assert punches(database) == [
        ("7", "2026-03-02 08:00:01", 1, 0, 1),
        ("7", "2026-03-02 08:00:01", 1, 0, 2),
        ("8", "2026-03-02 08:00:02", 15, 1, 1),
    ]
    (record,) = rows(database, "SELECT at, site_id FROM attendance_record WHERE user_ref = '8'")
    assert record == {"at": datetime(2026, 3, 2, 0, 0, 2, tzinfo=UTC), "site_id": 1}
    assert options_of(greet(http))["ATTLOGStamp"] == "5001"


def test_a_batch_sent_again_adds_nothing(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    for _ in range(3):
        push(http, "ATTLOG", PUNCH, PUNCH)
    push(http, "ATTLOG", "8\t2026-03-02 08:00:09\t0\t15")  # a face is no finger
    assert len(punches(database)) == 3
    readings = rows(
        database, "SELECT DISTINCT name, value FROM reading JOIN metric ON id = metric_id"
    )
    assert readings == [{"name": "x.VerifiedCount", "value": 2.0}]


def test_every_service_answers_with_and_without_aspx(http: httpx.Client, adopt: Adopt) -> None:
    adopt(SN)
    for ending in ("", ".aspx"):
        assert http.get(f"/iclock/cdata{ending}?SN={SN}&options=all").status_code == 200
        assert http.get(f"/iclock/ping{ending}?SN={SN}").text == "OK"
        posted = http.post(f"/iclock/cdata{ending}?SN={SN}&table=ATTLOG", content=PUNCH)
        assert posted.text == "OK: 1"
        assert http.post(f"/iclock/devicecmd{ending}?SN={SN}", content="").text == "OK"
        assert http.get(f"/iclock/getrequest{ending}?SN={SN}").status_code == 200


def test_an_unknown_clock_is_found_and_keeps_its_punches_until_it_is_adopted(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    assert greet(http).status_code == 403
    refused = http.post(f"/iclock/cdata?SN={SN}&table=ATTLOG", content=PUNCH)
    assert (refused.status_code, refused.text) == (403, "UNKNOWN DEVICE")
    assert "date" not in refused.headers
    (found,) = rows(database, "SELECT key, kind, serial, adopted_at FROM device")
    assert found == {"key": SN, "kind": "clock", "serial": SN, "adopted_at": None}
    assert punches(database) == []
    adopt(SN)
    assert http.get(f"/iclock/getrequest?SN={SN}").text == "C:1:CHECK"
    assert options_of(greet(http))["ATTLOGStamp"] == "0"
    assert push(http, "ATTLOG", PUNCH) == "OK: 1"
    assert len(punches(database)) == 1


def test_a_flood_of_unknown_serial_numbers_is_cut_off(
    http: httpx.Client, clock: ManualClock, database: Database
) -> None:
    answers = [greet(http, f"FLOOD{n:03}").status_code for n in range(MOST_STRANGERS_AN_HOUR + 3)]
    assert answers == [403] * MOST_STRANGERS_AN_HOUR + [429] * 3
    assert len(rows(database, "SELECT FROM device")) == MOST_STRANGERS_AN_HOUR
    clock.advance(timedelta(hours=1))
    assert greet(http, "FLOOD999").status_code == 403


def test_a_device_with_a_key_of_its_own_is_known_by_its_serial_number(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    device_id = adopt(SN, key="front-door")
    push(http, "ATTLOG", PUNCH)
    (record,) = rows(database, "SELECT device_id, serial FROM attendance_record")
    assert record == {"device_id": device_id, "serial": SN}


def test_a_clock_that_was_replaced_is_asked_for_all_of_its_log(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    device_id = adopt(SN, key="front-door")
    push(http, "ATTLOG", PUNCH, stamp="77")
    with database.transaction() as conn:
        conn.execute("UPDATE device SET serial = 'NEW0001'")
    assert options_of(greet(http, "NEW0001"))["ATTLOGStamp"] == "0"
    assert greet(http).status_code == 403  # the old one is nobody's any more
    push(http, "ATTLOG", PUNCH, serial="NEW0001")
    found = rows(database, "SELECT device_id, serial FROM attendance_record ORDER BY serial")
    assert found == [
        {"device_id": device_id, "serial": SN},
        {"device_id": device_id, "serial": "NEW0001"},
    ]


def test_what_cant_be_read_is_kept_with_the_reason_and_costs_no_other_line(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    answer = push(http, "ATTLOG", PUNCH, "8\t2026-02-30 08:00:00\t0\t1", "9", PUNCH)
    assert answer == "OK: 4"
    assert len(punches(database)) == 2
    (rejected,) = rows(database, "SELECT * FROM rejected_message")
    assert bytes(rejected["body"]) == b"8\t2026-02-30 08:00:00\t0\t1\n9"
    assert rejected["reason"].startswith("Time: '2026-02-30 08:00:00'")
    assert rejected["source"] == f"127.0.0.1 {SN}"


def test_a_body_that_is_too_long_is_refused_and_its_beginning_kept(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    answer = http.post(f"/iclock/cdata?SN={SN}&table=ATTLOG", content=b"x" * (5 << 20))
    assert answer.status_code == 413
    (rejected,) = rows(database, "SELECT body, reason FROM rejected_message")
    assert bytes(rejected["body"]) == b"x" * (64 << 10)
    assert "longer than" in rejected["reason"]


def test_a_serial_number_that_is_none_is_refused(http: httpx.Client) -> None:
    for serial in ("", "ab", "a b", "x" * 33, "x';--", "../etc", "%00%00%00", "é12"):
        answer = http.get("/iclock/cdata", params={"SN": serial, "options": "all"})
        assert answer.status_code == 400, serial
        assert answer.text.startswith("SN: ")


def test_nothing_else_is_served(http: httpx.Client) -> None:
    for method, path, status in (
        ("GET", "/", 404),
        ("GET", f"/iclock/shell?SN={SN}", 404),
        ("PUT", f"/iclock/cdata?SN={SN}", 405),
        ("POST", f"/iclock/getrequest?SN={SN}", 405),
        ("GET", f"/iclock/cdata?SN={SN}&table=RemoteAtt&PIN=1", 405),
    ):
        answer = http.request(method, path)
        assert answer.status_code == status, path
        assert "date" not in answer.headers


def test_templates_and_photographs_are_answered_and_not_kept(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    assert push(http, "BIODATA", "BIODATA Pin=1\tTmp=AAAA") == "OK"
    assert push(http, "OPERLOG", "USER PIN=1\tName=Li", "FP PIN=1\tTMP=AAAA") == "OK: 2"
    assert rows(database, "SELECT FROM rejected_message") == []


def test_operations_become_events_once_and_are_counted(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN, "Asia/Tehran")
    lines = [
        "OPLOG 0\t0\t2026-03-02 15:00:00\t0\t0\t0\t0",
        "OPLOG 2\t0\t2026-03-02 15:01:00\t7\t0\t0\t0",
        "OPLOG 3\t0\t2026-03-02 15:02:00\t0\t55\t0\t0",
        "OPLOG 3\t0\t2025-01-02 15:02:00\t0\t55\t0\t0",
    ]
    for _ in range(2):
        assert push(http, "OPERLOG", *lines) == "OK: 4"
    events = rows(
        database,
        "SELECT at, component, code, severity, dialect, raw_code FROM device_event ORDER BY at",
    )
    assert [tuple(event.values()) for event in events] == [
        (
            datetime(2026, 3, 2, 11, 30, tzinfo=UTC),
            "powerSupply",
            "x.PowerOn",
            "info",
            "oplog",
            "0",
        ),
        (
            datetime(2026, 3, 2, 11, 31, tzinfo=UTC),
            "fingerprintSensor",
            "x.VerifyFailed",
            "info",
            "oplog",
            "2",
        ),
        (
            datetime(2026, 3, 2, 11, 32, tzinfo=UTC),
            "device",
            "x.TamperAlarm",
            "error",
            "oplog",
            "3:55",
        ),
    ]
    readings = rows(
        database,
        "SELECT name, max(value) AS value FROM reading JOIN metric ON id = metric_id GROUP BY 1 ORDER BY 1",
    )
    assert readings == [
        {"name": "x.PowerOnCount", "value": 1.0},
        {"name": "x.VerifyFailedCount", "value": 1.0},
    ]


def test_errors_of_the_hardware_are_errors(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    lines = ["ERRORLOG ErrCode=D03E0004\tErrMsg=x", "ERRORLOG ErrCode=D01E0001\tErrMsg="]
    for _ in range(2):
        assert push(http, "ERRORLOG", *lines, stamp="3") == "OK: 2"
    events = rows(database, "SELECT code, severity, raw_code FROM device_event ORDER BY raw_code")
    assert [tuple(event.values()) for event in events] == [
        ("x.ClockError", "info", "D01E0001"),
        ("hardwareError", "error", "D03E0004"),
    ]


def test_what_it_holds_becomes_gauges_and_facts(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    options = "~DeviceName=K40,~MaxAttLogCount=10,FWVersion=Ver 8.0,UserCount=20"
    assert push(http, "options", options) == "OK"
    http.get(f"/iclock/getrequest?SN={SN}&INFO=Ver%208.1,21,40,25000,10.0.0.9,10,7,15,0,111")
    (device,) = rows(database, "SELECT model, firmware, serial FROM device")
    assert device == {"model": "K40", "firmware": "Ver 8.1", "serial": SN}
    readings = rows(
        database,
        "SELECT DISTINCT ON (name) name, value FROM reading JOIN metric ON id = metric_id"
        " ORDER BY name, value DESC",
    )
    assert {row["name"]: row["value"] for row in readings} == {
        "x.UserCount": 21,
        "x.FingerCount": 40,
        "x.RecordCount": 25_000,
        "x.RecordCapacity": 100_000,
        "x.LogFill": 25,
    }


def test_a_clock_that_falls_silent_goes_down_and_comes_back(
    http: httpx.Client, adopt: Adopt, database: Database, clock: ManualClock
) -> None:
    adopt(SN)
    watch = CollectorWatch(database, clock)
    greet(http)
    for _ in range(100):
        clock.advance(timedelta(seconds=4))
        watch.beat("adms")
    sweep(database, clock)
    assert rows(database, "SELECT state, collector FROM device_status") == [
        {"state": "down", "collector": "adms"}
    ]
    http.get(f"/iclock/ping?SN={SN}")
    assert rows(database, "SELECT state FROM device_status") == [{"state": "up"}]


def test_an_adopted_clock_is_told_the_machines_time_whatever_the_fleet_goes_by(
    http: httpx.Client, adopt: Adopt, clock: ManualClock
) -> None:
    adopt(SN)
    adopt("SIM0001", simulated=True)
    true = parsedate_to_datetime(greet(http).headers["date"])
    assert abs(true - datetime.now(UTC)) < timedelta(minutes=5)
    simulated = greet(http, "SIM0001").headers.get_list("date")
    assert [parsedate_to_datetime(text) for text in simulated] == [clock.now()]
