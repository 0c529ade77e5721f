"""Features one by one, from single readings and marks: slow, and plain enough to be believed."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from pipeline.features.definitions import (
    CARRY_H,
    EVENT_LOOKBACK_H,
    LOOKBACK_H,
    Feature,
    Source,
    Statistic,
)
from tests.features.helpers import VOCABULARY, MarkRow, Past, counted

Points = list[tuple[float, float]]
NAN = float("nan")


def feature(past: Past, feature: Feature, device: int, moment: float) -> float:
    definition, subject = feature.definition, feature.subject
    if definition.source is Source.GAUGE:
        return _gauge(past, feature, device, math.floor(moment))
    if definition.source is Source.COUNTER:
        return _counter(past, feature, device, math.floor(moment))
    if definition.source is Source.DEVICE:
        return _device(past, feature, device, moment)
    rows = {
        Source.EVENT: past.events,
        Source.MAINTENANCE: past.maintenance,
        Source.FAILURE: past.failures,
    }[definition.source]
    known = [row for row in rows if row[:2] == (subject, device) and _known(row) <= moment]
    if definition.statistic is Statistic.COUNT:
        return float(sum(moment - definition.window_h < row[2] <= moment for row in known))
    since = moment - max((row[2] for row in known), default=-math.inf)
    forgotten = definition.source is Source.EVENT and since > EVENT_LOOKBACK_H
    return NAN if math.isinf(since) or forgotten else since


def _known(row: MarkRow) -> float:
    return max(row[2], row[3])


def _within(points: Points, end: int, window: int, skip: int = 0) -> Points:
    return [point for point in points if max(end - window, 0) <= math.floor(point[0]) < end - skip]


def _gauge(past: Past, feature: Feature, device: int, end: int) -> float:
    definition = feature.definition
    points = _carried(past, past.readings.get((feature.subject, device), []), device)
    here = [value for _, value in _within(points, end, definition.window_h)]
    if definition.statistic is Statistic.DEVIATION:
        base = [value for _, value in _within(points, end, LOOKBACK_H, definition.window_h)]
        if not here or len(base) < 2:
            return NAN
        ratio = (np.mean(here) - np.mean(base)) / max(np.std(base), 1e-9 * (1 + abs(np.mean(base))))
        return float(np.clip(ratio, -50, 50))
    if definition.statistic is Statistic.SLOPE:
        return _slope(_within(points, end, definition.window_h))
    if not here or (definition.statistic is Statistic.SPREAD and len(here) < 2):
        return NAN
    return {
        Statistic.MEAN: float(np.mean(here)),
        Statistic.SPREAD: float(np.std(here)),
        Statistic.LOW: min(here),
        Statistic.HIGH: max(here),
    }[definition.statistic]


def _slope(points: Points) -> float:
    hours = sorted({math.floor(at) for at, _ in points})
    if len(hours) < 3:
        return NAN
    means = [np.mean([value for at, value in points if math.floor(at) == hour]) for hour in hours]
    return float(np.polyfit(hours, means, 1)[0])


def _counter(past: Past, feature: Feature, device: int, end: int) -> float:
    points = past.readings.get((feature.subject, device), [])
    window = feature.definition.window_h

    def rate(window: int, skip: int = 0) -> float:
        began = max(end - window, math.floor(points[0][0])) if points else end
        grown = 0.0
        for (_, before), (at, value) in pairwise(points):
            if max(end - window, 0) <= math.floor(at) < end - skip:
                grown += counted(before, value)
        hours = end - skip - began
        return grown / hours if hours > 0 else NAN

    if feature.definition.statistic is Statistic.GROWTH:
        return rate(window) - rate(LOOKBACK_H, skip=window)
    return rate(window)


def _said(past: Past, device: int) -> set[int]:
    """The hours in which the device measured or told anything."""
    measured = {
        math.floor(at)
        for (_, whose), points in past.readings.items()
        for at, _ in points
        if whose == device
    }
    told = {math.floor(_known(row)) for row in past.events if row[1] == device and row[3] >= 0}
    return measured | told


def _carried(past: Past, points: Points, device: int) -> Points:
    """The points, and the last one again in each hour in which only other things were said."""
    own = {math.floor(at) for at, _ in points}
    again = []
    for hour in _said(past, device) - own:
        before = [point for point in points if math.floor(point[0]) < hour]
        if before and hour - math.floor(before[-1][0]) <= CARRY_H:
            again.append((hour + 0.5, before[-1][1]))
    return sorted([*points, *again])


def _device(past: Past, feature: Feature, device: int, moment: float) -> float:
    statistic, end = feature.definition.statistic, math.floor(moment)
    if statistic is Statistic.AGE:
        return moment - past.installed[device]
    if statistic is Statistic.MODEL:
        model = past.models[device]
        return float(VOCABULARY.models.index(model)) if model in VOCABULARY.models else NAN
    said = _said(past, device)
    heard = {hour for hour in said if 0 <= hour < end}
    if statistic is Statistic.SILENCE:
        return float(min(end - 1 - max(heard, default=-math.inf), LOOKBACK_H))
    return len([hour for hour in heard if hour >= end - 24]) / 24
