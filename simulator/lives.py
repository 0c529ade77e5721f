"""What befalls a device, drawn from its stories. The same lives make the history and go on live.

A life depends on the device (and on its site, for power cuts) alone, so that nothing about it has to be
kept. Each story is a renewal process from `ORIGIN` on; of rises of one component that overlap the earlier
one stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import gamma

import numpy as np

from simulator.fleet import Device
from simulator.stories import POWER_CUTS, STORIES, SURGES, Story
from simulator.wear import CURVE, ORIGIN, Floats, Life, Outage, Rise, seeded

PLANNED_AT = (0.3, 0.85)
"""Where, of the way from the first sign to the failure, a planned repair may prevent it."""

FALSE_RAMP, FALSE_HEIGHT = (0.4, 0.7), (0.3, 0.7)
"""How long a false start rises, of a story's shortest and longest time to failure; and how high."""

_HOUR = timedelta(hours=1)
_DRAWN = 200  # failures of a story and cuts of a site: enough for decades
_SHORTEST_GAP_H = 48.0  # from a repair to the next first sign
_RELIEF_H = 8.0  # how long a cleaned part takes to run sound again
_FALSE_AT = (0.35, 0.6)  # of a life, before its failure, a false start has its top
_OUTAGE_MEAN_H = 24.0 * 25
_OUTAGE_H = (0.7, 1.5)  # shortest and mean
_OUTAGES_DRAWN = 800


@dataclass(frozen=True, slots=True)
class _Draft:
    """A rise in hours since `ORIGIN`, before it is known whether it stands."""

    onset: float
    peak: float
    end: float
    height: float
    fails: bool
    service: str
    story: Story

    def rise(self) -> Rise:
        story = self.story
        return Rise(
            story.component,
            _moment(self.onset),
            _moment(self.peak),
            _moment(self.end),
            self.height,
            self.fails,
            story.name,
            story.signs,
            story.abrupt,
            story.halts,
            self.service,
        )


def life_of(device: Device, start: datetime, end: datetime, seldom: float = 1.0) -> Life:
    """What befalls `device` between `start` and `end`, whoever asks and whenever.

    `seldom`: parts fail so many times more rarely than their stories say.
    """
    low, high = ((moment - ORIGIN) / _HOUR for moment in (start, end))
    drafts = list(_surges(device, high))
    for story in STORIES[device.kind]:
        if story.firmware in ("", device.firmware) and _befalls(story, device):
            drafts += _drafts(story, device, high, seldom)
    rises = [draft.rise() for draft in _standing(drafts) if draft.end > low]
    cuts = [cut for cut in _cuts(device.site) if cut.end > start and cut.start < end]
    return Life(
        tuple(sorted(rises, key=lambda rise: rise.peak)),
        (*_outages(device.key, low, high), *cuts),
    )


def _befalls(story: Story, device: Device) -> bool:
    rng = seeded(device.key, f"{story.component} {story.name} befalls")
    return bool(rng.random() < story.befalls)


def usage_of(key: str) -> float:
    """How much the device is used, compared with others of its kind: about 1."""
    return float(seeded(key, "use").lognormal(-0.1, 0.3))


def _standing(drafts: list[_Draft]) -> Iterator[_Draft]:
    until: dict[str, float] = {}
    for draft in sorted(drafts, key=lambda draft: draft.onset):
        if draft.onset > until.get(draft.story.component, 0.0):
            until[draft.story.component] = draft.end
            yield draft


def _drafts(story: Story, device: Device, high: float, seldom: float) -> list[_Draft]:
    rng = seeded(device.key, f"{story.component} {story.name}")
    ramps = rng.uniform(*story.ramp_h, _DRAWN)
    gaps = _gaps(story, rng, usage_of(device.key) if story.by_use else 1.0, seldom)
    peaks = np.cumsum(gaps + ramps)
    repairs = story.repair_h[0] + rng.exponential(story.repair_h[1] - story.repair_h[0], _DRAWN)
    planned = np.where(rng.random(_DRAWN) < story.planned, rng.uniform(*PLANNED_AT, _DRAWN), 1.0)
    begun = np.flatnonzero(peaks - ramps < high)
    ends = [_ending(story, peaks[n] - ramps[n], ramps[n], repairs[n], planned[n]) for n in begun]
    return ends + _false_starts(story, rng, peaks, gaps, high)


