"""The life of a ticket: one table of named transitions.

The order of handling is that of the field: confirm, diagnose from afar, repair from afar, visit,
repair or replace, verify with the customer. After what paralyses a device both begin at once:
remote handling, and an engineer's way to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import NotAllowedError
from domain.fault import Handling
from domain.text import N_


class TicketState(StrEnum):
    """Where the handling of a case stands. Work done after EN 13306, tickets after ITIL."""

    NEW = "new"
    PLANNED = "planned"
    REMOTE_DIAGNOSIS = "remote_diagnosis"
    DISPATCHED = "dispatched"
    UNDER_WAY = "under_way"
    ON_SITE = "on_site"
    WAITING_CUSTOMER = "waiting_customer"
    WAITING_PART = "waiting_part"
    REPAIRED = "repaired"
    VERIFIED = "verified"
    CLOSED = "closed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (TicketState.CLOSED, TicketState.CANCELLED)

    @property
    def waiting(self) -> bool:
        return self in (TicketState.WAITING_CUSTOMER, TicketState.WAITING_PART)

    @property
    def done(self) -> bool:
        """Whether the work on the fault is done, or there was none to do."""
        return self.ended or self in (TicketState.REPAIRED, TicketState.VERIFIED)


STATE_TEXT: dict[TicketState, str] = {
    TicketState.NEW: N_("new"),
    TicketState.PLANNED: N_("planned"),
    TicketState.REMOTE_DIAGNOSIS: N_("remote diagnosis"),
    TicketState.DISPATCHED: N_("dispatched"),
    TicketState.UNDER_WAY: N_("under way"),
    TicketState.ON_SITE: N_("on site"),
    TicketState.WAITING_CUSTOMER: N_("waiting for the customer"),
    TicketState.WAITING_PART: N_("waiting for a part"),
    TicketState.REPAIRED: N_("repaired"),
    TicketState.VERIFIED: N_("verified"),
    TicketState.CLOSED: N_("closed"),
    TicketState.CANCELLED: N_("cancelled"),
}


class CancelReason(StrEnum):
    """Why a case ended without work on the fault."""

    FALSE_ALARM = "false_alarm"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    RETIRED = "retired"  # the device left the fleet


CANCEL_TEXT: dict[CancelReason, str] = {
    CancelReason.FALSE_ALARM: N_("false alarm"),
    CancelReason.DUPLICATE: N_("duplicate"),
    CancelReason.WITHDRAWN: N_("withdrawn by the customer"),
    CancelReason.RETIRED: N_("the device left the fleet"),
}


@dataclass(frozen=True, slots=True)
class Move:
    """A named transition.

    Attributes:
        label: the words on its button and in the history.
        target: where it leads; None: to where the work was when the waiting began.
        by_rule: made by Forecall on what it observes, not offered to people.
        mends: what the repair history says was done to the component; empty: nothing was.
        whole_unit: it says so of the device, not of the component alone: all parts are new.
        handling: whose work the fault thereby turned out to be.
    """

    name: str
    label: str
    sources: frozenset[TicketState]
    target: TicketState | None
    by_rule: bool = False
    mends: str = ""
    whole_unit: bool = False
    handling: Handling | None = None


_S = TicketState
_WAITING = frozenset({_S.WAITING_CUSTOMER, _S.WAITING_PART})
_BEFORE_VISIT = frozenset({_S.NEW, _S.PLANNED, _S.REMOTE_DIAGNOSIS})
_OUT = frozenset({_S.DISPATCHED, _S.UNDER_WAY})
_AT_WORK = _BEFORE_VISIT | _OUT | {_S.ON_SITE}
_CAN_MEND = _AT_WORK - {_S.NEW}  # what is mended from afar may be so while somebody travels

_MOVES = (
    Move("plan", N_("Plan"), frozenset({_S.NEW}), _S.PLANNED),
    Move(
        "start_remote_diagnosis",
        N_("Start remote diagnosis"),
        frozenset({_S.NEW, _S.PLANNED}),
        _S.REMOTE_DIAGNOSIS,
    ),
    Move("dispatch", N_("Dispatch an engineer"), _BEFORE_VISIT, _S.DISPATCHED),
    Move(
        "dispatch_at_once",
        N_("Dispatch an engineer and diagnose remotely meanwhile"),
        frozenset({_S.NEW, _S.PLANNED}),
        _S.DISPATCHED,
    ),
    Move("set_out", N_("Set out"), frozenset({_S.DISPATCHED}), _S.UNDER_WAY),
    Move("arrive", N_("Arrive on site"), _OUT, _S.ON_SITE),
    Move("repair", N_("Repaired"), _CAN_MEND, _S.REPAIRED, mends="repaired"),
    Move("replace", N_("Part replaced"), frozenset({_S.ON_SITE}), _S.REPAIRED, mends="replaced"),
    Move(
        "replace_unit",
        N_("Whole unit replaced"),
        frozenset({_S.ON_SITE}),
        _S.REPAIRED,
        mends="replaced",
        whole_unit=True,
        handling=Handling.REPLACEMENT,
    ),
    Move("restore", N_("Back in service"), _AT_WORK | _WAITING, _S.REPAIRED, by_rule=True),
    Move(
        "fail_again",
        N_("Failed again"),
        frozenset({_S.REPAIRED, _S.VERIFIED}),
        _S.NEW,
        by_rule=True,
    ),
    Move("verify", N_("Verified with the customer"), frozenset({_S.REPAIRED}), _S.VERIFIED),
    Move("close", N_("Close"), frozenset({_S.VERIFIED}), _S.CLOSED),
    Move(
        "wait_for_customer",
        N_("Wait for the customer"),
        _AT_WORK | {_S.WAITING_PART},
        _S.WAITING_CUSTOMER,
    ),
    Move("wait_for_part", N_("Wait for a part"), _AT_WORK | {_S.WAITING_CUSTOMER}, _S.WAITING_PART),
    Move(
        "send_to_factory",
        N_("Send to the factory"),
        frozenset({_S.ON_SITE}),
        _S.WAITING_PART,
    ),
    Move("resume", N_("Resume"), _WAITING, None),
    Move("cancel", N_("Cancel"), _AT_WORK | _WAITING, _S.CANCELLED),
)

MOVES: dict[str, Move] = {move.name: move for move in _MOVES}


def move_from(name: str, state: TicketState) -> Move:
    """The transition `name` out of `state`. Raises NotAllowedError when there is none."""
    move = MOVES.get(name)
    if move is None:
        raise NotAllowedError(f"there is no move '{name}'; there are {', '.join(MOVES)}")
    if state not in move.sources:
        allowed = ", ".join(other.name for other in offered(state)) or "none"
        raise NotAllowedError(f"a ticket that is {state} can't '{name}'; it can: {allowed}")
    return move


def offered(state: TicketState) -> list[Move]:
    """What a person can do with a ticket in `state`, in the table's order."""
    return [move for move in _MOVES if state in move.sources and not move.by_rule]
