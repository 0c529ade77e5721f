"""Why faults of many devices are held for one: the figures, and the sentences that say them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alerts.correlation.likelihood import Share, Verdict
from alerts.sign import Origin, Sign
from domain.text import N_, Text, Value

_PLACE = {
    "power": N_("power feed {name}"),
    "router": N_("router {name}"),
    "switch": N_("switch {name}"),
    "segment": N_("network segment {name}"),
    "site": N_("site {name}"),
    "firmware": N_("firmware {name}"),
    "model": N_("model {name}"),
    "fleet": N_("the whole fleet"),
}

DOWN = "down"
"""The signature of devices that went down, or say that power or network fails them: a cause that takes
one device away leaves another, with a battery or a second way out, to complain."""

CUT_OFF_PARTS = frozenset({"powerSupply", "network"})
CUT_OFF_RULES = frozenset({"event:commError", "event:voltageOff"})
"""Errors that the loss of power or network brings about, by their components and by their rules."""

_WENT_DOWN = N_("{members} devices went down together: {place}")
_CUT_OFF = N_("{members} devices report faults of power or network together: {place}")
_MIXED = N_(
    "{members} devices were hit together: {down} went down, {others} report faults of power or network:"
    " {place}"
)
_DECLARED = N_("{place} was declared down; {members} devices are down with it")
_SAME_FAULT = N_("{members} devices have the same fault ({fault}): {place}")


def signature_of(sign: Sign) -> str | None:
    """What a device suffers from, as far as others may suffer from the same; None: its sign came when
    somebody looked, and not when the fault did."""
    if sign.origin is Origin.TRANSITION:
        return DOWN
    return signature(sign.rule, sign.fault.component) if sign.origin is Origin.EVENT else None


def signature(rule: str, component: str) -> str:
    """What a device suffers from that reports an error."""
    if component in CUT_OFF_PARTS or rule in CUT_OFF_RULES:
        return DOWN
    return f"{rule} {component}"


def place(kind: str, name: str) -> Text:
    """What the devices have in common, in words."""
    return Text(_PLACE[kind], {"name": name})


def headline(kind: str, name: str, signature: str, members: int, down: int) -> Text:
    """What a batch's alert and ticket are called; `down`: so many of its devices went down."""
    values: dict[str, Value] = {"members": members, "place": place(kind, name)}
    if signature != DOWN:
        return Text(_SAME_FAULT, values | {"fault": signature})
    if 0 < down < members:
        return Text(_MIXED, values | {"down": down, "others": members - down})
    return Text(_WENT_DOWN if down else _CUT_OFF, values)


def declared_headline(kind: str, name: str, members: int) -> Text:
    """What a batch is called that somebody declared."""
    return Text(_DECLARED, {"place": place(kind, name), "members": members})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is kept of a verdict.

    Attributes:
        all_faults: of the same kind, in the same span, anywhere.
        all_devices: all that were up, or have the fault.
        span_s: how long before the newest fault is looked at, in seconds.
        seen: kinds of faults of the members - signatures, or rules and parts - and of how many devices.
    """

    verdict: Verdict
    all_faults: int
    all_devices: int
    span_s: float
    seen: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Evidence | Declared:
        if "declared" in data:
            return Declared(**data["declared"])
        given = dict(data["verdict"])
        rivals = tuple((Share(**share), contrast) for share, contrast in given.pop("rivals"))
        same = tuple(Share(**share) for share in given.pop("same"))
        share = Share(**given.pop("share"))
        found = Verdict(share=share, rivals=rivals, same=same, **given)
        seen = tuple((fault, devices) for fault, devices in data.get("seen", ()))
        return Evidence(found, data["all_faults"], data["all_devices"], data["span_s"], seen)

    def sentences(self) -> list[Text]:
        """The evidence in words: how many, how unlikely, why this cause and not another,
        and what was seen where that was not the same of all."""
        told = [self._how_many(), self._how_unlikely(), self._elsewhere(), *self._others()]
        return [*told, *self._seen()] if len(self.seen) > 1 else told

    def _seen(self) -> list[Text]:
        return [
            Text(N_("Seen: {devices} went down"), {"devices": devices})
            if fault == DOWN
            else Text(N_("Seen: {devices} report {fault}"), {"devices": devices, "fault": fault})
            for fault, devices in self.seen
        ]

    def _how_many(self) -> Text:
        share = self.verdict.share
        values: dict[str, Value] = {
            "faults": share.faults,
            "devices": share.devices,
            "minutes": round(self.span_s / 60),
            "place": place(share.kind, share.name),
        }
        return Text(N_("{place}: {faults} of {devices} devices within {minutes} min"), values)

    def _how_unlikely(self) -> Text:
        power = math.floor(-self.verdict.log10_chance)
        return Text(N_("By chance: less often than once in 10^{power} times"), {"power": power})

    def _elsewhere(self) -> Text:
        share = self.verdict.share
        devices = self.all_devices - share.devices
        if devices <= 0:
            return Text(N_("There are no other devices to compare with"))
        values = {"faults": self.all_faults - share.faults, "devices": devices}
        return Text(N_("Elsewhere: {faults} of {devices} devices at the same time"), values)

    def _others(self) -> list[Text]:
        return [
            Text(
                N_("Explains it less well: {place} ({faults} of {devices} devices)"),
                {
                    "place": place(share.kind, share.name),
                    "faults": share.faults,
                    "devices": share.devices,
                },
            )
            for share, _ in self.verdict.rivals
        ] + [
            Text(
                N_("Can't be told apart: {place} has the same devices"),
                {"place": place(share.kind, share.name)},
            )
            for share in self.verdict.same
        ]


@dataclass(frozen=True, slots=True)
class Declared:
    """What is kept where nobody had to find out: a person said that the cause is there."""

    actor: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"declared": asdict(self)}

    def sentences(self) -> list[Text]:
        return [Text(N_("{actor} says so: {reason}"), asdict(self))]
