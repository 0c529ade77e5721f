"""Features one by one, from single readings and marks: slow, and plain enough to be believed."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median

import numpy as np

from pipeline.features.definitions import Feature, Source, Statistic
from pipeline.features.vocabulary import ANY, SEASON_H, Vocabulary, Window, carry
from tests.features.helpers import KINDS, MarkRow, Past, counted

Points = list[tuple[float, float]]
NAN = float("nan")
YEAR_H = 8760.0


class Oracle:
    """What each feature is, of one past."""

    def __init__(self, past: Past, vocabulary: Vocabulary) -> None:
        self.past, self.words, self.wide = past, vocabulary, past.bucket_h
        self._growths = {key: self._growth(points) for key, points in past.readings.items()}
        self._heard = [self._all_said(device) for device in range(past.devices)]
        self._filled = {
            (name, device): self._carried(points, device)
            for (name, device), points in past.readings.items()
        }

    def feature(self, feature: Feature, device: int, moment: float) -> float:
        end = math.floor(moment / self.wide)
        match feature.source:
            case Source.GAUGE:
                return self._gauge(feature, device, end)
            case Source.COUNTER:
                return self._counter(feature, device, end, moment)
            case Source.DEVICE:
                return self._device(feature, device, end, moment)
            case Source.ATTRIBUTE:
                return self._attribute(feature.subject, device)
            case _:
                return self._marks(feature, device, moment)

    def _bucket(self, at: float) -> int:
        return math.floor(at / self.wide)

    def _week(self) -> int:
        return round(self.words.window_h(Window.WEEK) / self.wide)

    def _within(self, points: Points, end: int, window: int, skip: int = 0) -> Points:
        return [p for p in points if max(end - window, 0) <= self._bucket(p[0]) < end - skip]

    # Gauges

    def _gauge(self, feature: Feature, device: int, end: int) -> float:
        statistic, subject = feature.statistic, feature.subject
        window, base = round(feature.window_h / self.wide), round(feature.base_h / self.wide)
        own = self.past.readings.get((subject, device), [])
        points = self._filled.get((subject, device), [])
        if statistic in (Statistic.PEER, Statistic.PEER_SITE):
            return self._peer(feature, device, end, window)
        if statistic is Statistic.STALE:
            return self._waited([self._bucket(at) for at, _ in own], end) * self.wide
        if statistic is Statistic.LAST:
            return self._last(points, end)
        if statistic in (Statistic.TO_HIGH, Statistic.TO_LOW):
            low, high = self.words.limits_of[subject]
            limit = high if statistic is Statistic.TO_HIGH else low
            return self._until(limit, self._last(points, end), self._slope(points, end, window))
        if statistic is Statistic.SLOPE:
            return self._slope(points, end, window) / self.wide
        here = [value for _, value in self._within(points, end, window)]
        if statistic is Statistic.DEVIATION:
            return _standardised(here, self._values(points, end, base, window))
        if statistic is Statistic.SEASON:
            season = round(SEASON_H / self.wide)
            before = self._values(points, end, season + window, season)
            usual = self._values(points, end, base)
            if not here or not before or len(usual) < 2:
                return NAN
            return _clipped(np.mean(here) - np.mean(before), np.std(usual), np.mean(usual))
        if not here or (statistic is Statistic.SPREAD and len(here) < 2):
            return NAN
        return {
            Statistic.MEAN: float(np.mean(here)),
            Statistic.SPREAD: float(np.std(here)),
            Statistic.LOW: min(here),
            Statistic.HIGH: max(here),
        }[statistic]

    def _values(self, points: Points, end: int, window: int, skip: int = 0) -> list[float]:
        return [value for _, value in self._within(points, end, window, skip)]

    def _last(self, points: Points, end: int) -> float:
        lately = self._within(points, end, self._week())
        return lately[-1][1] if lately else NAN

    def _until(self, limit: float, now: float, slope: float) -> float:
        if math.isnan(now) or math.isnan(slope):
            return NAN
        if now == limit:
            return 0.0
        if slope == 0 or (limit - now) / slope < 0:
            return YEAR_H
        return min((limit - now) / slope * self.wide, YEAR_H)

    def _slope(self, points: Points, end: int, window: int) -> float:
        """Per bucket."""
        by_bucket: dict[int, list[float]] = {}
        for at, value in self._within(points, end, window):
            by_bucket.setdefault(self._bucket(at), []).append(value)
        if len(by_bucket) < 3:
            return NAN
        means = [np.mean(values) for values in by_bucket.values()]
        return float(np.polyfit([bucket - end for bucket in by_bucket], means, 1)[0])

    def _carried(self, points: Points, device: int) -> Points:
        """The points, and the last one again in each bucket in which only other things were said."""
        own = {self._bucket(at) for at, _ in points}
        again = []
        for bucket in self._heard[device] - own:
            before = [point for point in points if self._bucket(point[0]) < bucket]
            if before and bucket - self._bucket(before[-1][0]) <= carry(self.wide):
                again.append(((bucket + 0.5) * self.wide, before[-1][1]))
        return sorted([*points, *again])

    def _all_said(self, device: int) -> set[int]:
        """The buckets in which the device measured or told anything."""
        measured = {
            self._bucket(at)
            for (_, whose), points in self.past.readings.items()
            for at, _ in points
            if whose == device
        }
        told = {self._bucket(_known(row)) for row in self.past.events if row[1] == device}
        return measured | {bucket for bucket in told if bucket >= 0}

    def _waited(self, buckets: list[int], end: int) -> float:
        before = [bucket for bucket in buckets if bucket < end]
        return min(end - 1 - max(before, default=-math.inf), self._week())

    # Counters

    def _counter(self, feature: Feature, device: int, end: int, moment: float) -> float:
        statistic = feature.statistic
        window, base = round(feature.window_h / self.wide), round(feature.base_h / self.wide)
        points = self.past.readings.get((feature.subject, device), [])
        if statistic in (Statistic.PEER, Statistic.PEER_SITE):
            return self._peer(feature, device, end, window)
        if statistic is Statistic.LAST:
            return self._last(points, end)
        if statistic is Statistic.CHANGED:
            if not any(self._bucket(at) < end for at, _ in points):
                return NAN
            grown = self._growths[feature.subject, device]
            return self._waited([b for b in grown if grown[b] > 0], end) * self.wide
        if statistic is Statistic.PER_USE:
            used = self._grown(self.words.usage, device, end - window, end)
            grown_here = self._grown(feature.subject, device, end - window, end)
            return grown_here / used if used else NAN
        if statistic is Statistic.SERVICED:
            return self._since_service(feature.subject, device, end, moment)
        rate = self._rate(feature.subject, device, end, window) / self.wide
        if statistic is Statistic.GROWTH:
            return rate - self._rate(feature.subject, device, end, base, window) / self.wide
        return rate

    def _growth(self, points: Points) -> dict[int, float]:
        """By bucket, in which the counter was read."""
        found = dict.fromkeys((self._bucket(at) for at, _ in points), 0.0)
        for (_, before), (at, value) in pairwise(points):
            found[self._bucket(at)] += counted(before, value)
        return found

    def _grown(self, subject: str, device: int, first: int, end: int) -> float:
        growth = self._growths.get((subject, device), {})
        return sum(value for bucket, value in growth.items() if first <= bucket < end)

    def _rate(self, subject: str, device: int, end: int, window: int, skip: int = 0) -> float:
        points = self.past.readings.get((subject, device), [])
        began = max(end - window, self._bucket(points[0][0])) if points else end
        buckets = end - skip - began
        grown = self._grown(subject, device, end - window, end - skip)
        return grown / buckets if buckets > 0 else NAN

    def _since_service(self, subject: str, device: int, end: int, moment: float) -> float:
        known = [r for r in self.past.maintenance if r[1] == device and _known(r) <= moment]
        if not known:
            return NAN
        bucket = self._bucket(max(row[2] for row in known))
        if bucket < 0 or bucket < end - self._week():
            return NAN
        return self._grown(subject, device, bucket + 1, end)

    # Peers

    def _peer(self, feature: Feature, device: int, end: int, window: int) -> float:
        past = self.past
        groups = past.models if feature.statistic is Statistic.PEER else past.sites
        others = [
            level
            for other in range(past.devices)
            if other != device and groups[other] == groups[device]
            for level in self._levels(feature.subject, other, end, window)
        ]
        mine = self._levels(feature.subject, device, end, window)
        if len(others) < 3 or not mine:
            return NAN
        return _clipped(np.mean(mine) - np.mean(others), np.std(others), np.mean(others))

    def _levels(self, subject: str, device: int, end: int, window: int) -> list[float]:
        points = self.past.readings.get((subject, device), [])
        here = self._within(points, end, window)
        found: list[float] = []
        for bucket in sorted({self._bucket(at) for at, _ in here}):
            values = [value for at, value in here if self._bucket(at) == bucket]
            counter = KINDS[subject] == "counter"
            growth = self._grown(subject, device, bucket, bucket + 1)
            found.append(growth if counter else float(np.mean(values)))
        return found

    # Marks

    def _marks(self, feature: Feature, device: int, moment: float) -> float:
        rows = self._rows(feature.source, feature.subject)
        known = [row for row in rows if row[1] == device and _known(row) <= moment]
        match feature.statistic:
            case Statistic.COUNT:
                return _count(known, moment, feature.window_h)
            case Statistic.TOTAL:
                return float(len(known))
            case Statistic.GROWTH:
                now = _count(known, moment, feature.window_h)
                before = _count(known, moment, feature.base_h) - now
                return now / feature.window_h - before / (feature.base_h - feature.window_h)
            case Statistic.GAP:
                return self._cadence(feature.subject, device, moment)[0]
            case Statistic.DUE:
                gap, since = self._cadence(feature.subject, device, moment)
                return gap - since % gap
        since = moment - max((row[2] for row in known), default=-math.inf)
        longest = math.inf
        if feature.source in (Source.EVENT, Source.SEVERITY, Source.SEQUENCE):
            longest = self.words.window_h(Window.LONG)
        if feature.source is Source.SEQUENCE:
            longest -= self.words.window_h(Window.DAYS)
        return NAN if math.isinf(since) or since > longest else since

    def _rows(self, source: Source, subject: str) -> list[MarkRow]:
        past = self.past
        if source is Source.SEQUENCE:
            return self._sequences(*subject.split(">"))
        if source is Source.EVENT:
            return [row for row in past.events if row[0] == subject]
        if source is Source.SEVERITY:
            part, grade = subject.split(":")
            names = [f"{of}:{grade}" for of in ("printer", "reader") if part in (ANY, of)]
            return [row for row in past.severities if row[0] in names]
        rows = {
            Source.MAINTENANCE: past.maintenance,
            Source.REPLACEMENT: past.replacements,
            Source.FAILURE: past.failures,
        }[source]
        return [row for row in rows if subject in (ANY, row[0])]

    def _sequences(self, first: str, then: str) -> list[MarkRow]:
        found = []
        for row in self.past.events:
            before = [
                other
                for other in self.past.events
                if other[:2] == (first, row[1])
                and row[2] - self.words.window_h(Window.DAYS) <= other[2] < row[2]
            ]
            if row[0] == then and before:
                known = max(_known(row), _known(max(before, key=lambda one: one[2])))
                found.append((row[0], row[1], row[2], known))
        return found

    def _cadence(self, component: str, device: int, moment: float) -> tuple[float, float]:
        """(the usual gap, hours since the last visit)."""
        rounds = sorted(
            _known(row)
            for row in self.past.maintenance
            if component in (ANY, row[0])
            and row[1] == device
            and _known(row) <= moment
            and not self._answers(row)
        )
        visits = [at for n, at in enumerate(rounds) if n == 0 or at - rounds[n - 1] >= self.wide]
        if not visits:
            return NAN, NAN
        gaps = [later - earlier for earlier, later in pairwise(visits)][-5:]
        return _rhythm(gaps, self.words.gap_of(component) or NAN), moment - visits[-1]

    def _answers(self, service: MarkRow) -> bool:
        return any(
            row[:2] == service[:2] and 0 <= _known(service) - _known(row) <= 72
            for row in self.past.failures
        )

    # The device

    def _device(self, feature: Feature, device: int, end: int, moment: float) -> float:
        if feature.statistic is Statistic.AGE:
            return moment - self.past.installed[device]
        said = self._heard[device]
        if feature.statistic is Statistic.SILENCE:
            return self._waited(list(said), end) * self.wide
        window = round(feature.window_h / self.wide)
        return len([b for b in said if max(end - window, 0) <= b < end]) / window

    def _attribute(self, name: str, device: int) -> float:
        if name == "model":
            models = self.words.attributes[0].values
            model = self.past.models[device]
            return float(models.index(model)) if model in models else NAN
        return {"2": 2.0, "7.5": 7.5, "1": 1.0}.get(self.past.rooms[device], NAN)


def _known(row: MarkRow) -> float:
    return max(row[2], row[3])


def _rhythm(gaps: list[float], usual: float) -> float:
    if len(gaps) < 2:
        return usual
    shortest = min(gaps)
    if all(_is_multiple(gap, shortest) for gap in gaps):
        return median(gap / round(gap / shortest) for gap in gaps)
    if sum(_is_multiple(gap, usual) for gap in gaps) >= len(gaps) / 2:
        return usual
    return median(gaps)


def _is_multiple(gap: float, rhythm: float) -> bool:
    return gap > rhythm / 2 and abs(gap - round(gap / rhythm) * rhythm) <= 0.1 * rhythm


def _count(rows: list[MarkRow], moment: float, window: float) -> float:
    return float(sum(moment - window < row[2] <= moment for row in rows))


def _standardised(here: list[float], base: list[float]) -> float:
    if not here or len(base) < 2:
        return NAN
    return _clipped(np.mean(here) - np.mean(base), np.std(base), np.mean(base))


def _clipped(difference: np.floating, spread: np.floating, level: np.floating) -> float:
    return float(np.clip(difference / max(spread, 1e-9 * (1 + abs(level))), -50, 50))
