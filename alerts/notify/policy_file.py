"""Reads the policy and checks that what it names is there."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ValidationError

from alerts.notify.policy import ENGINEER, ON_CALL, TEAM, Policy, Reference, Step
from alerts.outbox import Topic
from domain.errors import BadInputError

_OURS = "FORECALL_"
_SECRET = ("url", "secret", "token", "password", "addresses")
_MOST_PROBLEMS = 10


def read_policy(text: str) -> Policy:
    """The policy in a TOML text. Raises BadInputError: the key, its value and what is allowed."""
    try:
        policy = Policy.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInputError(f"is not TOML: {error}") from error
    except ValidationError as error:
        raise BadInputError("; ".join(told(error))) from error
    _check_zones(policy)
    _check_references(policy)
    _check_members(policy)
    _check_routes(policy)
    _check_feeds(policy)
    return policy


def told(error: ValidationError) -> Iterator[str]:
    """What is wrong where; what may be a secret is not shown."""
    for problem in error.errors()[:_MOST_PROBLEMS]:
        where = ".".join(map(str, problem["loc"]))
        secret = any(word in where for word in _SECRET)
        given = "" if secret else f" (given: {str(problem['input'])[:100]!r})"
        known = problem["type"] != "extra_forbidden"
        yield f"{where}: {problem['msg']}{given}" if known else f"{where}: unknown key"


def _refuse(key: str, value: object, allowed: str) -> BadInputError:
    return BadInputError(f"{key}: {value!r}; allowed: {allowed}")


def _names(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none is defined"


def _check_zones(policy: Policy) -> None:
    zones = {f"people.{key}": person.time_zone for key, person in policy.people.items()}
    zones |= {f"on_call.{key}": plan.time_zone for key, plan in policy.on_call.items()}
    for where, zone in zones.items():
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise _refuse(f"{where}.time_zone", zone, "a name such as Asia/Tehran") from error


def _references(value: Any, where: str) -> Iterator[tuple[str, Reference]]:
    """Every reference to a secret in the policy, with the key that it stands at."""
    if isinstance(value, Reference):
        yield where, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _references(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _references(each, f"{where}.{key}")


def _check_references(policy: Policy) -> None:
    for where, reference in _references(policy, ""):
        check_reference(where.removeprefix("."), reference)


def check_reference(key: str, reference: Reference) -> None:
    """Raises BadInputError unless it names one variable, not of ours, or one file."""
    if (reference.env is None) == (reference.file is None):
        raise _refuse(key, _shown(reference), "exactly one of env and file")
    if reference.env is not None and reference.env.startswith(_OURS):
        raise _refuse(key, reference.env, f"a name that does not begin with {_OURS}")


def _shown(reference: Reference) -> dict[str, str | None]:
    return {"env": reference.env, "file": reference.file}


def _check_members(policy: Policy) -> None:
    groups = {f"teams.{key}": team.members for key, team in policy.teams.items()}
    for key, plan in policy.on_call.items():
        groups[f"on_call.{key}"] = plan.members
        groups[f"on_call.{key}.instead"] = tuple(each.who for each in plan.instead)
    for where, members in groups.items():
        for member in members:
            if member not in policy.people:
                raise _refuse(where, member, f"one of the people: {_names(policy.people)}")
    for key, person in policy.people.items():
        for channel in person.addresses:
            if channel not in policy.channels:
                allowed = f"one of the channels: {_names(policy.channels)}"
                raise _refuse(f"people.{key}.addresses", channel, allowed)


def _check_routes(policy: Policy) -> None:
    names = [route.name for route in policy.routes]
    for name in names:
        if names.count(name) > 1:
            raise _refuse("routes.name", name, "each name once")
    for route in policy.routes:
        for place, step in enumerate(route.steps):
            _check_step(policy, f"routes.{route.name}.steps[{place}]", step)
        waits = [step.after_min for step in route.steps]
        if waits != sorted(waits):
            raise _refuse(f"routes.{route.name}.steps.after_min", waits, "each later than the last")


def _check_step(policy: Policy, where: str, step: Step) -> None:
    for channel in step.by:
        if channel not in policy.channels:
            raise _refuse(f"{where}.by", channel, f"one of {_names(policy.channels)}")
    for recipient in step.tell:
        for key in _everyone(policy, f"{where}.tell", recipient):
            person = policy.people[key]
            if not set(step.by) & set(person.addresses):
                allowed = f"a channel that {key} has an address for: {_names(person.addresses)}"
                raise _refuse(f"{where}.by", list(step.by), allowed)


def _everyone(policy: Policy, where: str, recipient: str) -> Iterable[str]:
    """All whom a recipient may stand for, at any time."""
    if recipient == ENGINEER:
        return [key for key, person in policy.people.items() if person.engineer]
    for prefix, groups in ((TEAM, policy.teams), (ON_CALL, policy.on_call)):
        if recipient.startswith(prefix):
            name = recipient.removeprefix(prefix)
            if name not in groups:
                raise _refuse(where, recipient, f"{prefix} and one of {_names(groups)}")
            return _group(policy, prefix, name)
    if recipient not in policy.people:
        allowed = f"{ENGINEER}, {TEAM}NAME, {ON_CALL}NAME or one of {_names(policy.people)}"
        raise _refuse(where, recipient, allowed)
    return [recipient]


def _group(policy: Policy, prefix: str, name: str) -> tuple[str, ...]:
    if prefix == TEAM:
        return policy.teams[name].members
    plan = policy.on_call[name]
    return (*plan.members, *(each.who for each in plan.instead))


def _check_feeds(policy: Policy) -> None:
    urls: dict[str, str | Reference] = {}
    for key, hook in policy.webhooks.items():
        urls[f"webhooks.{key}.url"] = hook.url
        for topic in hook.topics:
            if not any(known.startswith(topic) for known in Topic):
                allowed = f"the beginning of one of {', '.join(Topic)}"
                raise _refuse(f"webhooks.{key}.topics", topic, allowed)
    urls |= {
        f"alertmanagers.{key}.url": manager.url for key, manager in policy.alertmanagers.items()
    }
    for where, url in urls.items():
        if isinstance(url, str):
            check_url(where, url)
    if policy.receiver is not None and policy.receiver.token == policy.receiver.secret:
        raise _refuse("receiver", "neither token nor secret", "one of them, or both")


def check_url(where: str, url: str) -> None:
    """Raises BadInputError unless `url` is a plain http or https address without a password."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        raise BadInputError(f"{where}: is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise BadInputError(f"{where}: allowed: an address with http:// or https:// and a host")
    if parts.username or parts.password:
        raise BadInputError(f"{where}: holds a password; give the address by {{env = ...}}")
