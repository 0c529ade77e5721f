"""What a service plan promises: its clocks as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from desk.lifecycle import TicketState
from domain.calendar import Calendar
from domain.fault import Grade, Handling
from domain.report import Severity
from domain.text import N_


class Start(StrEnum):
    """What starts a clock."""

    OPENED = "opened"
    FAULT = "fault"  # the case was opened for a fault, or the foretold fault came
    ARRIVED = "arrived"


class Goal(StrEnum):
    """What stops a clock. The end of the work stops every clock."""

    PLANNED = "planned"  # somebody has said what will be done
    HELPED = "helped"  # somebody helps from afar, or is there
    SET_OUT = "set_out"
    ARRIVED = "arrived"
    DONE = "done"


CLOCK_TEXT: dict[str, str] = {
    "plan_of_action": N_("plan of action"),
    "phone_support": N_("support by telephone"),
    "set_out": N_("engineer sets out"),
    "on_site": N_("engineer on site"),
    "repair": N_("repair after arrival"),
    "total_major": N_("major fault after arrival"),
    "total": N_("repair in all"),
    "respond": N_("response"),
    "resolve": N_("fault resolved"),
}
"""What the clocks of the shipped plans are called; others are called as their plan says."""

PLAN_TEXT: dict[str, str] = {
    "kiosk": N_("Kiosks and terminals, around the clock"),
    "kiosk_office": N_("Kiosks and terminals, in office hours"),
    "clock": N_("Attendance clocks"),
}
"""What the shipped plans are called."""

ELSEWHERE = ""
"""The region class that stands for every other one."""


@dataclass(frozen=True, slots=True)
class Target:
    """How long a clock may run.

    Attributes:
        aim: what is aimed at, where the contract names a range: 2 of "2 to 4 hours".
    """

    limit: timedelta
    aim: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """One clock of a plan.

    Attributes:
        targets: by the site's region class; a class that neither it nor ELSEWHERE gives one has no
            such clock.
        handlings, grades: the faults for which it runs.
    """

    name: str
    label: str
    start: Start
    goal: Goal
    targets: Mapping[str, Target]
    handlings: frozenset[Handling] = frozenset(Handling)
    grades: frozenset[Grade] = frozenset(Grade)

    def target(self, region_class: str) -> Target | None:
        """What is promised in a region; None: nothing."""
        return self.targets.get(region_class) or self.targets.get(ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a contract promises.

    Attributes:
        kinds: the kinds of device whose plan it is where no contract says otherwise; "" among them
            stands for every other kind.
        calendar: the name of the calendar that its clocks run by.
        pauses: the ticket's states in which its clocks stand still.
        warn_at: the share of a clock's time after which is warned, where there is no aim.
        major: the lowest severity that makes a fault a major one by itself; None: no severity does.
        mean_repair: what ordinary repairs are to take on average; for reports, not for one case.
        warranty, free_support, support_life: how long each lasts from installation, in months.
    """

    name: str
    label: str
    promises: tuple[Promise, ...]
    calendar: str = "always"
    kinds: frozenset[str] = frozenset()
    pauses: frozenset[TicketState] = frozenset({TicketState.WAITING_CUSTOMER})
    warn_at: float = 0.75
    major: Severity | None = None
    mean_repair: timedelta | None = None
    warranty: int = 12
    free_support: int = 3
    support_life: int = 120

    def grade(self, severity: Severity) -> Grade:
        """How bad a fault is that nobody has graded, of one device."""
        by_itself = self.major is not None and severity.rank >= self.major.rank
        return Grade.MAJOR if by_itself else Grade.ORDINARY


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds at one place at one moment."""

    plan: Plan
    calendar: Calendar
    region_class: str
