"""Measures that lower the fault rate, by named rules over the figures of a period. Pure."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import comb
from pathlib import Path
from typing import TypeAlias

import msgspec

from domain.errors import ConfigurationError
from domain.fault import CausedBy, Finding, Handling
from domain.text import Text, Value
from domain.vocabulary import component
from kpi.service.cases import Case
from kpi.service.happenings import Batch
from kpi.service.running import Standing
from kpi.uptime.exclusions import NOT_OURS

_FILE = Path(__file__).with_name("shipped") / "measures.toml"
_CHANCE = 0.01
"""A firmware is blamed where chance, over all that were compared, is rarer than this."""


class LooksAt(StrEnum):
    """What a rule counts: see measures.toml."""

    PART = "part"
    DEVICE = "device"
    FIRMWARE = "firmware"
    SUPPLIES = "supplies"
    CAUSE = "cause"
    FINDING = "finding"
    BATCHES = "batches"
    CALLS = "calls"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[measure]]`."""

    name: str
    looks_at: LooksAt
    message: str
    message_evidence: str
    faults: int
    devices: int = 1
    share: float = 0.0
    rules: tuple[str, ...] = ()
    caused_by: CausedBy | None = None
    finding: Finding | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    measure: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at.

    Attributes:
        faults: of the period. closed: its cases that were closed. devices: at its end.
    """

    faults: Sequence[Case]
    closed: Sequence[Case]
    batches: Sequence[Batch]
    devices: Sequence[Standing]
    second_calls: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, and what for.

    Attributes:
        weight: so many faults speak for it.
        tickets: the cases that it is made of; of a few kinds none are named.
    """

    rule: str
    measure: Text
    evidence: Text
    weight: int
    tickets: tuple[int, ...]


Subject: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sight:
    """Something that a rule may speak of."""

    subject: Subject
    faults: int
    values: Mapping[str, Value]
    devices: int = 1
    share: float = 1.0
    tickets: tuple[int, ...] = ()


@cache
def shipped() -> tuple[Rule, ...]:
    """The rules of this version of Forecall, in their order."""
    return read_rules(_FILE.read_text(encoding="utf-8"))


def read_rules(text: str) -> tuple[Rule, ...]:
    """Raises ConfigurationError that names the key, its value and what is allowed."""
    try:
        return msgspec.convert(tomllib.loads(text), _File).measure
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"measures: {error}") from error


def advice(facts: Facts, rules: Sequence[Rule]) -> list[Advice]:
    """What the facts call for, the heaviest first; nothing is advised about twice."""
    found: dict[Subject, Advice] = {}
    for rule in rules:
        for sight in _SIGHTS[rule.looks_at](facts, rule):
            if _speaks(rule, sight):
                found.setdefault(sight.subject, _advice(rule, sight))
    return sorted(found.values(), key=lambda one: -one.weight)


def _speaks(rule: Rule, sight: _Sight) -> bool:
    enough = sight.faults >= rule.faults and sight.devices >= rule.devices
    return enough and sight.share >= rule.share


def _advice(rule: Rule, sight: _Sight) -> Advice:
    return Advice(
        rule.name,
        Text(rule.message, sight.values),
        Text(rule.message_evidence, sight.values),
        sight.faults,
        sight.tickets,
    )


def _ours(faults: Sequence[Case]) -> list[Case]:
    """Faults of devices that were not their user's or the surroundings'."""
    return [case for case in faults if case.device and case.caused_by not in NOT_OURS]


def _tickets(cases: Sequence[Case]) -> tuple[int, ...]:
    return tuple(case.ticket_id for case in cases)


def _parts(facts: Facts, rule: Rule) -> Iterator[_Sight]:
    groups: dict[Subject, list[Case]] = defaultdict(list)
    for case in _ours(facts.faults):
        named = not rule.rules or case.rule in rule.rules
        if named and case.model and case.handling is not Handling.OPERATOR:
            groups["part", case.model, case.component].append(case)
    for subject, cases in groups.items():
        devices = len({case.device for case in cases})
        values: dict[str, Value] = {
            "model": subject[1],
            "component": Text(component(subject[2]).label),
            "faults": len(cases),
            "devices": devices,
        }
        yield _Sight(subject, len(cases), values, devices=devices, tickets=_tickets(cases))


