"""docs/onboarding.md, line by line: what it says to type works on a broker, a store and a collector."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.mqtt.settings import BrokerSettings
from domain.clock import ManualClock
from forecall.broker import HOST, Broker
from forecall.config import Settings
from pipeline.devices.fields import FIELDS
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate
from tests.devices.brokers import passwords
from tests.devices.conftest import Forecall, command_line
from tests.mqtt.helpers import Terminal, collecting, rows
from tests.waiting import wait_for

PAGE = (Path(__file__).parents[2] / "docs/onboarding.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a system on one machine."""
    return tmp_path / "data"


@pytest.fixture
def broker(data: Path) -> Iterator[Broker]:
    with Broker(data) as broker:
        yield broker


@pytest.fixture
def database(data: Path) -> Iterator[Database]:
    with EmbeddedServer(data, {"fsync": "off"}) as server:
        database = Database(server.dsn)
        migrate(database)
        yield database
        database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the administrator sits, with the table of the page."""
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "fleet.csv").write_text(blocks("csv")[0])
    return folder


def test_every_command_of_the_page_works(
    broker: Broker,
    folder: Path,
    database: Database,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if shutil.which("mosquitto_pub") is None:
        pytest.skip("mosquitto's clients are not installed")
    monkeypatch.setenv("FORECALL_DATA_DIR", str(broker.folder))
    monkeypatch.chdir(folder)
    forecall = command_line()
    said: dict[str, str] = {}
    settings = BrokerSettings(HOST, broker.port, broker.username, broker.password)
    with collecting(settings, database, clock):
        stranger = Terminal(broker, "till-99", clock.now())
        stranger.say("state", state="online")
        stranger.leave()
        for block in blocks("sh"):
            for line in block.replace("\\\n", "").splitlines():
                said[line] = said.get(line, "") + _type(line, broker, forecall)
        wait_for("the terminal is up", lambda: len(_up(database)) == 2)
    assert _up(database) == ["till-17", "till-99"]
    assert "devices made: 3" in said["forecall devices import fleet.csv --dry-run"]
    twice = said["forecall devices import fleet.csv"]
    assert twice.index("devices made: 3") < twice.index("nothing was changed")
    assert rows(database, "SELECT FROM device WHERE adopted_at IS NULL") == []
    handed_out = {"till-17", "till-31", "till-32", "plant~edge-1", "shop-9"}
    assert set(passwords(folder / "logins")) == handed_out


def _type(line: str, broker: Broker, forecall: Forecall) -> str:
    """The line as somebody types it, who knows port and password."""
    program, *arguments = shlex.split(line)
    if program == "forecall":
        return forecall(*arguments)
    known = passwords(Path("logins")).get("till-17", "")
    script = line.replace("PASSWORD", known).replace("-p 1883", f"-p {broker.port}")
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, (script, result.stderr)
    return result.stdout


def _up(database: Database) -> list[str]:
    statement = "SELECT key FROM device JOIN device_status ON device_id = id WHERE state = 'up' ORDER BY key"
    return [row["key"] for row in rows(database, statement)]


def test_every_column_is_on_the_page() -> None:
    table = PAGE[PAGE.index("## Many at once") : PAGE.index("## Found devices")]
    assert [name for name in FIELDS if f"`{name}`" not in table] == []


def test_the_settings_of_the_page_are_settings() -> None:
    (block,) = blocks("toml")
    names = [f"mqtt_{line.split(' = ')[0]}" for line in block.splitlines() if " = " in line]
    assert names
    assert set(names) <= set(Settings.model_fields)
    for variable in re.findall(r"FORECALL_([A-Z_]+)", PAGE):
        assert variable.lower() in Settings.model_fields, variable