def _gaps(story: Story, rng: np.random.Generator, usage: float, seldom: float) -> Floats:
    """Hours from each repair to the next first sign."""
    ramp_h = sum(story.ramp_h) / 2
    mean_h = story.mean_days * 24 * seldom / usage - ramp_h - _SHORTEST_GAP_H
    scale = mean_h / gamma(1 + 1 / story.shape)
    gaps: Floats = _SHORTEST_GAP_H + scale * rng.weibull(story.shape, _DRAWN)
    return gaps


def _ending(story: Story, onset: float, ramp_h: float, repair_h: float, planned: float) -> _Draft:
    """A rise that fails or, where `planned` is a share of its way, is ended there by a repair."""
    peak = onset + ramp_h * planned
    if planned < 1:
        height = story.strength * planned**CURVE
        return _Draft(onset, peak, peak, height, False, "replaced", story)
    return _Draft(onset, peak, peak + repair_h, story.strength, True, "", story)


def _false_starts(
    story: Story, rng: np.random.Generator, peaks: Floats, gaps: Floats, high: float
) -> list[_Draft]:
    there = rng.random(_DRAWN) < story.false_starts
    tops = peaks - gaps * rng.uniform(*_FALSE_AT, _DRAWN)
    shortest, longest = (
        share * hours for share, hours in zip(FALSE_RAMP, story.ramp_h, strict=True)
    )
    onsets = tops - rng.uniform(shortest, longest, _DRAWN)
    heights = story.strength * rng.uniform(*FALSE_HEIGHT, _DRAWN)
    service = "cleaned" if story.cleaned else ""
    return [
        _Draft(onsets[n], tops[n], tops[n] + _RELIEF_H, heights[n], False, service, story)
        for n in np.flatnonzero(there & (onsets < high))
    ]


def _surges(device: Device, high: float) -> Iterator[_Draft]:
    """The power supplies that die of their site's power cuts."""
    rng, story = seeded(device.key, "surge"), SURGES[device.kind]
    dies = rng.random(_DRAWN) < POWER_CUTS.share
    ramps = rng.uniform(*story.ramp_h, _DRAWN)
    repairs = story.repair_h[0] + rng.exponential(story.repair_h[1] - story.repair_h[0], _DRAWN)
    for n, cut in enumerate(_cuts(device.site)):
        onset = (cut.end - ORIGIN) / _HOUR
        if dies[n] and onset < high:
            yield _ending(story, onset, ramps[n], repairs[n], 1.0)


@lru_cache(maxsize=1000)
def _cuts(site: str) -> tuple[Outage, ...]:
    rng = seeded(site, "power cuts")
    begins = np.cumsum(24 + rng.exponential(POWER_CUTS.mean_days * 24 - 24, _DRAWN))
    lengths = rng.uniform(*POWER_CUTS.length_h, _DRAWN)
    return tuple(
        Outage(_moment(begin), _moment(begin + length), power=True)
        for begin, length in zip(begins, lengths, strict=True)
    )


def _outages(key: str, low: float, high: float) -> Iterator[Outage]:
    rng = seeded(key, "network")
    begins = np.cumsum(2 + rng.exponential(_OUTAGE_MEAN_H - 2, _OUTAGES_DRAWN))
    ends = begins + _OUTAGE_H[0] + rng.exponential(_OUTAGE_H[1] - _OUTAGE_H[0], len(begins))
    for n in np.flatnonzero((ends > low) & (begins < high)):
        yield Outage(_moment(begins[n]), _moment(ends[n]))


def _moment(hours: float) -> datetime:
    return ORIGIN + timedelta(hours=float(hours))
