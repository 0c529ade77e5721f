"""What can be said of a device and its site, field by field: read from text, or refused with a reason."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from zoneinfo import available_timezones

from domain.device import DeviceKind
from domain.errors import BadInputError

MAX_TEXT = 200
_KEY = re.compile(r"[^\s+#\x00-\x1f\x7f]{1,128}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_REGIONS = ("urban", "suburban", "other_city")
_YEARS = range(1990, 2101)

Value = str | int | float | date


@dataclass(frozen=True, slots=True)
class Problem:
    """One field whose value does not fit."""

    field: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.field}: {self.value!r}; allowed: {self.allowed}"


@dataclass(frozen=True, slots=True)
class SitePlan:
    """A site as somebody wants it; None leaves a field as it is, or as it begins."""

    key: str
    name: str | None = None
    customer: str | None = None
    customer_name: str | None = None
    city: str | None = None
    time_zone: str | None = None
    region_class: str | None = None
    engineer: str | None = None
    engineer_name: str | None = None
    poll_limit: int | None = None


@dataclass(frozen=True, slots=True)
class PollPlan:
    """How a clock is polled; `interval_s` in seconds."""

    host: str
    port: int | None = None
    comm_key: int | None = None
    interval_s: float | None = None
    transport: str | None = None
    live_capture: bool | None = None


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """A device as somebody wants it; None leaves a field as it is, or as it begins."""

    key: str
    kind: str | None = None
    site: SitePlan | None = None
    model: str | None = None
    serial: str | None = None
    installed_on: date | None = None
    poll: PollPlan | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `read` raises ValueError for a value that is not allowed."""

    read: Callable[[str], Value]
    allowed: str
    example: str
    meaning: str


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError(text)
    return text


def _text(text: str) -> str:
    if len(text) > MAX_TEXT or any(unicodedata.category(sign) == "Cc" for sign in text):
        raise ValueError(text)
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(text)
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(text)
        return text.lower()

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)  # also in Persian, Arabic and full-width digits
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return read


def _date(text: str) -> date:
    day = date(*(int(part) for part in re.split(r"[-/]", text)))
    if day.year not in _YEARS:
        raise ValueError(text)
    return day


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _yes_or_no(text: str) -> bool:
    return _one_of("yes", "no")(text) == "yes"


def _zone(text: str) -> str:
    if text not in _zones():
        raise ValueError(text)
    return text


_NAME = f"up to {MAX_TEXT} characters"
_A_KEY = "1 to 128 characters without spaces, + and #"

FIELDS: Mapping[str, Field] = {
    "device": Field(
        _key, _A_KEY, "CLK-17", "its name in its own protocol; a clock that pushes: serial number"
    ),
    "kind": Field(_one_of(*DeviceKind), ", ".join(DeviceKind), "clock", "needed for a new device"),
    "site": Field(_key, _A_KEY, "airport-2", "where it stands"),
    "model": Field(_text, _NAME, "K40", ""),
    "serial": Field(_text, _NAME, "AEX1234567", ""),
    "installed_on": Field(_date, "a date such as 2026-03-21", "2026-03-21", "Gregorian calendar"),
    "host": Field(
        _host, "an address or host name", "10.20.1.9", "of a clock that is polled; else empty"
    ),
    "port": Field(_whole(1, 65535), "1 to 65535", "4370", "4370 where empty"),
    "comm_key": Field(
        _whole(0, 2**31 - 1), "a whole number from 0 on", "0", "from the clock's menu; 0: none"
    ),
    "interval": Field(
        _whole(10, 86400), "10 to 86400", "300", "seconds from poll to poll; 300 where empty"
    ),
    "transport": Field(_one_of("tcp", "udp"), "tcp, udp", "tcp", "tcp where empty"),
    "live": Field(_yes_or_no, "yes, no", "no", "punches are listened for between polls"),
    "site_name": Field(_text, _NAME, "Airport, hall 2", "the key where empty"),
    "customer": Field(_key, _A_KEY, "acme", "whose site it is; needed for a new site"),
    "customer_name": Field(_text, _NAME, "Acme Retail", "the key where empty"),
    "city": Field(_text, _NAME, "Tehran", ""),
    "time_zone": Field(
        _zone, "an IANA time zone such as Asia/Tehran", "Asia/Tehran", "UTC where empty"
    ),
    "region_class": Field(
        _one_of(*_REGIONS), ", ".join(_REGIONS), "urban", "for response times; urban where empty"
    ),
    "engineer": Field(_key, _A_KEY, "m.ahmadi", "in whose care the site is"),
    "engineer_name": Field(_text, _NAME, "Maryam Ahmadi", "the key where empty"),
    "poll_limit": Field(
        _whole(1, 1000), "1 to 1000", "4", "clocks of the site polled at once; 4 where empty"
    ),
}
"""Every column of an import, which are also the options of `forecall devices add`."""

_OF_A_POLL = ("port", "comm_key", "interval", "transport", "live")
_OF_A_SITE = tuple(FIELDS)[tuple(FIELDS).index("site_name") :]
_NAMES_NEED_KEYS = ((("customer_name",), "customer"), (("engineer_name",), "engineer"))


def read_device(cells: Mapping[str, str]) -> DevicePlan:
    """The device that `cells` (field -> text; empty: not said) describe.

    Raises BadInputError, whose message names each field that does not fit, its value and what is
    allowed.
    """
    plan, problems = try_device(cells)
    if plan is None:
        raise BadInputError("; ".join(map(str, problems)))
    return plan


def try_device(cells: Mapping[str, str]) -> tuple[DevicePlan | None, list[Problem]]:
    """As `read_device`, with the problems as values."""
    said: dict[str, Value] = {}
    problems = []
    for name, text in cells.items():
        clean = text.strip()
        if not clean:
            continue
        try:
            said[name] = FIELDS[name].read(clean)
        except (ValueError, TypeError):
            problems.append(Problem(name, clean, FIELDS[name].allowed))
    problems = problems or _contradictions(said)
    return (None if problems else _plan(said)), problems


def _contradictions(said: Mapping[str, Value]) -> list[Problem]:
    problems = []
    if "device" not in said:
        problems.append(Problem("device", "", _A_KEY))
    if "host" in said and said.get("kind", DeviceKind.CLOCK) != DeviceKind.CLOCK:
        problems.append(Problem("host", str(said["host"]), "only for the kind clock"))
    for names, needed in ((_OF_A_POLL, "host"), (_OF_A_SITE, "site"), *_NAMES_NEED_KEYS):
        if needed not in said:
            problems += [
                Problem(name, str(said[name]), f"only with a {needed}")
                for name in names
                if name in said
            ]
    return problems


def _plan(said: Mapping[str, Value]) -> DevicePlan:
    own = {name: said[name] for name in ("kind", "model", "serial", "installed_on") if name in said}
    poll = {name: said[name] for name in ("host", "port", "comm_key", "transport") if name in said}
    if "interval" in said:
        poll["interval_s"] = said["interval"]
    if "live" in said:
        poll["live_capture"] = said["live"]
    of_site = {name.removeprefix("site_"): said[name] for name in _OF_A_SITE if name in said}
    return DevicePlan(
        key=str(said["device"]),
        site=SitePlan(str(said["site"]), **of_site) if "site" in said else None,  # type: ignore[arg-type]
        poll=PollPlan(**poll) if poll else None,  # type: ignore[arg-type]
        **own,  # type: ignore[arg-type]
    )
