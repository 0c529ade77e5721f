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


class Handling(StrEnum):
    """Whose work a fault is, in the words of service contracts."""

    OPERATOR = "operator"  # who stands at the device can do it, told how by telephone
    MAINTENANCE = "maintenance"
    REPLACEMENT = "replacement"  # of the whole unit


HANDLING_TEXT: dict[Handling, str] = {
    Handling.OPERATOR: N_("handled by the operator"),
    Handling.MAINTENANCE: N_("maintenance"),
    Handling.REPLACEMENT: N_("replacement of the whole unit"),
}


def handling_of(fault_class: str) -> Handling:
    """Whose work a fault of this class usually is."""
    return Handling.OPERATOR if fault_class == FaultClass.CONSUMABLE else Handling.MAINTENANCE


class Grade(StrEnum):
    """How bad a fault is, as contracts tell it."""

    ORDINARY = "ordinary"
    MAJOR = "major"


GRADE_TEXT: dict[Grade, str] = {
    Grade.ORDINARY: N_("ordinary"),
    Grade.MAJOR: N_("major"),
}


@dataclass(frozen=True, slots=True)
class Classified:
    """What somebody says of the kind of fault, as far as it is said."""

    handling: Handling | None = None
    grade: Grade | None = None

    def __bool__(self) -> bool:
        return self.handling is not None or self.grade is not None

    def to_json(self) -> dict[str, str]:
        """Only what is said."""
        said = {"handling": self.handling, "grade": self.grade}
        return {name: value for name, value in said.items() if value is not None}


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


class CausedBy(StrEnum):
    """What drove the time that a case took; reports separate them."""

    DEVICE = "device"  # its quality, its age
    USER = "user"  # misuse, or a problem told badly
    STAFF = "staff"  # skill, experience, a wrong part
    OUTSIDE = "outside"  # power, network, weather: not the device's


CAUSED_BY_TEXT: dict[CausedBy, str] = {
    CausedBy.DEVICE: N_("the device"),
    CausedBy.USER: N_("its use"),
    CausedBy.STAFF: N_("our own work"),
    CausedBy.OUTSIDE: N_("something outside: power, network"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found when a component was looked at, as far as it is said."""

    finding: Finding | None = None
    caused_by: CausedBy | None = None

    def __bool__(self) -> bool:
        return self.finding is not None or self.caused_by is not None

    def to_json(self) -> dict[str, str]:
        """Only what is said."""
        said = {"finding": self.finding, "caused_by": self.caused_by}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Fault:
    """(device, component, fault class): at most one open alert and one open ticket each."""

    device_id: int
    component: str
    fault_class: FaultClass
