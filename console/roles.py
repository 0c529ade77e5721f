"""Who may do what: the rights, and which role and which scope of a token has them.

Every route names the right that it needs (`console.gate`); a test walks over all of them.
"""

from __future__ import annotations

from enum import StrEnum

from domain.text import N_


class Right(StrEnum):
    """One thing that somebody may do."""

    SEE_DEVICES = "see_devices"
    SEE_FLEET = "see_fleet"  # overview, alerts, uptime, models: everything but tickets and people
    SEE_TICKETS = "see_tickets"
    SEE_OWN_TICKETS = "see_own_tickets"  # those that are assigned to them
    WORK = "work"  # on the tickets that they see: move, note, say what was found
    CALLS = "calls"  # take customers' calls, and say which device they are about
    ASSIGN = "assign"  # hand tickets to engineers and send them out
    HANDLE_ALERTS = "handle_alerts"  # acknowledge, shelve, take out of service
    PLAN = "plan"  # maintenance windows
    ADOPT = "adopt"  # devices that were found
    ATTENDANCE = "attendance"  # people's punches
    LINKS = "links"  # customers' links to a device
    DECIDE_MODELS = "decide_models"
    REPORTS = "reports"  # make reports and read those that were made, of staff and customers alike
    REVIEW = "review"  # the staff's figures: look at all, close months, decide about disputes
    OWN_REVIEW = "own_review"  # their own figures, and to dispute what they are made of
    SEE_AUDIT = "see_audit"
    ADMINISTER = "administer"  # accounts, tokens, customers, sites, engineers


class Role(StrEnum):
    """What an account is for."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    DISPATCHER = "dispatcher"
    ENGINEER = "engineer"
    MANAGER = "manager"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"

    @property
    def rights(self) -> frozenset[Right]:
        return _RIGHTS[self]


_R = Right
_LOOKS = frozenset({_R.SEE_DEVICES, _R.SEE_FLEET, _R.SEE_TICKETS})
_OPERATES = _LOOKS | {
    _R.WORK,
    _R.CALLS,
    _R.HANDLE_ALERTS,
    _R.ADOPT,
    _R.ATTENDANCE,
    _R.LINKS,
}
_DISPATCHES = _OPERATES | {_R.ASSIGN, _R.PLAN}

_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: _LOOKS,
    Role.OPERATOR: _OPERATES,
    Role.DISPATCHER: _DISPATCHES,
    Role.ENGINEER: frozenset({_R.SEE_DEVICES, _R.SEE_OWN_TICKETS, _R.WORK, _R.OWN_REVIEW}),
    Role.MANAGER: _DISPATCHES | {_R.DECIDE_MODELS, _R.REPORTS, _R.REVIEW, _R.SEE_AUDIT},
    Role.ANALYST: _LOOKS | {_R.DECIDE_MODELS, _R.SEE_AUDIT},
    Role.ADMINISTRATOR: frozenset(Right),
}

ROLE_TEXT: dict[Role, str] = {
    Role.VIEWER: N_("viewer"),
    Role.OPERATOR: N_("operator"),
    Role.DISPATCHER: N_("dispatcher"),
    Role.ENGINEER: N_("engineer"),
    Role.MANAGER: N_("manager"),
    Role.ANALYST: N_("analyst"),
    Role.ADMINISTRATOR: N_("administrator"),
}

ROLE_HELP: dict[Role, str] = {
    Role.VIEWER: N_("looks at everything but people's punches"),
    Role.OPERATOR: N_("takes calls, works on tickets and alerts, adopts devices"),
    Role.DISPATCHER: N_("also assigns engineers and plans maintenance"),
    Role.ENGINEER: N_("sees devices and their own tickets, and works on these"),
    Role.MANAGER: N_("also makes reports, decides about models and sees who did what"),
    Role.ANALYST: N_("looks at everything but people's punches, and decides about models"),
    Role.ADMINISTRATOR: N_("everything; accounts, tokens, customers, sites, engineers"),
}


class Scope(StrEnum):
    """What a program's token may do."""

    READ = "read"
    REPORT = "report"
    WORK = "work"
    ATTENDANCE = "attendance"
    FIGURES = "figures"

    @property
    def rights(self) -> frozenset[Right]:
        return _SCOPES[self]


_SCOPES: dict[Scope, frozenset[Right]] = {
    Scope.READ: _LOOKS,
    Scope.REPORT: frozenset({_R.CALLS}),
    Scope.WORK: frozenset({_R.SEE_TICKETS, _R.WORK, _R.ASSIGN, _R.HANDLE_ALERTS}),
    Scope.ATTENDANCE: frozenset({_R.ATTENDANCE}),
    Scope.FIGURES: frozenset({_R.REPORTS, _R.REVIEW}),
}

SCOPE_TEXT: dict[Scope, str] = {
    Scope.READ: N_("read devices, alerts, tickets and figures"),
    Scope.REPORT: N_("report faults"),
    Scope.WORK: N_("work on tickets and alerts"),
    Scope.ATTENDANCE: N_("read people's punches"),
    Scope.FIGURES: N_("make and read reports, review the staff"),
}