def _devices(facts: Facts, rule: Rule) -> Iterator[_Sight]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in _ours(facts.faults):
        if case.handling is not Handling.OPERATOR:
            groups[case.device].append(case)
    for device, cases in groups.items():
        values: dict[str, Value] = {"device": device, "faults": len(cases)}
        yield _Sight(("device", device), len(cases), values, tickets=_tickets(cases))


def _firmware(facts: Facts, rule: Rule) -> Iterator[_Sight]:
    """Devices with a fault against devices without: faults of one device may have one cause."""
    faulty = {case.device for case in _ours(facts.faults) if case.handling is not Handling.OPERATOR}
    fleets: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for device in facts.devices:
        if device.model and device.firmware:
            fleets[device.model, device.firmware].append(device)
    for (model, firmware), devices in fleets.items():
        same = [one for key, ones in fleets.items() if key[0] == model for one in ones]
        bad, all_bad = (sum(one.key in faulty for one in ones) for ones in (devices, same))
        if unlikely(bad, len(devices), all_bad, len(same)) * len(fleets) >= _CHANCE:
            continue
        values: dict[str, Value] = {
            "model": model,
            "firmware": firmware,
            "faults": bad,
            "devices": len(devices),
            "other_faults": all_bad - bad,
            "others": len(same) - len(devices),
        }
        yield _Sight(("firmware", model, firmware), bad, values)


def unlikely(bad: int, drawn: int, all_bad: int, devices: int) -> float:
    """The chance that at least `bad` of `drawn` devices are bad when `all_bad` of all are, wherever they
    are (Fisher's exact test, one-sided)."""
    ways = sum(
        comb(all_bad, count) * comb(devices - all_bad, drawn - count)
        for count in range(bad, min(drawn, all_bad) + 1)
    )
    return ways / comb(devices, drawn)


def _supplies(facts: Facts, rule: Rule) -> Iterator[_Sight]:
    cases = [case for case in facts.faults if case.handling is Handling.OPERATOR]
    devices = len({case.device for case in cases})
    values: dict[str, Value] = {"faults": len(cases), "devices": devices}
    yield _Sight(("supplies",), len(cases), values, devices=devices, tickets=_tickets(cases))


def _causes(facts: Facts, rule: Rule) -> Iterator[_Sight]:
    known = [case for case in facts.faults if case.caused_by is not None]
    cases = [case for case in known if case.caused_by is rule.caused_by]
    yield _shared(("cause", str(rule.caused_by)), cases, known)


def _findings(facts: Facts, rule: Rule) -> Iterator[_Sight]:
    known = [case for case in facts.closed if case.finding is not None]
    cases = [case for case in known if case.finding is rule.finding]
    yield _shared(("finding", str(rule.finding)), cases, known)


def _shared(subject: Subject, cases: Sequence[Case], known: Sequence[Case]) -> _Sight:
    values: dict[str, Value] = {"faults": len(cases), "cases": len(known)}
    share = len(cases) / len(known) if known else 0.0
    return _Sight(subject, len(cases), values, share=share, tickets=_tickets(cases))


def _batches(facts: Facts, rule: Rule) -> Iterator[_Sight]:
    batches = [batch for batch in facts.batches if batch.outside]
    tickets = tuple(batch.ticket_id for batch in batches if batch.ticket_id is not None)
    values: dict[str, Value] = {"faults": len(batches)}
    yield _Sight(("batches",), len(batches), values, tickets=tickets)


def _calls(facts: Facts, rule: Rule) -> Iterator[_Sight]:
    yield _Sight(("calls",), facts.second_calls, {"faults": facts.second_calls})


_SIGHTS: dict[LooksAt, Callable[[Facts, Rule], Iterator[_Sight]]] = {
    LooksAt.PART: _parts,
    LooksAt.DEVICE: _devices,
    LooksAt.FIRMWARE: _firmware,
    LooksAt.SUPPLIES: _supplies,
    LooksAt.CAUSE: _causes,
    LooksAt.FINDING: _findings,
    LooksAt.BATCHES: _batches,
    LooksAt.CALLS: _calls,
}
