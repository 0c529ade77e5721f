"""The settings: one TOML file, `FORECALL_*` variables over it, secrets also from files."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from domain.errors import ConfigurationError
from models.settings import Costs, CostSettings

PREFIX = "FORECALL_"
CONFIG_VARIABLE = "FORECALL_CONFIG"
_FILE_SUFFIX = "_FILE"
_ADDRESS = re.compile(
    r"(?:\[(?P<bare>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:,\[\]]+))(?::(?P<port>\d{1,5}))?"
)
_OF_THE_TESTS = "FORECALL_TEST_"
_OF_THE_NOTEBOOKS = "FORECALL_LAB"

_MQTT_PORT = 1883
Port = Annotated[int, Field(ge=1, le=65535)]
MAX_DEMO_DEVICES = 5000


class Settings(BaseSettings):
    """Every setting there is. In the TOML file, `[mqtt] host` is the setting `mqtt_host`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    data_dir: Path = Field(
        default=Path("~/.local/share/forecall"),
        description="Where the embedded database, the broker and the logs keep their files.",
    )
    host: str = Field(default="127.0.0.1", description="The address that the console listens on.")
    port: Port = Field(default=8080, description="The console's port.")
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="What asks for /metrics must carry it as a bearer; empty: only this machine.",
    )
    database_dsn: SecretStr = Field(
        default=SecretStr(""), description="Address of PostgreSQL; empty: the embedded server."
    )
    reader_password: SecretStr = Field(
        default=SecretStr(""),
        description="Of the database role that can only look (`forecall reader`); empty: none.",
    )
    mqtt_host: str = Field(
        default="",
        description="The MQTT broker, or those of a cluster as host:port,host:port; empty: the "
        "embedded one.",
    )
    mqtt_port: Port = _MQTT_PORT
    mqtt_username: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_ca: Path | None = Field(
        default=None, description="CA that signed the broker's certificate."
    )
    mqtt_listen: str = Field(
        default="",
        description="Where the embedded broker listens, as host:port, such as 0.0.0.0:8883; empty: "
        "for this machine only.",
    )
    mqtt_certificate: Path | None = Field(
        default=None, description="The embedded broker's own, PEM; needs mqtt_key and mqtt_ca."
    )
    mqtt_key: Path | None = Field(default=None, description="Of mqtt_certificate, PEM.")
    mqtt_client_id: str = Field(default="forecall-collector", description="Fixed, without dots.")
    mqtt_tenant: str = Field(default="+", description="Topic level `tenant` to listen to; +: all.")
    mqtt_mapping: Path | None = Field(
        default=None, description="A TOML file: how devices that publish some other JSON are read."
    )
    mqtt_sparkplug_interval_s: float = Field(
        default=900, ge=1, le=86_400, description="Promise of Sparkplug devices that give none."
    )
    mqtt_shards: dict[str, list[str]] = Field(
        default={},
        description="Topic filters by shard, for several collectors; in a variable as JSON: "
        '{"north": ["v1/north/#"]}. Empty: one for all.',
    )
    zkteco_workers: int = Field(
        default=4, ge=1, le=256, description="Attendance clocks polled at once."
    )
    adms_host: str = Field(
        default="127.0.0.1", description="The address where clocks that push call us."
    )
    adms_port: Port = Field(default=8081, description="The port where clocks that push call us.")
    keep_days: int = Field(
        default=400, ge=14, description="How long readings, events and rollups are kept."
    )
    costs_visit: float = Field(
        default=120, ge=0, description="What an engineer's visit costs, in any one currency."
    )
    costs_hour_down: float = Field(
        default=50, ge=0, description="What an hour costs in which a device does not work."
    )
    costs_hours_down: float = Field(
        default=4, ge=0, description="Hours that a device stands still after a surprise."
    )
    costs_failure_in_service: float = Field(
        default=300, ge=0, description="What a surprise costs beside the visit and the hours."
    )
    costs_planned_saving: float = Field(
        default=100, ge=0, description="By how much a planned repair is cheaper than an urgent one."
    )
    costs_most_false: float | None = Field(
        default=None,
        ge=0,
        description="False warnings of a component per device-month, at most; empty: what is "
        "cheapest.",
    )
    costs_by_kind: dict[str, dict[str, float]] = Field(
        default={},
        description="Costs that differ for a kind of device, by the same names: "
        '{"kiosk": {"visit": 200}}.',
    )
    models_retrain: bool = Field(
        default=False,
        description="Train anew by itself when models no longer fit; the gate decides as ever.",
    )
    service_plans: Path | None = Field(
        default=None,
        description="A TOML file with service plans and calendars of one's own, over the shipped ones.",
    )
    public_url: str = Field(
        default="", description="Where people find the console, such as https://forecall.example."
    )
    notify: Path | None = Field(
        default=None,
        description="A TOML file: who is told what, when and by which channel. Empty: nobody.",
    )
    ticket_systems: Path | None = Field(
        default=None,
        description="A TOML file: other ticket systems that tickets are kept in as well. Empty: none.",
    )
    reports_schedule: Path | None = Field(
        default=None,
        description="A TOML file: which reports are made by themselves, and who gets them. Empty: none.",
    )
    alerts_rules: Path | None = Field(
        default=None,
        description="A TOML file that adds alert rules and changes or disables shipped ones.",
    )
    demo_clocks: int = Field(
        default=40, ge=2, le=MAX_DEMO_DEVICES, description="Simulated attendance clocks."
    )
    demo_terminals: int = Field(
        default=160, ge=2, le=MAX_DEMO_DEVICES, description="Simulated POS terminals and kiosks."
    )
    demo_speed: float | None = Field(
        default=None,
        gt=0,
        le=600,
        description="Simulated seconds a second; empty: by the fleet's size.",
    )
    demo_history_days: int = Field(
        default=60,
        ge=7,
        le=365,
        description="Days of measurements that the first start makes; of cases at least two months.",
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("mqtt_client_id")
    @classmethod
    def _without_dots(cls, value: str) -> str:
        if not value or "." in value:
            raise ValueError("a client id without dots is wanted")
        return value

    @field_validator("mqtt_host")
    @classmethod
    def _of_addresses(cls, value: str) -> str:
        _addresses(value, _MQTT_PORT)
        return value

    @field_validator("mqtt_listen")
    @classmethod
    def _of_one_address(cls, value: str) -> str:
        if len(_addresses(value, _MQTT_PORT)) > 1:
            raise ValueError("one host:port is wanted")
        return value

    @field_validator("costs_by_kind")
    @classmethod
    def _of_known_costs(cls, value: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        known = list(CostSettings.__dataclass_fields__)
        for kind, costs in value.items():
            for name, cost in costs.items():
                if name not in known:
                    raise ValueError(f"{kind}.{name} is unknown; allowed: {', '.join(known)}")
                if cost < 0:
                    raise ValueError(f"{kind}.{name} must be 0 or more")
        return value

    @property
    def costs(self) -> Costs:
        """What errors cost, by kind of device."""
        names = CostSettings.__dataclass_fields__
        usual = CostSettings(**{name: getattr(self, f"costs_{name}") for name in names})
        kinds = {kind: replace(usual, **costs) for kind, costs in self.costs_by_kind.items()}
        return Costs(usual, kinds)

    @property
    def mqtt_listens(self) -> tuple[str, int] | None:
        """Host and port where the embedded broker listens; None: for this machine only."""
        found = _addresses(self.mqtt_listen, _MQTT_PORT)
        return found[0] if found else None

    @property
    def mqtt_addresses(self) -> list[tuple[str, int]]:
        """Host and port of each broker that is set."""
        return _addresses(self.mqtt_host, self.mqtt_port)

    @property
    def embedded_database(self) -> bool:
        return not self.database_dsn.get_secret_value()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables go over secret files, and those over the TOML file."""
        return env_settings, _SecretFiles(settings_cls), init_settings


class _SecretFiles(PydanticBaseSettingsSource):
    """`FORECALL_X_FILE` names a file that holds the value of `FORECALL_X`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name.upper()}{_FILE_SUFFIX}")
        return (_read_secret(field_name, Path(path)) if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def _addresses(text: str, usual_port: int) -> list[tuple[str, int]]:
    """From `host`, `host:port` or `[address]:port`, with commas between. Raises ValueError."""
    found = []
    for each in filter(None, (part.strip() for part in text.split(","))):
        match = _ADDRESS.fullmatch(each)
        if match is None or not 1 <= int(match["port"] or usual_port) <= 65535:
            raise ValueError(f"{each!r} is no host or host:port")
        found.append((match["bare"] or match["host"], int(match["port"] or usual_port)))
    return found


def load_settings(file: Path | None = None) -> Settings:
    """The settings from `file` (or the one that FORECALL_CONFIG names) and the environment.

    Raises ConfigurationError that names the key when one is unknown or its value is refused.
    """
    named = file or (Path(os.environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in os.environ else None)
    _refuse_unknown_variables(os.environ)
    values = _read_toml(named) if named else {}
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from error


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: is not TOML: {error}") from error
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= {f"{key}_{inner}": each for inner, each in value.items()}
        else:
            flat[key] = value
    return flat


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {name + _FILE_SUFFIX for name in known} | {CONFIG_VARIABLE, _OF_THE_NOTEBOOKS}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OF_THE_TESTS):
            raise ConfigurationError(
                f"{name}: unknown setting; `forecall settings` lists the known ones"
            )


def _read_secret(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{name}: {file} cannot be read: {error.strerror}") from error


def _explain(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: "
        + (
            "unknown setting"
            if problem["type"] == "extra_forbidden"
            else f"{problem['msg']} (given: {_shown(problem)})"
        )
        for problem in error.errors()
    )


def _shown(problem: Any) -> str:
    secret = any(word in str(problem["loc"]) for word in ("password", "dsn", "token"))
    return "a secret" if secret else repr(problem["input"])
