"""What a device's login may do on a broker: speak for itself, and hear what is meant for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from domain.errors import BadInputError

COLLECTOR_USER = "forecall-collector"
DEVICE = "{device}"
"""Stands for the device's key in a topic that is given for many devices."""

_LEVEL = re.compile(r"[^\s+#*>/{}\x00-\x1f\x7f]{1,128}")
_STATE = "spBv1.0/STATE/+"


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters that one login may publish to, and that it may subscribe to."""

    publishes: Sequence[str]
    hears: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """One login as a broker's files have it.

    Attributes:
        secret: the password's hash, as the broker wants it.
        revoked: it must not be let in any more.
    """

    username: str
    secret: str
    rights: Rights
    revoked: bool = False


def username_of(key: str) -> str:
    """The name that a device of that key logs in as; the key itself, but for `:`, which ends a name in
    Mosquitto's password file."""
    return key.replace(":", "%3A")


def rights_of(key: str, tenant: str, own: Sequence[str] = ()) -> Rights:
    """The rights of the device of that key: in the JSON contract, or in Sparkplug for a key of the
    form group~node. `own` are filters that it may publish to besides, each holding `{device}`.

    Not bound to the site's level of a topic: a device that is moved must not fall silent.
    Raises BadInputError for a key that can't stand in a topic, or that is behind a Sparkplug node.
    """
    levels = [unquote(level) for level in key.split("~")]
    if len(levels) > 2:
        raise BadInputError(
            f"device: {key!r} logs in as its Sparkplug node; allowed: {'~'.join(key.split('~')[:2])}"
        )
    if not all(_LEVEL.fullmatch(level) for level in levels):
        raise BadInputError(
            f"device: {key!r}; allowed in a topic: levels of 1 to 128 characters without spaces, "
            "/ + # * > { }"
        )
    usual = _of_sparkplug(*levels) if len(levels) == 2 else Rights([f"v1/{tenant}/+/{key}/#"])
    mine = [topic.replace(DEVICE, levels[-1]) for topic in own]
    return Rights([*usual.publishes, *mine], usual.hears)


def is_behind_a_node(key: str) -> bool:
    """Whether a device speaks through its Sparkplug node, whose login is enough."""
    return key.count("~") > 1


def _of_sparkplug(group: str, node: str) -> Rights:
    return Rights(
        publishes=[f"spBv1.0/{group}/+/{node}", f"spBv1.0/{group}/+/{node}/#"],
        hears=[f"spBv1.0/{group}/NCMD/{node}", f"spBv1.0/{group}/DCMD/{node}/#", _STATE],
    )
