"""Features against a slow oracle, and against a planted future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.features.build import features_at
from pipeline.features.definitions import CARRY_H, LOOKBACK_H, Vocabulary, features, schema_hash
from pipeline.features.frames import Floats, Ints
from tests.features import oracle
from tests.features.helpers import VOCABULARY, MarkRow, Past, frames_of, random_past


def _rows(past: Past, seed: int, count: int = 25) -> tuple[Ints, Floats]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, count), rng.uniform(1, past.hours, count)


@pytest.mark.parametrize("seed", range(4))
def test_every_feature_equals_the_oracle(seed: int) -> None:
    past = random_past(seed)
    device, moment = _rows(past, seed)
    matrix = features_at(frames_of(past), device, moment, VOCABULARY)
    for column, feature in enumerate(matrix.features):
        expected = [
            oracle.feature(past, feature, int(d), float(m))
            for d, m in zip(device, moment, strict=True)
        ]
        np.testing.assert_allclose(
            matrix.values[:, column], expected, rtol=2e-4, atol=1e-4, err_msg=feature.name
        )


@pytest.mark.parametrize("seed", range(3))
def test_nothing_later_than_the_moment_is_read(seed: int) -> None:
    past = random_past(seed)
    now = 150.5
    future = replace(
        past,
        readings={
            key: [(at, value if at < 150 else 1e6) for at, value in points]
            for key, points in past.readings.items()
        },
        events=[*past.events, ("printer:jam", 0, 150.6, 150.6), ("*", 1, 100.0, 150.6)],
        maintenance=[*past.maintenance, ("printer", 0, 140.0, 150.7)],
        failures=[*past.failures, ("printer", 2, 151.0, 151.0)],
    )
    device, moment = np.arange(3), np.full(3, now)
    seen = features_at(frames_of(past), device, moment, VOCABULARY).values
    planted = features_at(frames_of(future), device, moment, VOCABULARY).values
    np.testing.assert_allclose(planted, seen, rtol=1e-6)


def test_scoring_sees_what_training_saw() -> None:
    """As much of the past as scoring loads gives the same features as the whole past."""
    past = random_past(7, hours=400)
    loaded = LOOKBACK_H + CARRY_H + 2
    frames = frames_of(past)
    whole = features_at(frames, np.arange(3), np.full(3, 400.0), VOCABULARY).values
    cut = 400 - loaded

    def shifted(rows: list[MarkRow]) -> list[MarkRow]:
        return [(name, device, at - cut, known - cut) for name, device, at, known in rows]

    week = replace(
        past,
        hours=loaded,
        readings={
            key: [(at - cut, value) for at, value in points if at >= cut]
            for key, points in past.readings.items()
        },
        events=shifted(past.events),
        maintenance=shifted(past.maintenance),
        failures=shifted(past.failures),
        installed=tuple(hours - cut for hours in past.installed),
    )
    lately = features_at(
        frames_of(week), np.arange(3), np.full(3, float(loaded)), VOCABULARY
    ).values
    np.testing.assert_allclose(lately, whole, rtol=2e-4, atol=1e-4)


def test_a_metric_that_a_fleet_lacks_is_unknown_not_an_error() -> None:
    past = random_past(1)
    vocabulary = Vocabulary(gauges=("nowhere",), events=("never:seen",))
    matrix = features_at(frames_of(past), np.array([0]), np.array([100.0]), vocabulary)
    by_name = dict(zip(matrix.names, matrix.values[0], strict=True))
    assert np.isnan(by_name["gauge.nowhere.mean.24h"])
    assert by_name["event.never:seen.count.24h"] == 0


def test_names_are_unique_and_the_hash_is_stable() -> None:
    names = [feature.name for feature in features(VOCABULARY)]
    assert len(set(names)) == len(names)
    assert schema_hash() == schema_hash()


def test_a_gauge_that_is_sent_only_when_it_changes_is_not_missing() -> None:
    past = Past(
        hours=200,
        readings={
            ("heat", 0): [(100.5, 40.0)],
            ("cuts", 0): [(hour + 0.5, float(hour)) for hour in range(90, 185) if hour != 150],
        },
        events=[],
        maintenance=[],
        failures=[],
    )

    def mean(moment: float) -> float:
        matrix = features_at(frames_of(past), np.array([0]), np.array([moment]), VOCABULARY)
        return float(dict(zip(matrix.names, matrix.values[0], strict=True))["gauge.heat.mean.3h"])

    assert mean(120) == 40  # other things are heard of the device
    assert np.isnan(mean(100))  # nothing was sent yet
    assert mean(175) == 40
    assert np.isnan(mean(177))  # too long ago to stand
    assert np.isnan(mean(199))  # the device is silent
