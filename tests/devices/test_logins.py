"""A device's login lets it speak for itself and hear what is for it, on the brokers themselves."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.errors import BadInputError, NotFoundError
from forecall.broker import Broker
from forecall.config import Settings
from forecall.login_files import publish
from pipeline.devices.hashes import mosquitto_hash, nats_hash
from pipeline.devices.logins import check_topics
from pipeline.devices.mosquitto import acl_file, password_file
from pipeline.devices.nats import subject
from pipeline.devices.rights import COLLECTOR_USER, Login, Rights
from storage.database import Database
from tests.devices.brokers import Peer, Server, mosquitto, nats, passwords
from tests.devices.conftest import Forecall
from tests.waiting import wait_for

A, B, NODE = "till.17", "aa:bb:01", "plant~edge.1"
A_USER, B_USER = "till.17", "aa%3Abb%3A01"

Enter = Callable[..., Peer]


@pytest.fixture
def folder(tmp_path: Path, forecall: Forecall) -> Path:
    """Where the files of the logins go: of two tills and of a Sparkplug node."""
    for key in (A, B, NODE, f"{NODE}~cup"):
        forecall("devices", "add", key, "--kind", "pos")
    return tmp_path / "out"


@pytest.fixture(params=["mosquitto", "nats"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str, folder: Path, forecall: Forecall) -> Iterator[Server]:
    forecall("devices", "credentials", "--all", "--broker", kind, "-o", str(folder))
    with mosquitto(folder) if kind == "mosquitto" else nats(folder) as server:
        yield server


@pytest.fixture
def enter(server: Server, folder: Path) -> Iterator[Enter]:
    """Somebody at the broker, under the newest password that was handed out."""
    peers: list[Peer] = []

    def make(name: str, password: str = "", will: tuple[str, str] | None = None) -> Peer:
        password = password or passwords(folder)[name]
        peers.append(Peer(server.port, name, password, will=will))
        return peers[-1]

    yield make
    for peer in peers:
        peer.leave()


@pytest.fixture
def collector(enter: Enter, folder: Path) -> Peer:
    """The collector, which hears everything."""
    peer = enter(COLLECTOR_USER, (folder / "mqtt_password").read_text())
    assert peer.welcome
    assert all(peer.asks_for(topic) for topic in ("v1/#", "spBv1.0/#"))
    return peer


def test_a_device_speaks_for_itself_only(enter: Enter, collector: Peer) -> None:
    own, foreign = f"v1/t/s/{A}/state", f"v1/t/s/{B}/state"
    device = enter(A_USER, will=(foreign, "a will for another"))
    assert device.welcome
    for topic in (
        *(own, foreign, "spBv1.0/plant/NDATA/edge.1", f"spBv1.0/plant/NDATA/{A}"),
        *(f"v1/t/s/{A}x/state", f"v1/t/s/x{A}/state", "v1/t/s/till/17/state"),
    ):
        device.say(topic, "hello", retain=topic in (own, foreign))
    device.say(own, "last")
    device.vanish()
    other = enter(B_USER, will=(foreign, "its own will"))
    assert other.welcome
    other.vanish()
    said = [f"{own} hello", f"{own} last", f"{foreign} its own will"]
    wait_for("all that was allowed is heard", lambda: len(collector.heard) >= len(said))
    assert collector.heard == said


def test_a_sparkplug_node_speaks_for_itself_and_its_devices(enter: Enter, collector: Peer) -> None:
    node = enter(NODE)
    assert node.welcome
    allowed = [f"spBv1.0/plant/{each}" for each in ("NDATA/edge.1", "DDATA/edge.1/cup")]
    for topic in (
        *("spBv1.0/plant/NDATA/edge.2", "spBv1.0/other/NDATA/edge.1", f"v1/t/s/{A}/state"),
        *("spBv1.0/plant/DDATA/edge.2/cup", "spBv1.0/STATE/host", *allowed),
    ):
        node.say(topic, "hello")
    wait_for("all that was allowed is heard", lambda: len(collector.heard) >= len(allowed))
    assert collector.heard == [f"{topic} hello" for topic in allowed]


def test_a_device_hears_what_is_for_it_only(kind: str, enter: Enter, collector: Peer) -> None:
    node = enter(NODE)
    assert node.welcome
    mine = "spBv1.0/plant/NCMD/edge.1"
    assert node.asks_for(mine)
    others = ("#", "v1/#", f"v1/t/s/{B}/state", "spBv1.0/plant/NCMD/+", "spBv1.0/plant/NCMD/x")
    refused = [not node.asks_for(topic) for topic in others]
    assert all(refused) or kind == "mosquitto"  # which grants, and lets nothing through
    collector.say("spBv1.0/plant/NCMD/x", "not for it")
    collector.say(mine, "for it")
    wait_for("its command comes", lambda: node.heard)
    other = enter(B_USER)
    assert other.welcome
    other.say(f"v1/t/s/{B}/state", "a secret")
    collector.say(mine, "again")
    wait_for("its next command comes", lambda: f"{mine} again" in node.heard)
    assert set(node.heard) == {f"{mine} for it", f"{mine} again"}


def test_a_new_password_replaces_the_old_one(
    kind: str, server: Server, folder: Path, enter: Enter, forecall: Forecall
) -> None:
    old = passwords(folder)
    said = forecall("devices", "credentials", "--all", "--broker", kind, "-o", str(folder))
    assert "0 logins made" in said
    forecall("devices", "credentials", A, "--rotate", "--broker", kind, "-o", str(folder))
    new = passwords(folder)
    assert new[A_USER] != old[A_USER]
    assert new[B_USER] == old[B_USER]
    server.read_again()
    wait_for("the new password counts", lambda: enter(A_USER).welcome)
    assert not enter(A_USER, old[A_USER]).welcome
    assert not enter("nobody", "x").welcome
    assert not enter(A_USER, "$7$101$").welcome
    assert enter(B_USER).welcome


def test_who_is_revoked_is_thrown_out_and_stays_out(
    kind: str, server: Server, folder: Path, enter: Enter, forecall: Forecall, collector: Peer
) -> None:
    device, other = enter(A_USER), enter(B_USER)
    assert device.welcome
    assert other.welcome
    forecall("devices", "revoke", A, "--broker", kind, "-o", str(folder))
    server.read_again()
    wait_for("it is thrown out", lambda: device.lost)
    assert not enter(A_USER).welcome
    other.say(f"v1/t/s/{B}/state", "still here")
    wait_for("the other is heard", lambda: collector.heard)
    assert not other.lost
    assert not collector.lost
    with pytest.raises(NotFoundError, match=f"{A}: no login"):
        forecall("devices", "revoke", A, "--broker", kind, "-o", str(folder))
    forecall("devices", "credentials", A, "--broker", kind, "-o", str(folder))
    server.read_again()
    wait_for("it is let in again", lambda: enter(A_USER).welcome)


def test_the_embedded_broker_learns_while_it_runs(
    folder: Path, forecall: Forecall, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = folder.parent / "data"
    monkeypatch.setenv("FORECALL_DATA_DIR", str(data))
    options = ("--broker", "embedded", "-o", str(folder))
    assert "when it starts" in forecall("devices", "credentials", A, *options)
    with Broker(data) as broker:
        device = Peer(broker.port, A_USER, passwords(folder)[A_USER])
        own = Peer(broker.port, broker.username, broker.password)
        assert device.welcome
        assert own.welcome
        assert "The broker knows" in forecall("devices", "credentials", B, *options)
        wait_for(
            "another is let in",
            lambda: _try(Peer(broker.port, B_USER, passwords(folder)[B_USER])),
        )
        forecall("devices", "revoke", A, *options)
        wait_for("the first is thrown out", lambda: device.lost)
        assert not own.lost
        for peer in (device, own):
            peer.leave()
    assert "when it starts" in forecall("devices", "credentials", A, *options)


def _try(peer: Peer) -> bool:
    welcome = peer.welcome
    peer.leave()
    return welcome


def test_topics_of_ones_own_are_allowed_beside_the_usual(
    kind: str, server: Server, folder: Path, enter: Enter, collector: Peer, forecall: Forecall
) -> None:
    options = ("--broker", kind, "-o", str(folder), "--rotate")
    topics = ("--topic", "shop/+/{device}/#", "--topic", "gw/7")
    forecall("devices", "credentials", A, *topics, *options)
    forecall("devices", "credentials", A, *options)  # what was said stays
    server.read_again()
    wait_for("the new password counts", lambda: enter(A_USER).welcome)
    assert collector.asks_for("shop/#")
    assert collector.asks_for("gw/#")
    device = enter(A_USER)
    assert device.welcome
    device.say(f"shop/1/{B}/out", "not its own")
    device.say("gw/8", "not its own")
    device.say(f"shop/1/{A}/out", "its own")
    device.say("gw/7", "its own")
    wait_for("its own is heard", lambda: len(collector.heard) > 1)
    assert collector.heard == [f"shop/1/{A}/out its own", "gw/7 its own"]


@pytest.mark.parametrize(
    "topic", ["shop/#", "a/{device}x", "#/{device}", "a*/{device}", "a+/b", "a b", ""]
)
def test_a_topic_that_might_be_anothers_is_refused(topic: str) -> None:
    with pytest.raises(BadInputError, match=r"allowed: an MQTT topic filter with \{device\}"):
        check_topics([topic], [A])


def test_one_topic_is_one_devices() -> None:
    check_topics(["gw/out", "shop/+/{device}/#"], [A])
    check_topics(["shop/+/{device}/#"], None)
    for keys in ([A, B], None):
        with pytest.raises(BadInputError, match="for one device"):
            check_topics(["gw/out"], keys)


def test_what_cannot_log_in_is_refused(folder: Path, forecall: Forecall) -> None:
    out = ("-o", str(folder))
    with pytest.raises(NotFoundError, match="no device x"):
        forecall("devices", "credentials", A, "x", *out)
    with pytest.raises(BadInputError, match="name the devices, or say --all"):
        forecall("devices", "credentials", *out)
    with pytest.raises(BadInputError, match="--output"):
        forecall("devices", "credentials", A)
    with pytest.raises(BadInputError, match="'emqx'; allowed: embedded, mosquitto, nats"):
        forecall("devices", "credentials", A, "--broker", "emqx", *out)
    with pytest.raises(BadInputError, match=r"its Sparkplug node; allowed: plant~edge\.1"):
        forecall("devices", "credentials", f"{NODE}~cup", *out)
    forecall("devices", "add", "*", "--kind", "pos")
    with pytest.raises(BadInputError, match=r"'\*'; allowed in a topic"):
        forecall("devices", "credentials", "*", *out)
    assert not folder.exists()


def test_no_password_is_kept(folder: Path, forecall: Forecall, database: Database) -> None:
    forecall("devices", "credentials", "--all", "--broker", "mosquitto", "-o", str(folder))
    secrets = passwords(folder).values()
    assert len(secrets) == 3
    with database.transaction() as conn:
        kept = str(conn.execute("SELECT l, e FROM device_login l, audit_entry e").fetchall())
    files = [path.read_text() for path in folder.iterdir() if not path.name.startswith("logins-")]
    assert not any(secret in text for secret in secrets for text in (kept, *files))


def test_other_peoples_lines_stay() -> None:
    gone = Login("old", "h0", Rights([]), revoked=True)
    device = Login("d1", "h2", Rights(["v1/+/+/d1/#"], ["c/d1"]))
    present = f"{COLLECTOR_USER}:x\nd1:h1\nold:h0\nbridge:y\n"
    assert password_file(present, [device, gone]) == f"{COLLECTOR_USER}:x\nbridge:y\nd1:h2\n"
    rights = "topic read $SYS/#\n\nuser bridge\ntopic #\n\nuser old\ntopic write a\n"
    written = acl_file(rights, [device, gone])
    assert "user old" not in written
    assert "user bridge\ntopic #\n" in written
    assert "user d1\ntopic write v1/+/+/d1/#\ntopic read c/d1\n" in written
    assert acl_file(written, [device, gone]) == written


def test_the_collectors_rights_are_those_that_production_begins_with(tmp_path: Path) -> None:
    publish("mosquitto", Settings(), tmp_path, [])
    begins = (Path(__file__).parents[2] / "deploy/mosquitto/acl").read_text()
    assert (
        (tmp_path / "mqtt_acl")
        .read_text()
        .strip()
        .endswith(begins[begins.index("user ") :].strip())
    )


def test_a_topic_is_a_subject() -> None:
    assert subject("v1/+/+/till.17/#") == "v1.*.*.till//17.>"
    assert subject("spBv1.0/+/NCMD/aa:bb") == "spBv1//0.*.NCMD.aa:bb"


def test_hashes_are_of_their_kind(tmp_path: Path) -> None:
    assert nats_hash("x") != nats_hash("x")
    assert nats_hash("x").startswith("$2a$04$")
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed")
    theirs = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", theirs, "u", "x"], check=True)
    kinds = [line.split("$")[1:3] for line in (theirs.read_text().strip(), mosquitto_hash("x"))]
    assert kinds[0] == kinds[1]
