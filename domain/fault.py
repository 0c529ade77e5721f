"""A fault's identity: what makes two signs the same case."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.text import N_


class FaultClass(StrEnum):
    """What kind of fault it is, as far as it decides who does what.

    After ISO 14224's failure modes, brought down to what a service desk can tell from afar.
    """

    BREAKDOWN = "breakdown"  # ISO 14224 BRD: the component no longer does its work
    CONSUMABLE = "consumable"  # empty or full: paper, stacker; an operator can handle it
    UNREACHABLE = "unreachable"  # nothing is heard of the device
    DEGRADED = "degraded"  # works, but outside its limits (clock drift, log nearly full)


FAULT_CLASS_TEXT: dict[FaultClass, str] = {
    FaultClass.BREAKDOWN: N_("breakdown"),
    FaultClass.CONSUMABLE: N_("consumable"),
    FaultClass.UNREACHABLE: N_("unreachable"),
    FaultClass.DEGRADED: N_("degraded"),
}


class Finding(StrEnum):
    """What whoever looked at the component says of it; a label that models learn from."""

    WORN = "worn"  # it worked still, and would not have for long
    FAILED = "failed"
    NO_FAULT_FOUND = "no_fault_found"
    CANNOT_TELL = "cannot_tell"


FINDING_TEXT: dict[Finding, str] = {
    Finding.WORN: N_("worn: it worked still"),
    Finding.FAILED: N_("it had failed"),
    Finding.NO_FAULT_FOUND: N_("no fault was found"),
    Finding.CANNOT_TELL: N_("it can't be told"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """(device, component, fault class): at most one open alert and one open ticket each."""

    device_id: int
    component: str
    fault_class: FaultClass
