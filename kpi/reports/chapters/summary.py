"""What a reader who reads one line should read: sentences with the figures, honest about what is not
known and what is little."""

from __future__ import annotations

from collections.abc import Iterator

from domain.percent import percent
from domain.text import N_, Text
from kpi.reports.chapters.running import unwatched
from kpi.service.flow import heard
from kpi.service.foretold import foresight
from kpi.service.promises import Kept, kept
from kpi.service.story import Story

_MUCH_UNKNOWN = 0.05
"""More time than this that nobody watched is said in the first sentence."""

_FEW = 20


def summary(story: Story) -> Iterator[Text]:
    """Running state; faults and who knew first; promised times."""
    if story.empty:
        yield Text(
            N_("There is nothing to tell: no device was in the fleet, and there was no case.")
        )
        return
    yield _running(story)
    yield _faults(story)
    yield from promised(kept(story.kept))


def _running(story: Story) -> Text:
    found = story.availability.whole
    if found is None or found.ratio is None:
        return Text(
            N_("How the {devices} devices ran is not known: nothing was watched."),
            {"devices": len(story.availability.devices)},
        )
    unknown = unwatched(found) or 0.0
    values = {
        "devices": len(story.availability.devices),
        "share": percent(found.ratio, 2),
        "unknown": percent(unknown, 1),
    }
    if unknown > _MUCH_UNKNOWN:
        return Text(
            N_(
                "{devices} devices were available {share} % of the time that was watched; {unknown} % of "
                "the service time nobody watched."
            ),
            values,
        )
    return Text(N_("{devices} devices were available {share} % of the service time."), values)


def _faults(story: Story) -> Text:
    known = heard(story.opened)
    found = foresight(story.cases, story.settled, story.start)
    values = {
        "faults": len(story.faults),
        "earlier": len(story.earlier),
        "first": known.first,
        "every": known.first + known.called,
        "prevented": found.prevented,
    }
    told = N_(
        "{faults} faults came up ({earlier} in the period before); {first} of {every} cases were opened "
        "before anybody called."
    )
    and_prevented = N_(
        "{faults} faults came up ({earlier} in the period before); {first} of {every} cases were opened "
        "before anybody called. Foretold failures that were prevented: {prevented}."
    )
    return Text(and_prevented if found.prevented else told, values)


def promised(found: list[Kept]) -> Iterator[Text]:
    """How many promised times were kept; nothing where none ended."""
    cases, held = sum(one.cases for one in found), sum(one.kept for one in found)
    if not cases:
        yield Text(N_("No promised time ended in the period."))
        return
    values = {"kept": held, "cases": cases, "share": percent(held / cases, 1)}
    few = N_("{kept} of {cases} promised times were kept; so few say little.")
    many = N_("{kept} of {cases} promised times were kept ({share} %).")
    yield Text(few if cases < _FEW else many, values)
