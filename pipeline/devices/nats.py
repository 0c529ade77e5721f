"""Users and their rights in nats-server's own configuration language."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline.devices.rights import Login

_HEAD = "# Written by `forecall devices` and `forecall up`; changes are lost.\n"


def users_file(own: tuple[str, str], logins: Sequence[Login]) -> str:
    """The `users` of an `authorization` block: `own` (name, password or its hash) may do all, each of
    `logins` what its rights say, revoked ones nothing."""
    lines = [_line(*own, "")]
    lines += [
        _line(login.username, login.secret, _permissions(login))
        for login in logins
        if not login.revoked
    ]
    return _HEAD + "users: [\n" + "".join(lines) + "]\n"


def subject(topic: str) -> str:
    """A topic filter as a subject: how nats-server itself translates them."""
    levels = (level.replace(".", "//") for level in topic.split("/"))
    return ".".join(levels).translate({ord("+"): "*", ord("#"): ">"})


def _line(user: str, password: str, permissions: str) -> str:
    return f"  {{user: {json.dumps(user)}, password: {json.dumps(password)}{permissions}}}\n"


def _permissions(login: Login) -> str:
    rights = {
        "publish": [subject(topic) for topic in login.rights.publishes],
        "subscribe": [subject(topic) for topic in login.rights.hears],
    }
    return f", permissions: {json.dumps(rights)}"
