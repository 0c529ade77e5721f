"""The fleet's list: what people do to it, what they are refused, and what is noted of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.engine import evaluate
from alerts.rules import RuleBooks
from desk.cases import Cases
from domain.clock import ManualClock
from domain.device import ReportedState
from domain.errors import BadInputError, NotAllowedError, NotFoundError
from domain.report import Contact, DeviceReport
from pipeline.devices import fleet
from pipeline.devices.sheet import read_sheet
from pipeline.ingest import Ingest
from storage.database import Database
from tests.devices.conftest import Forecall

SHEET = """\
device,kind,site,site_name,customer,customer_name,city,time_zone,engineer,host,port,comm_key
CLK-1,clock,s1,Airport,acme,Acme Retail,Tehran,Asia/Tehran,m.ahmadi,10.20.1.9,,7
TILL-1,pos,s1,,,,,,,,,
K-1,kiosk,s2,上海机场,acme,,Shanghai,Asia/Shanghai,,,,
"""


def rows(database: Database, statement: str) -> list[dict[str, Any]]:
    with database.transaction() as conn:
        return [dict(row) for row in conn.execute(statement.encode())]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.csv"
    path.write_text(SHEET, encoding="utf-8-sig")
    return path


def test_an_import_makes_all_and_again_changes_nothing(
    forecall: Forecall, database: Database, file: Path
) -> None:
    assert "devices made: 3" in forecall("devices", "import", str(file), "--dry-run")
    assert rows(database, "SELECT FROM device UNION ALL SELECT FROM audit_entry") == []
    said = forecall("devices", "import", str(file))
    assert "devices made: 3" in said
    assert "sites made: 2" in said
    before = _everything(database)
    assert "nothing was changed" in forecall("devices", "import", str(file))
    assert _everything(database) == before
    assert rows(database, "SELECT key, name, time_zone, city FROM site ORDER BY key") == [
        {"key": "s1", "name": "Airport", "time_zone": "Asia/Tehran", "city": "Tehran"},
        {"key": "s2", "name": "上海机场", "time_zone": "Asia/Shanghai", "city": "Shanghai"},
    ]
    assert rows(database, "SELECT host, port, comm_key, interval_s FROM clock_poll") == [
        {"host": "10.20.1.9", "port": 4370, "comm_key": 7, "interval_s": 300}
    ]


def _everything(database: Database) -> list[Any]:
    tables = ("customer", "engineer", "site", "device", "clock_poll", "audit_entry")
    return [rows(database, f"SELECT * FROM {table} ORDER BY 1") for table in tables]


def test_a_changed_sheet_changes_what_it_says_and_leaves_the_rest(
    forecall: Forecall, database: Database, file: Path
) -> None:
    forecall("devices", "import", str(file))
    file.write_text(
        "device,site,model,host,port,poll_limit\nCLK-1,s2,K40,10.20.1.10,,2\nTILL-1,,,,,\n"
    )
    said = forecall("devices", "import", str(file))
    assert "devices changed: 1" in said
    assert "polls changed: 1" in said
    clock = json.loads(forecall("devices", "list", "--kind", "clock", "--json"))[0]
    assert (clock["site"], clock["model"], clock["host"]) == ("s2", "K40", "10.20.1.10")
    assert rows(database, "SELECT comm_key FROM clock_poll") == [{"comm_key": 7}]
    assert rows(database, "SELECT poll_limit FROM site ORDER BY key") == [
        {"poll_limit": 4},
        {"poll_limit": 2},
    ]


def test_a_sheet_that_does_not_fit_the_store_changes_nothing(
    forecall: Forecall, database: Database, file: Path
) -> None:
    file.write_text("device,kind,site,customer\na,pos,s1,acme\nb,pos,s9,\n")
    with pytest.raises(BadInputError, match=r"fleet.csv, row 3, column customer: ''.*s9"):
        forecall("devices", "import", str(file))
    file.write_text("device,kind\na,pos\nb,\n")
    with pytest.raises(BadInputError, match=r"fleet\.csv, row 3, column kind: ''"):
        forecall("devices", "import", str(file))
    assert rows(database, "SELECT FROM device") == []
    with pytest.raises(BadInputError, match="cannot be read"):
        forecall("devices", "import", str(file.with_name("none.csv")))


def test_a_polled_clock_is_added_and_due_at_once(
    forecall: Forecall, database: Database, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("1234\n")
    forecall(
        *("devices", "add", "CLK-9", "--kind", "clock", "--host", "10.0.0.9"),
        *("--comm-key-file", str(key), "--interval", "120", "--transport", "udp", "--live"),
        *("--site", "s1", "--customer", "acme", "--time-zone", "Asia/Tehran", "--poll-limit", "1"),
    )
    poll = rows(database, "SELECT *, next_poll_at <= now() AS due FROM clock_poll")[0]
    assert (poll["host"], poll["port"], poll["comm_key"], poll["transport"], poll["due"]) == (
        *("10.0.0.9", 4370, 1234, "udp"),
        True,
    )
    audit = rows(database, "SELECT actor, action, object, detail FROM audit_entry")
    assert [(entry["action"], entry["object"]) for entry in audit] == [
        ("add_device", "device/CLK-9")
    ]
    assert poll["live_capture"]
    assert "1234" not in json.dumps(audit)
    with pytest.raises(NotAllowedError, match="known already"):
        forecall("devices", "add", "CLK-9", "--kind", "clock")


def test_what_an_addition_lacks_is_said(forecall: Forecall) -> None:
    with pytest.raises(BadInputError, match=r"site: 's1' is new and needs a customer.*none yet"):
        forecall("devices", "add", "a", "--kind", "pos", "--site", "s1")
    with pytest.raises(BadInputError, match="port: '0'; allowed: 1 to 65535"):
        forecall("devices", "add", "a", "--kind", "clock", "--host", "h", "--port", "0")
    assert json.loads(forecall("devices", "list", "--json")) == []


def test_found_devices_are_listed_and_adopted(
    forecall: Forecall, database: Database, clock: ManualClock, file: Path
) -> None:
    forecall("devices", "import", str(file))
    _hear(database, clock, "N-1", "N-2", "N-3")
    assert [
        each["key"] for each in json.loads(forecall("devices", "list", "--found", "--json"))
    ] == [*("N-1", "N-2", "N-3")]
    forecall("devices", "adopt", "N-1", "--site", "s2", "--kind", "kiosk")
    assert "2 adopted" in forecall("devices", "adopt", "--all-found", "--site", "s1")
    shown = json.loads(forecall("devices", "list", "--site", "s1", "--json"))
    assert [each["key"] for each in shown] == ["CLK-1", "N-2", "N-3", "TILL-1"]
    with pytest.raises(NotAllowedError, match="does not wait"):
        forecall("devices", "adopt", "N-1")
    with pytest.raises(NotFoundError, match="no site 's9'"):
        forecall("devices", "adopt", "N-4", "--site", "s9")
    with pytest.raises(BadInputError, match="--all-found"):
        forecall("devices", "adopt")


def test_an_import_adopts_what_was_found(
    forecall: Forecall, database: Database, clock: ManualClock, file: Path
) -> None:
    _hear(database, clock, "TILL-1")
    said = forecall("devices", "import", str(file))
    assert "adopted changed: 1" in said
    assert rows(database, "SELECT FROM device WHERE adopted_at IS NULL") == []
    assert "nothing was changed" in forecall("devices", "import", str(file))


@pytest.mark.parametrize("how", ["adopted", "imported"])
def test_a_device_that_is_down_when_it_is_adopted_gets_its_alert(
    how: str, forecall: Forecall, database: Database, clock: ManualClock, file: Path
) -> None:
    forecall("devices", "import", str(file))
    _hear(database, clock, "N-1", "N-2")
    clock.advance(timedelta(minutes=1))
    _hear(database, clock, "N-1", contact=Contact(reported=ReportedState.HARDWARE_ERROR))
    evaluate(
        database, clock, Cases(clock), RuleBooks()
    )  # nobody's device: heard, and nothing is said
    assert rows(database, "SELECT FROM alert") == []
    if how == "adopted":
        for key in ("N-1", "N-2"):
            with database.transaction() as conn:
                fleet.adopt(conn, clock, key, actor="me", site="s1")
    else:
        file.write_text("device,site\nN-1,s1\nN-2,s1\n")
        forecall("devices", "import", str(file))
    evaluate(database, clock, Cases(clock), RuleBooks(), hold=timedelta())
    alerts = rows(database, "SELECT key, opened_at FROM alert JOIN device ON device.id = device_id")
    assert [alert["key"] for alert in alerts] == ["N-1"]
    assert len(rows(database, "SELECT FROM ticket")) == 1


def _hear(
    database: Database, clock: ManualClock, *keys: str, contact: Contact | None = None
) -> None:
    now = clock.now()
    Ingest(database, clock, "mqtt").store(
        [DeviceReport(key, now, now, contact=contact or Contact()) for key in keys]
    )


def test_where_a_device_stood_and_who_cared_is_kept_with_its_end(
    database: Database, clock: ManualClock, file: Path
) -> None:
    with database.transaction() as conn:
        fleet.take_in(conn, clock, read_sheet(file.name, file.read_bytes()), actor="li")
    clock.advance(timedelta(days=3))
    file.write_text("device,site,engineer\nCLK-1,s2,\nTILL-1,s1,z.wang\n", encoding="utf-8")
    with database.transaction() as conn:
        for _ in range(2):  # again, it changes nothing
            fleet.take_in(conn, clock, read_sheet(file.name, file.read_bytes()), actor="li")
    places = rows(
        database,
        """SELECT device.key, site.key AS site, until_at, placed_at
           FROM device_place_past JOIN device ON device.id = device_id
           JOIN site ON site.id = device_place_past.site_id""",
    )
    assert places == [
        {"key": "CLK-1", "site": "s1", "until_at": clock.now(), "placed_at": clock.now()}
    ]
    care = rows(
        database,
        """SELECT site.key, engineer.key AS engineer, until_at FROM site_care_past AS past
           JOIN site ON site.id = site_id JOIN engineer ON engineer.id = past.engineer_id""",
    )
    assert care == [{"key": "s1", "engineer": "m.ahmadi", "until_at": clock.now()}]


def test_a_device_that_has_gone_counts_nowhere_and_can_come_back(
    database: Database, clock: ManualClock, file: Path
) -> None:
    with database.transaction() as conn:
        fleet.take_in(conn, clock, read_sheet(file.name, file.read_bytes()), actor="li")
    came = clock.now()
    clock.advance(timedelta(days=9))
    with database.transaction() as conn:
        fleet.retire(conn, clock, "K-1", actor="li")
        with pytest.raises(NotAllowedError, match="not in the fleet"):
            fleet.retire(conn, clock, "K-1", actor="li")
        assert "K-1" in fleet.found_keys(conn)
        assert [row["key"] for row in fleet.listed(conn, found=True)] == ["K-1"]
        fleet.adopt(conn, clock, "K-1", actor="li")
    assert rows(database, "SELECT from_at, until_at FROM device_stay_past") == [
        {"from_at": came, "until_at": clock.now()}
    ]
