"""With Debian's own Alertmanager, where it is installed: it takes our alerts, and we take its."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.notify.policy_file import read_policy
from alerts.notify.receiver import AlertReceiver
from alerts.outbox.web import as_json, request
from desk.cases import Cases
from domain.errors import NotDeliveredError
from forecall.config import Settings
from forecall.post import Post, post
from forecall.wiring import Installation
from tests.notify.house import House
from tests.receiving import Asked, Reply, serving
from tests.waiting import wait_for

PROGRAM = "prometheus-alertmanager"
CONFIGURATION = """
route: {{receiver: forecall, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: forecall
    webhook_configs:
      - url: {url}/api/v1/alertmanager
        http_config: {{authorization: {{credentials: let-me-in}}}}
"""


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


@contextmanager
def _alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed")
    configuration = folder / "alertmanager.yml"
    configuration.write_text(CONFIGURATION.format(url=webhook))
    port = _free_port()
    process = subprocess.Popen(
        [
            PROGRAM,
            f"--config.file={configuration}",
            f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for("it is ready", lambda: _ready(url))
        yield url
    finally:
        process.terminate()
        process.wait()


def _ready(url: str) -> bool:
    try:
        return request("GET", f"{url}/-/ready").status == 200
    except NotDeliveredError:
        return False


def _alerts(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = request("GET", f"{url}/api/v2/alerts").json()
    return found


def _post(house: House, folder: Path, url: str) -> Post:
    file = folder / "notify.toml"
    file.write_text(f'[alertmanagers.debian]\nurl = "{url}"\n')
    settings = Settings(data_dir=folder, notify=file, public_url="https://forecall.example")
    return post(Installation(settings, house.database, house.clock))


def test_it_takes_our_alerts_and_their_ends(house: House, tmp_path: Path) -> None:
    with serving() as nobody, _alertmanager(tmp_path, nobody.url) as url:
        out = _post(house, tmp_path, url)
        alert = house.alert()
        house.alert(house.world.pos)
        out.plan()
        office = out.office()
        office.turn()
        wait_for("it has both", lambda: len(_alerts(url)) == 2)
        told = next(one for one in _alerts(url) if one["labels"]["case"] == f"alert/{alert}")
        assert told["labels"]["device"] == "kiosk-1"
        assert told["generatorURL"] == f"https://forecall.example/alerts/{alert}"
        ends = datetime.fromisoformat(told["endsAt"])
        assert ends > datetime.now(UTC) + timedelta(minutes=2)
        out.resend()
        assert len(_alerts(url)) == 2
        house.recover(alert)
        out.plan()
        office.turn()
        wait_for("its end arrives", lambda: len(_alerts(url)) == 1)


def _firing(ends: datetime) -> bytes:
    labels = {"alertname": "DiskFull", "device": "kiosk-1", "severity": "critical"}
    return as_json(
        [
            {
                "labels": labels,
                "annotations": {"summary": "The disk is full"},
                "startsAt": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
                "endsAt": ends.isoformat(),
            }
        ]
    )


def _taking(receiver: AlertReceiver) -> Any:
    def take(asked: Asked) -> Reply:
        receipt = receiver.take(asked.headers, asked.body)
        return Reply.json({"firing": receipt.firing, "resolved": receipt.resolved})

    return take


def test_we_take_its_alerts_and_their_ends(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AM_TOKEN", "let-me-in")
    policy = read_policy('[receiver]\ntoken = {env = "AM_TOKEN"}\n')
    world = house.world
    receiver = AlertReceiver(world.database, world.clock, Cases(world.clock), lambda: policy)
    with serving(_taking(receiver)) as ours, _alertmanager(tmp_path, ours.url) as url:
        kind = {"content-type": "application/json"}
        alive = datetime.now(UTC) + timedelta(hours=1)
        request("POST", f"{url}/api/v2/alerts", headers=kind, content=_firing(alive))
        wait_for("the alert is ours", world.alerts)
        [row] = world.alerts()
        assert (row["rule"], row["active"]) == ("alertmanager:DiskFull", True)
        request("POST", f"{url}/api/v2/alerts", headers=kind, content=_firing(datetime.now(UTC)))
        wait_for("its end is ours", lambda: not any(row["active"] for row in world.alerts()))
        assert all(json.loads(asked.body)["version"] == "4" for asked in ours.asked)
