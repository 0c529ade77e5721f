"""Features against a slow oracle, and against a planted future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.features.build import features_at
from pipeline.features.definitions import (
    DEFINITIONS,
    Source,
    Statistic,
    Tier,
    features,
    schema_hash,
)
from pipeline.features.frames import Floats, Frames, Ints, Marks
from pipeline.features.vocabulary import Vocabulary, carry
from tests.features.helpers import JAM, VOCABULARY, Past, frames_of, random_past, shifted
from tests.features.oracle import Oracle


def _rows(past: Past, seed: int, count: int = 20) -> tuple[Ints, Floats]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, past.devices, count), rng.uniform(1, past.hours, count)


def _agree(past: Past, device: Ints, moment: Floats) -> None:
    vocabulary = replace(VOCABULARY, bucket_h=past.bucket_h)
    matrix, oracle = (
        features_at(frames_of(past), device, moment, vocabulary),
        Oracle(past, vocabulary),
    )
    for column, feature in enumerate(matrix.features):
        expected = [
            oracle.feature(feature, int(d), float(m)) for d, m in zip(device, moment, strict=True)
        ]
        np.testing.assert_allclose(
            matrix.values[:, column], expected, rtol=1e-5, atol=1e-5, err_msg=feature.name
        )


@pytest.mark.parametrize("seed", range(3))
def test_every_feature_equals_the_oracle(seed: int) -> None:
    past = random_past(seed)
    _agree(past, *_rows(past, seed))


@pytest.mark.parametrize("bucket_h", [24.0, 0.25])
def test_every_feature_equals_the_oracle_whatever_the_sampling(bucket_h: float) -> None:
    past = random_past(9, hours=300 * bucket_h, bucket_h=bucket_h)
    _agree(past, *_rows(past, 9, 12))


def test_as_of_now_is_computed_otherwise_and_equal() -> None:
    past = random_past(4)
    _agree(past, np.arange(past.devices), np.full(past.devices, 271.5))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_later_than_the_moment_is_read(seed: int) -> None:
    past = random_past(seed)
    now = 250.5
    future = replace(
        past,
        readings={
            key: [(at, value if at < 250 else 1e6) for at, value in points]
            for key, points in past.readings.items()
        },
        events=[*past.events, (JAM, 0, 250.6, 250.6), ("*", 1, 100.0, 250.6)],
        severities=[*past.severities, ("printer:critical", 1, 249.0, 250.6)],
        maintenance=[*past.maintenance, ("printer", 0, 240.0, 250.7)],
        replacements=[*past.replacements, ("printer", 0, 240.0, 250.7)],
        failures=[*past.failures, ("printer", 2, 251.0, 251.0)],
    )
    device, moment = np.arange(5), np.full(5, now)
    seen = features_at(frames_of(past), device, moment, VOCABULARY).values
    planted = features_at(frames_of(future), device, moment, VOCABULARY).values
    np.testing.assert_array_equal(planted, seen)


def test_neither_the_end_of_the_data_nor_the_other_rows_show() -> None:
    """What is asked of a moment is the same whether the data end there or go on, whether other
    moments are asked about, and whichever devices are in the chunk."""
    past = random_past(5)
    whole = frames_of(past)
    moments = np.linspace(200, 260, 5)
    device = np.arange(5)
    together = features_at(whole, device, moments, VOCABULARY).values
    for row, moment in enumerate(moments):
        alone = features_at(whole, device[row : row + 1], moments[row : row + 1], VOCABULARY)
        np.testing.assert_allclose(alone.values[0], together[row], rtol=1e-5, atol=1e-6)
        ended = replace(frames_of(replace(past, hours=int(moment))), peers=whole.peers)
        last = features_at(ended, np.array([row]), np.array([moment]), VOCABULARY)
        np.testing.assert_allclose(last.values[0], together[row], rtol=1e-5, atol=1e-6)


def test_chunks_of_devices_are_independent() -> None:
    past = random_past(6)
    whole = frames_of(past)
    device, moment = _rows(past, 6)
    expected = features_at(whole, device, moment, VOCABULARY).values
    for chosen in range(past.devices):
        here = device == chosen
        part = features_at(
            _only(whole, chosen), np.zeros(int(here.sum()), np.int64), moment[here], VOCABULARY
        )
        np.testing.assert_allclose(part.values, expected[here], rtol=1e-6, atol=1e-7)


def _only(frames: Frames, device: int) -> Frames:
    names = ("n", "total", "squares", "low", "high", "first", "last", "growth")

    def own(marks: Marks) -> Marks:
        kept = marks.where(marks.device == device)
        return replace(kept, device=np.zeros_like(kept.device))

    return replace(
        frames,
        device_ids=frames.device_ids[[device]],
        attributes={name: (texts[device],) for name, texts in frames.attributes.items()},
        installed=frames.installed[[device]],
        series=tuple(
            replace(series, **{name: getattr(series, name)[[device]] for name in names})
            for series in frames.series
        ),
        events=own(frames.events),
        severities=own(frames.severities),
        maintenance=own(frames.maintenance),
        replacements=own(frames.replacements),
        failures=own(frames.failures),
    )


def test_scoring_sees_what_training_saw() -> None:
    """As much of the past as scoring loads gives the same features as the whole past."""
    past = random_past(7, hours=600)
    cut = 600 - VOCABULARY.lookback_h
    whole = features_at(frames_of(past), np.arange(5), np.full(5, 600.0), VOCABULARY)
    week = shifted(past, cut)
    lately = features_at(frames_of(week), np.arange(5), np.full(5, week.hours), VOCABULARY)
    for column, feature in enumerate(whole.features):
        np.testing.assert_allclose(
            lately.values[:, column],
            whole.values[:, column],
            rtol=1e-5,
            atol=1e-5,
            err_msg=feature.name,
        )


def test_a_metric_that_a_fleet_lacks_is_unknown_not_an_error() -> None:
    past = random_past(1)
    vocabulary = Vocabulary(gauges=("nowhere",), events=("never:seen",))
    matrix = features_at(frames_of(past), np.array([0]), np.array([100.0]), vocabulary)
    by_name = dict(zip(matrix.names, matrix.values[0], strict=True))
    assert np.isnan(by_name["gauge.nowhere.mean.24h"])
    assert by_name["event.never:seen.count.24h"] == 0


def test_peers_or_buckets_that_do_not_fit_are_refused() -> None:
    frames = frames_of(random_past(1))
    row = np.array([0]), np.array([100.0])
    with pytest.raises(ValueError, match="compares with peers"):
        features_at(replace(frames, peers=None), *row, VOCABULARY)
    with pytest.raises(ValueError, match="a vocabulary of 1 day"):
        features_at(frames, *row, replace(VOCABULARY, bucket_h=24.0))


def test_the_table_is_whole_and_its_hash_is_stable() -> None:
    columns = features(VOCABULARY)
    names = [feature.name for feature in columns]
    assert len(set(names)) == len(names)
    assert {feature.definition for feature in columns} == set(DEFINITIONS)
    assert schema_hash() == schema_hash()
    assert Vocabulary.from_json(VOCABULARY.to_json()) == VOCABULARY


def test_a_fleet_of_many_metrics_gets_the_essential_rows_only() -> None:
    many = replace(VOCABULARY, gauges=tuple(f"g{number}" for number in range(40)), limits=())
    columns = features(many)
    assert {feature.definition.tier for feature in columns} == {Tier.ESSENTIAL}
    assert (Source.GAUGE, Statistic.PEER) in {(f.source, f.statistic) for f in columns}


def test_a_gauge_that_is_sent_only_when_it_changes_is_not_missing() -> None:
    past = Past(
        hours=200,
        readings={
            ("heat", 0): [(100.5, 40.0)],
            ("cuts", 0): [(hour + 0.5, float(hour)) for hour in range(90, 185) if hour != 150],
        },
        events=[],
        severities=[],
        maintenance=[],
        replacements=[],
        failures=[],
    )

    def mean(moment: float) -> float:
        matrix = features_at(frames_of(past), np.array([0]), np.array([moment]), VOCABULARY)
        return float(dict(zip(matrix.names, matrix.values[0], strict=True))["gauge.heat.mean.3h"])

    assert carry(1.0) == 72
    assert mean(120) == 40  # other things are heard of the device
    assert np.isnan(mean(100))  # nothing was sent yet
    assert mean(175) == 40
    assert np.isnan(mean(177))  # too long ago to stand
    assert np.isnan(mean(199))  # the device is silent
