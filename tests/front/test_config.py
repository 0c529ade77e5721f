"""Settings: where they come from, and how a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from forecall.config import load_settings
from forecall.services import mqtt_shards


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("FORECALL_"):
            monkeypatch.delenv(name)


def test_variables_go_over_secret_files_and_those_over_the_toml_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, secret = tmp_path / "forecall.toml", tmp_path / "password"
    file.write_text('port = 9000\n[mqtt]\nhost = "broker"\npassword = "from toml"\nport = 1\n')
    secret.write_text("from file\n")
    monkeypatch.setenv("FORECALL_MQTT_PASSWORD_FILE", str(secret))
    monkeypatch.setenv("FORECALL_MQTT_PORT", "8883")
    settings = load_settings(file)
    assert (settings.port, settings.mqtt_host, settings.mqtt_port) == (9000, "broker", 8883)
    assert settings.mqtt_password.get_secret_value() == "from file"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("colour = 1", "colour: unknown setting"),
        ("[mqtt]\nhots = 1", "mqtt_hots: unknown setting"),
        ("port = 70000", "port: "),
        ("port = 'many'", "port: "),
        ("[mqtt]\nclient_id = 'a.b'", "mqtt_client_id: "),
        ("[mqtt]\nhost = 'a:1883;b:1883'", "mqtt_host: "),
        ("[mqtt]\nhost = 'a:70000'", "mqtt_host: "),
        ("[mqtt]\nshards = 3", "mqtt_shards"),
        ("port =", "is not TOML"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "forecall.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=key):
        load_settings(file)


def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECALL_PROT", "8080")
    with pytest.raises(ConfigurationError, match="FORECALL_PROT"):
        load_settings()


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        load_settings(tmp_path / "nowhere.toml")
    monkeypatch.setenv("FORECALL_DATABASE_DSN_FILE", str(tmp_path / "no-secret"))
    with pytest.raises(ConfigurationError, match="database_dsn"):
        load_settings()


def test_a_secret_is_not_shown_in_an_error(tmp_path: Path) -> None:
    file = tmp_path / "forecall.toml"
    file.write_text("[database]\ndsn = 12345\n")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(file)
    assert "12345" not in str(refused.value)


def test_a_cluster_of_brokers_and_shards_of_their_topics(tmp_path: Path) -> None:
    file = tmp_path / "forecall.toml"
    file.write_text(
        '[mqtt]\nhost = "a, b:1884, [::1]:1885"\nport = 8883\n'
        '[mqtt.shards]\nnorth = ["v1/north/#"]\nrest = ["v1/south/#", "v1/west/#"]\n'
    )
    settings = load_settings(file)
    assert settings.mqtt_addresses == [("a", 8883), ("b", 1884), ("::1", 1885)]
    assert [shard.collector for shard in mqtt_shards(settings)] == ["mqtt:north", "mqtt:rest"]
    north, rest = mqtt_shards(settings)
    assert (north.client_id("us"), rest.topics) == ("us-north", ("v1/south/#", "v1/west/#"))


@pytest.mark.parametrize(
    "shards", ['"A B" = ["v1/#"]', "north = []", 'north = ["v1/#/x"]', 'north = ["v1/a+/x"]']
)
def test_a_shard_that_can_not_be_is_refused(tmp_path: Path, shards: str) -> None:
    file = tmp_path / "forecall.toml"
    file.write_text(f"[mqtt.shards]\n{shards}\n")
    settings = load_settings(file)
    with pytest.raises(ConfigurationError, match=r"mqtt_shards|topics"):
        mqtt_shards(settings)


def test_costs_are_said_for_all_and_for_a_kind(tmp_path: Path) -> None:
    file = tmp_path / "forecall.toml"
    file.write_text("[costs]\nvisit = 90\nmost_false = 0.1\n[costs.by_kind.kiosk]\nvisit = 200\n")
    costs = load_settings(file).costs
    assert (costs.of("pos").visit, costs.of("kiosk").visit) == (90, 200)
    assert costs.of("kiosk").most_false == 0.1
    file.write_text("[costs.by_kind.kiosk]\ntaxi = 1\n")
    with pytest.raises(ConfigurationError, match=r"costs_by_kind.*kiosk\.taxi is unknown"):
        load_settings(file)
