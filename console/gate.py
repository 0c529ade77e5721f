"""The gate of every route: which right it needs, and who is let through.

A route takes its visit by one of these names. A page without one fails a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import params

from console.errors import LoginNeededError, NotPermittedError
from console.roles import Right
from console.room import AVisit, Visit


@dataclass(frozen=True, slots=True)
class Needs:
    """Lets through who has one of `rights`.

    Raises LoginNeededError for a stranger, NotPermittedError for whoever has none of them.
    """

    rights: frozenset[Right]

    def __call__(self, visit: AVisit) -> Visit:
        if not visit.actor:
            raise LoginNeededError("log in first")
        if not visit.rights & self.rights:
            raise NotPermittedError(f"this needs the right to {' or '.join(sorted(self.rights))}")
        return visit


def _needs(*rights: Right) -> params.Depends:
    return params.Depends(Needs(frozenset(rights)))


SeesDevices = Annotated[Visit, _needs(Right.SEE_DEVICES)]
SeesFleet = Annotated[Visit, _needs(Right.SEE_FLEET)]
SeesTickets = Annotated[Visit, _needs(Right.SEE_TICKETS, Right.SEE_OWN_TICKETS)]
WorksOnTickets = Annotated[Visit, _needs(Right.WORK)]
TakesCalls = Annotated[Visit, _needs(Right.CALLS)]
Assigns = Annotated[Visit, _needs(Right.ASSIGN)]
HandlesAlerts = Annotated[Visit, _needs(Right.HANDLE_ALERTS)]
Plans = Annotated[Visit, _needs(Right.PLAN)]
Adopts = Annotated[Visit, _needs(Right.ADOPT)]
ReadsAttendance = Annotated[Visit, _needs(Right.ATTENDANCE)]
MakesLinks = Annotated[Visit, _needs(Right.LINKS)]
DecidesOnModels = Annotated[Visit, _needs(Right.DECIDE_MODELS)]
MakesReports = Annotated[Visit, _needs(Right.REPORTS)]
SeesReview = Annotated[Visit, _needs(Right.REVIEW, Right.OWN_REVIEW)]
Reviews = Annotated[Visit, _needs(Right.REVIEW)]
SeesAudit = Annotated[Visit, _needs(Right.SEE_AUDIT)]
Administers = Annotated[Visit, _needs(Right.ADMINISTER)]
SomebodyIn = Annotated[Visit, _needs(*Right)]
"""Anybody who is logged in, or a program with a token."""
