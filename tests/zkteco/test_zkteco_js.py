"""A client that shares no code with pyzk reads the same from the emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.clock import ManualClock
from simulator.zkteco.clock import EmulatedClock
from simulator.zkteco.server import ClockServer
from tests.zkteco.conftest import Connect, Serve

PACKAGE = "zkteco-js@1.7.2"  # MIT; has no dependencies
SCRIPT = Path(__file__).with_name("read.js")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of node modules with zkteco-js; without node or a registry the tests are skipped."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    folder = Path(tmp_path_factory.mktemp("js"))
    flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
    install = [npm, "install", "--prefix", str(folder), *flags, "--fetch-timeout=15000", PACKAGE]
    try:
        result = subprocess.run(install, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{PACKAGE} can't be fetched: no answer in 60 s")
    if result.returncode != 0:
        pytest.skip(f"{PACKAGE} can't be fetched: {result.stderr.strip()[-200:]}")
    return folder / "node_modules"


@pytest.mark.parametrize("count", [2, 1500])  # in one packet; in chunks
def test_zkteco_js_reads_what_pyzk_reads(
    modules: Path, serve: Serve, connect: Connect, clock: ManualClock, count: int
) -> None:
    device = EmulatedClock("CQZ7230960001", clock, ZoneInfo("Asia/Shanghai"))
    device.frame_gap_s = 0.02  # it takes what it reads at once for one packet
    for number in range(40):
        device.enrol(str(1001 + number), privilege=14 if number == 0 else 0)
    for number in range(count):
        moment = clock.now() + timedelta(seconds=number)
        device.punch(str(1001 + number % 40), status=number % 5, punch=number % 6, at=moment)
    server = serve(device)
    found = _read(modules, server)
    client = connect(server)
    client.read_sizes()
    assert found["serial"] == client.get_serialnumber()
    assert found["firmware"].rstrip("\0") == client.get_firmware_version()
    assert found["name"] == client.get_device_name()
    assert found["info"] == {"userCounts": 40, "logCounts": count, "logCapacity": client.rec_cap}
    expected_users = [(user.uid, user.user_id, user.name) for user in client.get_users()]
    assert [
        (user["uid"], user["userId"], user["name"]) for user in found["users"]
    ] == expected_users
    assert [_punch(record) for record in found["records"]] == [
        (record.user_id, record.timestamp, record.status, record.punch)
        for record in client.get_attendance()
    ]


def _read(modules: Path, server: ClockServer) -> Any:
    environment = {**os.environ, "NODE_PATH": str(modules), "TZ": "UTC"}
    target = modules.parent / "found.json"
    command = ["node", str(SCRIPT), server.host, str(server.port), str(target)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment)
    assert result.returncode == 0, result.stderr
    return json.loads(target.read_text())


def _punch(record: dict[str, Any]) -> tuple[str, datetime, int, int]:
    # "Mon Mar 02 2026 20:00:00 GMT+0000 (Coordinated Universal Time)": the clock's time, naive.
    moment = datetime.strptime(record["record_time"][:24], "%a %b %d %Y %H:%M:%S")  # noqa: DTZ007
    return record["user_id"], moment, record["type"], record["state"]
