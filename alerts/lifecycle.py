"""The life of an alert: one table of named transitions between the states of ISA-18.2.

`unacknowledged` and `acknowledged`: the condition holds. `returned_unacknowledged`: it went away
before anybody saw it. `normal`: it went away and somebody knows of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import NotAllowedError
from domain.text import N_


class AlertState(StrEnum):
    """After ANSI/ISA-18.2, figure 3."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned_unacknowledged"
    NORMAL = "normal"


STATE_TEXT: dict[AlertState, str] = {
    AlertState.UNACKNOWLEDGED: N_("unacknowledged"),
    AlertState.ACKNOWLEDGED: N_("acknowledged"),
    AlertState.RETURNED: N_("returned, unacknowledged"),
    AlertState.NORMAL: N_("returned to normal"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A named transition."""

    name: str
    label: str
    source: AlertState
    target: AlertState


_S = AlertState

STEPS = (
    Step("raise", N_("raised"), _S.NORMAL, _S.UNACKNOWLEDGED),
    Step("raise", N_("raised again"), _S.RETURNED, _S.UNACKNOWLEDGED),
    Step("acknowledge", N_("acknowledged"), _S.UNACKNOWLEDGED, _S.ACKNOWLEDGED),
    Step("acknowledge", N_("acknowledged"), _S.RETURNED, _S.NORMAL),
    Step("return", N_("returned"), _S.UNACKNOWLEDGED, _S.RETURNED),
    Step("return", N_("returned"), _S.ACKNOWLEDGED, _S.NORMAL),
)

_BY_NAME = {(step.name, step.source): step for step in STEPS}


def step(name: str, state: AlertState) -> Step:
    """The transition `name` out of `state`. Raises NotAllowedError when there is none."""
    found = _BY_NAME.get((name, state))
    if found is None:
        raise NotAllowedError(f"an alert that is {state} can't go through '{name}'")
    return found


def allowed(name: str, state: AlertState) -> bool:
    return (name, state) in _BY_NAME
