"""The life of an alert: one table of named transitions between the states of ISA-18.2.

`unacknowledged` and `acknowledged`: the condition holds. `returned_unacknowledged`: it went away
before anybody saw it. `normal`: it went away and somebody knows of it, or nobody was asked to look.
`shelved` (by a person, for a while), `suppressed` (by design: a maintenance window, a parent that is
down, a batch) and `out_of_service`: the condition holds, and nobody is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.errors import NotAllowedError
from domain.text import N_

FLAPPING_RETURNS = 3
"""A fault that went away so often within FLAPPING_WITHIN, and comes again, is flapping."""

FLAPPING_WITHIN = timedelta(hours=1)

CALM_AFTER = timedelta(minutes=30)
"""A flapping fault that neither came nor went for so long is calm again."""


class AlertState(StrEnum):
    """After ANSI/ISA-18.2, figure 3."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned_unacknowledged"
    NORMAL = "normal"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"

    @property
    def held_back(self) -> bool:
        """Whether people are not told, though the condition holds."""
        return self in (self.SHELVED, self.SUPPRESSED, self.OUT_OF_SERVICE)

    @property
    def active(self) -> bool:
        """Whether the condition holds."""
        return self not in (self.RETURNED, self.NORMAL)


STATE_TEXT: dict[AlertState, str] = {
    AlertState.UNACKNOWLEDGED: N_("unacknowledged"),
    AlertState.ACKNOWLEDGED: N_("acknowledged"),
    AlertState.RETURNED: N_("returned, unacknowledged"),
    AlertState.NORMAL: N_("returned to normal"),
    AlertState.SHELVED: N_("shelved"),
    AlertState.SUPPRESSED: N_("suppressed by design"),
    AlertState.OUT_OF_SERVICE: N_("out of service"),
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
    Step("raise_suppressed", N_("raised while suppressed"), _S.NORMAL, _S.SUPPRESSED),
    Step("acknowledge", N_("acknowledged"), _S.UNACKNOWLEDGED, _S.ACKNOWLEDGED),
    Step("acknowledge", N_("acknowledged"), _S.RETURNED, _S.NORMAL),
    Step("return", N_("returned"), _S.UNACKNOWLEDGED, _S.RETURNED),
    Step("return", N_("returned"), _S.ACKNOWLEDGED, _S.NORMAL),
    Step("return", N_("returned while shelved"), _S.SHELVED, _S.NORMAL),
    Step("return", N_("returned while suppressed"), _S.SUPPRESSED, _S.NORMAL),
    Step("return", N_("returned while out of service"), _S.OUT_OF_SERVICE, _S.NORMAL),
    Step("shelve", N_("shelved"), _S.UNACKNOWLEDGED, _S.SHELVED),
    Step("shelve", N_("shelved"), _S.ACKNOWLEDGED, _S.SHELVED),
    Step("suppress", N_("suppressed"), _S.UNACKNOWLEDGED, _S.SUPPRESSED),
    Step("suppress", N_("suppressed"), _S.ACKNOWLEDGED, _S.SUPPRESSED),
    Step("remove", N_("taken out of service"), _S.UNACKNOWLEDGED, _S.OUT_OF_SERVICE),
    Step("remove", N_("taken out of service"), _S.ACKNOWLEDGED, _S.OUT_OF_SERVICE),
    Step("release", N_("no longer shelved"), _S.SHELVED, _S.UNACKNOWLEDGED),
    Step("release", N_("no longer suppressed"), _S.SUPPRESSED, _S.UNACKNOWLEDGED),
    Step("release", N_("back in service"), _S.OUT_OF_SERVICE, _S.UNACKNOWLEDGED),
    *(Step("flap", N_("flapping"), state, state) for state in _S),
    *(Step("calm", N_("calm again"), state, state) for state in _S),
)

HOLDS: dict[AlertState, str] = {
    AlertState.SHELVED: "shelve",
    AlertState.SUPPRESSED: "suppress",
    AlertState.OUT_OF_SERVICE: "remove",
}
"""The transition that leads to each state in which people are not told."""

_BY_NAME = {(step.name, step.source): step for step in STEPS}


def step(name: str, state: AlertState) -> Step:
    """The transition `name` out of `state`. Raises NotAllowedError when there is none."""
    found = _BY_NAME.get((name, state))
    if found is None:
        raise NotAllowedError(f"an alert that is {state} can't go through '{name}'")
    return found


def allowed(name: str, state: AlertState) -> bool:
    return (name, state) in _BY_NAME
