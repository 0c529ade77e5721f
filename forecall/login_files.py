"""Devices' logins where brokers read them: this installation's own broker, or files for another."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from domain.errors import BadInputError
from forecall.broker import Broker
from forecall.config import Settings
from pipeline.devices.hashes import new_password
from pipeline.devices.logins import HASHES, HandedOut
from pipeline.devices.mosquitto import acl_file, password_file
from pipeline.devices.nats import users_file
from pipeline.devices.rights import COLLECTOR_USER, Login

EMBEDDED = "embedded"
BROKERS: Mapping[str, str] = {EMBEDDED: "nats", "mosquitto": "mosquitto", "nats": "nats"}
"""What a login can be for, and the kind of broker that it is."""

COLLECTOR_PASSWORD, PASSWORDS, ACCESS, USERS = (
    *("mqtt_password", "mqtt_passwords", "mqtt_acl", "mqtt_users.conf"),
)
_COLLECTOR_ACCESS = f"""\
user {COLLECTOR_USER}
topic read #
topic write spBv1.0/+/NCMD/#
topic write spBv1.0/+/DCMD/#
topic write spBv1.0/STATE/+
"""


def usual_broker(settings: Settings) -> str:
    """The embedded broker where it is in use, else Mosquitto."""
    embedded = settings.embedded_database and not settings.mqtt_host
    return EMBEDDED if embedded else "mosquitto"


def publish(broker: str, settings: Settings, folder: Path | None, logins: Sequence[Login]) -> str:
    """Lets `broker` know `logins`; returns a sentence that says what is left to do.

    Files go to `folder`, which only an embedded broker can do without. Raises BadInputError when
    it is missing or can't be written.
    """
    if broker == EMBEDDED:
        told = Broker(settings.data_dir).let_in(logins)
        return "The broker knows." if told else "The broker will know when it starts."
    if folder is None:
        raise BadInputError(f"--output: a folder is needed for the files of {broker}")
    try:
        return _WRITERS[broker](folder, logins)
    except OSError as error:
        raise BadInputError(f"--output: {folder}: {error.strerror}") from error


def hand_out(folder: Path, logins: Sequence[HandedOut], at: datetime) -> Path:
    """Writes the new passwords to a file that only its owner can read, and returns it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("device", "username", "password"))
    writer.writerows((login.device, login.username, login.password) for login in logins)
    path = folder / f"logins-{at:%Y%m%dT%H%M%S%f}.csv"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadInputError(f"--output: {path}: {error.strerror}") from error
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text.getvalue())
    return path


def _for_mosquitto(folder: Path, logins: Sequence[Login]) -> str:
    passwords, access = folder / PASSWORDS, folder / ACCESS
    present = _read(passwords)
    if f"{COLLECTOR_USER}:" not in present:
        secret = HASHES["mosquitto"](_collector_password(folder))
        present += f"{COLLECTOR_USER}:{secret}\n"
    rights = _read(access)
    if f"user {COLLECTOR_USER}\n" not in rights:
        rights += _COLLECTOR_ACCESS
    _write(passwords, password_file(present, logins))
    _write(access, acl_file(rights, logins))
    return f"Written: {passwords}, {access}. Send the broker SIGHUP: it reads them again."


def _for_nats(folder: Path, logins: Sequence[Login]) -> str:
    path = folder / USERS
    own = (COLLECTOR_USER, HASHES["nats"](_collector_password(folder)))
    _write(path, users_file(own, logins))
    return f"Written: {path}. Send the server SIGHUP: it reads it again."


_WRITERS = {"mosquitto": _for_mosquitto, "nats": _for_nats}


def _collector_password(folder: Path) -> str:
    """The collector's own, made where there is none."""
    path = folder / COLLECTOR_PASSWORD
    password = _read(path).strip()
    if not password:
        password = new_password()
        _write(path, password)
    return password


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _write(path: Path, text: str) -> None:
    """In place: a container that was given this very file shall see it. Its mode stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
