"""The kinds of rule: what each looks at, and what it says of it.

Every field is a key of the rule's table in TOML. Signs of the same device, component and fault class
join one alert, whichever rules they come from; a rule's name is that of the condition it holds there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cache
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints

from alerts.rules.words import (
    Flag,
    Message,
    Selection,
    Sentence,
    Share,
    Span,
    Word,
    Words,
)
from domain.device import Cause
from domain.fault import FaultClass
from domain.report import Severity

ANY = "*"
"""Every code."""

Name = Annotated[str, StringConstraints(pattern=r"^[\w.:@*-]{1,100}$")]


@dataclass(frozen=True, slots=True)
class Subject:
    """A device, as far as rules select by it. `site` is its site's key, empty: none."""

    kind: str
    model: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What all rules have.

    Attributes:
        kinds, models, sites: the devices it is meant for; of each, empty: any. `!` before a word:
            all but that one.
        blanks: what its messages may be filled with.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    blanks: ClassVar[frozenset[str]] = frozenset()

    name: Name
    severity: Severity
    message: Sentence
    kinds: Words = ()
    models: Selection = ()
    sites: Selection = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            message = getattr(self, field.name)
            if isinstance(message, Message) and not message.blanks <= self.blanks:
                wrong = ", ".join(f"{{{blank}}}" for blank in message.blanks - self.blanks)
                allowed = ", ".join(f"{{{blank}}}" for blank in sorted(self.blanks)) or "none"
                raise ValueError(f"{field.name}: unknown blanks {wrong}; allowed: {allowed}")

    def fits(self, device: Subject) -> bool:
        return (
            _selects(self.kinds, device.kind)
            and _selects(self.models, device.model)
            and _selects(self.sites, device.site)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DownRule(Rule):
    """A device that went down. The fault is what explains it best (`alerts.identity`).

    Attributes:
        severity: when nothing is heard of it.
        severity_broken: when it says, or was foretold, that it is broken.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"detail", "cause"})

    severity_broken: Severity
    message_missed_heartbeats: Sentence
    message_poll_failed: Sentence
    message_reported: Sentence

    def message_of(self, cause: str) -> Message:
        by_cause: dict[str, Message] = {
            Cause.MISSED_HEARTBEATS: self.message_missed_heartbeats,
            Cause.POLL_FAILED: self.message_poll_failed,
            Cause.REPORTED: self.message_reported,
        }
        return by_cause.get(cause, self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule(Rule):
    """An error code of a component, and the codes that take it back.

    Attributes:
        code: the canonical word (`domain.codes`); `*`: any.
        components: whose; empty: any component's.
        said: only when its device calls it at least so bad.
        failed: it says that the component no longer works.
        lasts: over when it is not repeated for so long.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"code"})

    code: Word
    fault_class: FaultClass
    components: Words = ()
    said: Severity = Severity.INFO
    cleared_by: Words = ()
    failed: Flag = False
    lasts: Span = timedelta(hours=24)

    def hears(self, component: str, severity: Severity, device: Subject) -> bool:
        of_part = not self.components or component in self.components
        return of_part and severity.rank >= self.said.rank and self.fits(device)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRule(Rule):
    """A state that a component reports and that is bad when it lasts, such as a door left open.

    Attributes:
        codes: the words that say so; any of them.
        cleared_by: those that end it; `ok`, `operational` and `restored` always do.
        held_for: bad once nothing has ended it for so long.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"code", "hours"})

    codes: Annotated[Words, Field(min_length=1)]
    cleared_by: Words = ()
    components: Words = ()
    fault_class: FaultClass
    held_for: Span

    def hears(self, component: str, device: Subject) -> bool:
        return (not self.components or component in self.components) and self.fits(device)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyRule(Rule):
    """A supply that may run out, or a store that may fill up, before somebody comes by.

    Its conditions go by its name and the metric's. The fault's class is that of the limit on the
    same metric, so that both are one case; without one, `consumable`.

    Attributes:
        metrics: of which supplies; empty: of all that are foretold.
        message, message_full: of what runs out, and of what fills up.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"label", "days"})

    metrics: Words = ()
    message_full: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRule(Rule):
    """A model that foretells a failure with a probability over its decision threshold.

    Attributes:
        components: of which it may foretell; empty: of all.
        at_least: and over this probability.
        calm_below: a scoring below so much of the threshold is calm.
        calm_scorings: so many calm ones in a row end the condition.
        settling: after a failure or a repair of the component nothing is foretold for so long: the
            model's windows still show the old part.
        message_why: with the first reason.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"hours", "percent", "why"})

    components: Words = ()
    at_least: Share = 0.0
    calm_below: Share = 0.5
    calm_scorings: Annotated[int, Field(strict=True, ge=1, le=100)] = 2
    settling: Span = timedelta(hours=24)
    message_why: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyRule(Rule):
    """A device that is unlike itself and its peers.

    Attributes:
        lasts: over when it is not said again for so long. The fleet is looked at every six hours.
        settling: nothing is said of a component for so long after work on it.
    """

    blanks: ClassVar[frozenset[str]] = frozenset({"why"})

    components: Words = ()
    lasts: Span = timedelta(hours=13)
    settling: Span = timedelta(hours=24)
    message_why: Sentence


def _selects(selection: tuple[str, ...], value: str) -> bool:
    wanted, refused = parted(selection)
    return (not wanted or value in wanted) and value not in refused


@cache
def parted(selection: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The words of a selection that are wanted, and those that are refused."""
    refused = [word[1:] for word in selection if word.startswith("!")]
    return [word for word in selection if not word.startswith("!")], refused
