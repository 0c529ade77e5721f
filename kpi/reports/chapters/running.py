"""The overall running state: devices by state, availability, and who had the most downtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from domain.text import N_, Text
from kpi.reports.chapters.words import columns, joined, kind_text
from kpi.reports.document import (
    Axis,
    Block,
    Chart,
    Fact,
    Facts,
    Section,
    Series,
    Shape,
    Table,
    Unit,
    Value,
)
from kpi.service.running import Standings, standings
from kpi.service.story import Story
from kpi.uptime.exclusions import EXCLUSION_TEXT
from kpi.uptime.figures import Uptime

WORST = 10
_FEW_HOURS = 24.0
_HOUR_S = 3600.0


def running(story: Story) -> Section:
    """The first part of the operations and of the statistics report."""
    blocks: tuple[Block, ...] = (
        _glance(story),
        _states(story),
        *_chart(story),
        _time(story),
        _worst(N_("Devices with the most downtime"), N_("Device"), story.availability.devices),
        _worst(N_("Sites with the most downtime"), N_("Site"), story.availability.sites),
    )
    return Section(Text(N_("Overall running state")), blocks)


def _glance(story: Story) -> Facts:
    found = story.availability.whole
    return Facts(
        (
            _availability(N_("Availability"), found, _watched_note(found)),
            _availability(N_("The period before"), story.before, _change(found, story.before)),
            _availability(N_("A year ago"), story.year_ago, _change(found, story.year_ago)),
            Fact(
                Text(N_("Failures")),
                found.failures if found else None,
                Unit.COUNT,
                note=Text(N_("devices that went down, and it counts")),
            ),
            Fact(
                Text(N_("Not watched")),
                unwatched(found),
                Unit.SHARE,
                note=Text(N_("of the service time: nobody knows how the devices were")),
            ),
        )
    )


def _availability(name: str, found: Uptime | None, note: Text | None) -> Fact:
    return Fact(Text(name), found.ratio if found else None, Unit.SHARE, note=note)


def _watched_note(found: Uptime | None) -> Text:
    if found is None or found.ratio is None:
        return Text(N_("nothing was watched"))
    return Text(
        N_(
            "up time over up and down time within the service hours, after EN 13306; exclusions below"
        )
    )


def _change(now: Uptime | None, then: Uptime | None) -> Text:
    if then is None or then.ratio is None:
        return Text(N_("nothing was watched then"))
    if now is None or now.ratio is None:
        return Text(N_("there is nothing to compare"))
    points = round(100 * (now.ratio - then.ratio), 2)
    if points == 0:
        return Text(N_("no change since"))
    better = N_("now {points} percentage points higher")
    worse = N_("now {points} percentage points lower")
    return Text(better if points > 0 else worse, {"points": abs(points)})


def unwatched(found: Uptime | None) -> float | None:
    if found is None:
        return None
    needed = found.up_s + found.down_s + found.unwatched_s + sum(found.excluded_s.values())
    return found.unwatched_s / needed if needed else None


def _states(story: Story) -> Table:
    return Table(
        Text(N_("Devices at the end")),
        columns(
            (N_("Kind"), Unit.WORDS),
            (N_("Devices"), Unit.COUNT),
            (N_("Up"), Unit.COUNT),
            (N_("Down"), Unit.COUNT),
            (N_("Not watched"), Unit.COUNT),
        ),
        tuple(_state_rows(standings(story.devices))),
        Text(N_("There were no devices.")),
    )


def _state_rows(found: Sequence[Standings]) -> Iterator[tuple[Value, ...]]:
    for one in found:
        yield kind_text(one.kind), one.devices, one.up, one.down, one.unwatched
    if len(found) > 1:
        sums = (
            sum(numbers)
            for numbers in zip(*((one.up, one.down, one.unwatched) for one in found), strict=True)
        )
        yield Text(N_("in all")), sum(one.devices for one in found), *sums


def _chart(story: Story) -> Iterator[Chart]:
    """Nothing where no day was watched."""
    days = story.availability.days
    ratios = tuple(found.ratio for _, found in days)
    if not any(ratio is not None for ratio in ratios):
        return
    yield Chart(
        Text(N_("Availability by day")),
        Shape.LINES,
        Axis(Text(N_("Day")), Unit.DAY),
        Axis(Text(N_("Availability")), Unit.SHARE),
        tuple(day for day, _ in days),
        (Series(Text(N_("Availability")), ratios),),
        Text(N_("A gap: nothing was watched on that day.")),
    )


def _time(story: Story) -> Table:
    found = story.availability.whole
    return Table(
        Text(N_("What became of the time")),
        columns(
            (N_("Time"), Unit.WORDS),
            (N_("Device hours"), Unit.NUMBER),
            (N_("Share"), Unit.SHARE, 2),
        ),
        tuple(_time_rows(found)) if found else (),
        Text(N_("No device was in the fleet.")),
        note=Text(
            N_(
                "Share of the service time. Excluded downtime has its evidence and counts neither as up "
                "nor as down; time that nobody watched is neither."
            )
        ),
    )


def _time_rows(found: Uptime) -> Iterator[tuple[Value, ...]]:
    needed = found.up_s + found.down_s + found.unwatched_s + sum(found.excluded_s.values())
    parts = [(Text(N_("up")), found.up_s), (Text(N_("down, counts")), found.down_s)]
    parts += [
        (Text(N_("down, excluded: {reason}"), {"reason": Text(EXCLUSION_TEXT[reason])}), seconds)
        for reason, seconds in found.excluded_s.items()
        if seconds
    ]
    parts.append((Text(N_("not watched")), found.unwatched_s))
    for name, seconds in parts:
        yield name, seconds / _HOUR_S, seconds / needed if needed else None
    yield Text(N_("outside the service hours")), found.off_hours_s / _HOUR_S, None


def _worst(title: str, what: str, found: Iterable[Uptime]) -> Table:
    """By the downtime that counts: a share alone would put a device of one hour first."""
    down = sorted((one for one in found if one.down_s > 0), key=lambda one: (-one.down_s, one.key))
    shown = down[:WORST]
    marked = frozenset(row for row, one in enumerate(shown) if _watched_h(one) < _FEW_HOURS)
    notes = [Text(N_("{count} more had downtime."), {"count": len(down) - WORST})]
    return Table(
        Text(title),
        columns(
            (what, Unit.WORDS),
            (N_("Downtime"), Unit.SPAN),
            (N_("Availability"), Unit.SHARE, 2),
            (N_("Failures"), Unit.COUNT),
            (N_("Not watched"), Unit.SHARE, 1),
        ),
        tuple(
            (one.name, timedelta(seconds=one.down_s), one.ratio, one.failures, unwatched(one))
            for one in shown
        ),
        Text(N_("There was no downtime that counts.")),
        marked,
        joined(notes) if len(down) > WORST else None,
    )


def _watched_h(found: Uptime) -> float:
    return (found.up_s + found.down_s) / _HOUR_S
