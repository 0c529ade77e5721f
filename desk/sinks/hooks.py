"""Calls from ticket systems that something has changed over there: who may call, and about what.

A call is only a hint to look: nothing that it says is believed but which ticket it is about, and what
is new is then read over there as after a poll. So a call that comes twice, late or never does no harm.

Signatures as the systems' own documents say: Zammad `X-Hub-Signature: sha1=HEX` (HMAC of the body),
Jira `X-Hub-Signature: sha256=HEX`, GLPI `X-GLPI-signature: HEX` (HMAC-SHA256 of body and then
`X-GLPI-timestamp`). A system that signs nothing, such as ServiceNow, shows the secret as a bearer.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from alerts.notify.secret import reveal
from desk.sinks.settings import AnySettings
from domain.errors import BadInputError, NotAllowedError

LONGEST_CALL = 1 << 20
"""Bytes of a call that are read."""

_BEARER = "Bearer "
_TOLERANCE_S = 300


def authenticate(
    settings: AnySettings, headers: Mapping[str, str], body: bytes, now_s: float
) -> None:
    """Raises NotAllowedError unless the call is signed with the hook's secret, or shows it.

    `headers` by names in small letters; `now_s`: the wall's time, in seconds since 1970.
    """
    if settings.hook is None:
        raise NotAllowedError("this ticket system has no hook")
    secret = reveal(settings.hook)
    wanted = _wanted(settings.kind, secret, headers, body)
    if not any(
        given and hmac.compare_digest(given.encode(), right.encode()) for given, right in wanted
    ):
        raise NotAllowedError("the call is neither signed with the hook's secret nor shows it")
    stamp = headers.get("x-glpi-timestamp", "")
    if settings.kind == "glpi" and stamp and abs(now_s - _seconds(stamp)) > _TOLERANCE_S:
        raise NotAllowedError(f"x-glpi-timestamp: {stamp[:40]}; allowed: within {_TOLERANCE_S} s")


def foreign_id(settings: AnySettings, body: bytes) -> str:
    """The system's own id of the ticket that a call is about. Raises BadInputError."""
    if len(body) > LONGEST_CALL:
        raise BadInputError(f"body: {len(body):,} bytes; allowed: {LONGEST_CALL:,}")
    path = _PATHS[settings.kind]
    try:
        found = msgspec.json.decode(body)
        for name in path:
            found = found[name]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInputError(f"body: {error}") from error
    except (KeyError, TypeError, IndexError) as error:
        raise BadInputError(f"body: has no {'.'.join(path)}") from error
    if isinstance(found, bool) or not isinstance(found, str | int) or not str(found):
        raise BadInputError(f"body: {'.'.join(path)} is no id")
    return str(found)


_PATHS: Mapping[str, tuple[str, ...]] = {
    "zammad": ("ticket", "id"),
    "glpi": ("item", "id"),
    "jira": ("issue", "id"),
    "servicenow": ("sys_id",),
}
"""Where each kind of system says which ticket it calls about."""


def _wanted(
    kind: str, secret: str, headers: Mapping[str, str], body: bytes
) -> list[tuple[str, str]]:
    """What the call shows, and what is right, for each way to show it."""
    key, ways = secret.encode(), [(headers.get("authorization", ""), _BEARER + secret)]
    if kind == "zammad":
        right = "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest()
        ways.append((headers.get("x-hub-signature", ""), right))
    elif kind == "jira":
        right = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
        ways.append((headers.get("x-hub-signature", ""), right))
    elif kind == "glpi":
        signed = body + headers.get("x-glpi-timestamp", "").encode()
        right = hmac.new(key, signed, hashlib.sha256).hexdigest()
        ways.append((headers.get("x-glpi-signature", ""), right))
    return ways


def _seconds(stamp: str) -> float:
    return float(stamp) if stamp.isascii() and stamp.isdigit() else 0.0
