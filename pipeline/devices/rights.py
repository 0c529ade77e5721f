"""What a device's login may do on a broker: speak for itself, and hear what is meant for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

COLLECTOR_USER = "forecall-collector"
DEVICE = "{device}"
"""Stands for the device's key in a topic that is given for many devices."""

_PUBLISHES = (
    "v1/{tenant}/+/{device}/#",
    "spBv1.0/+/+/{device}",  # Sparkplug: the device is an edge node, whatever its group
    "spBv1.0/+/+/{device}/#",
)
_HEARS = ("spBv1.0/+/NCMD/{device}", "spBv1.0/+/DCMD/{device}/#", "spBv1.0/STATE/+")


@dataclass(frozen=True, slots=True)
class Login:
    """One login and its rights, as topic filters.

    Attributes:
        secret: the password's hash, as the broker wants it.
        revoked: it must not be let in any more.
    """

    username: str
    secret: str
    publishes: Sequence[str]
    hears: Sequence[str]
    revoked: bool = False


def username_of(key: str) -> str:
    """The name that a device of that key logs in as; the key itself, but for signs such as `:`."""
    return quote(key, safe="")


def publishes(key: str, tenant: str, own: Sequence[str] = ()) -> list[str]:
    """Filters that the device may publish to; `own` are more of them, holding `{device}`.

    Not the site's level: a device that is moved must not fall silent.
    """
    return [_filled(topic, key, tenant) for topic in (*_PUBLISHES, *own)]


def hears(key: str) -> list[str]:
    """Filters that the device may subscribe to: commands for it, and whether the host is there."""
    return [_filled(topic, key, "+") for topic in _HEARS]


def _filled(topic: str, key: str, tenant: str) -> str:
    return topic.replace("{tenant}", tenant).replace(DEVICE, key)
