"""The learner on processes whose truth is known: signals found, chance left alone, spans consistent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import skops.io
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from models.data.dataset import Dataset, TaskRows, task_rows
from models.learn.baselines import fit_logistic, fit_rule, rule_text
from models.learn.forecast import (
    ALLOWED_TYPES,
    Fitted,
    Forecast,
    LearnSettings,
    Rehearsal,
    fit_components,
    refit,
)
from models.learn.learner import BOOST, BRISK, Sizes, thinned
from pipeline.features.definitions import Definition, Feature, Source, Statistic
from pipeline.features.frames import marks
from tests.models.dataset import tiny_dataset

START = datetime(2031, 3, 3, tzinfo=UTC)
DAYS, STEP_H = 90, 12.0
HORIZON_H = 48.0
PART = "part"


def _fleet(devices: int, failures: int, signal: float, seed: int = 1) -> Dataset:
    """Devices with six columns of noise; for four days before a failure the second column is raised
    by `signal`, and the fifth tells nothing of anything."""
    random = np.random.default_rng(seed)
    moments = np.arange(1, DAYS * 24 / STEP_H + 1) * STEP_H
    device = np.repeat(np.arange(devices), len(moments))
    moment = np.tile(moments, devices)
    values = random.normal(size=(len(device), 6)).astype(np.float32)
    values[:, 4] = np.nan
    broke = random.choice(devices, failures, replace=failures > devices)
    at = random.uniform(100, DAYS * 24 - 10, failures)
    for one, when in zip(broke, at, strict=True):
        values[(device == one) & (moment < when) & (moment > when - 96), 1] += signal
    empty = tiny_dataset(START, list(range(devices)), START + timedelta(days=DAYS))
    rows = [(PART, int(one), float(when), float(when)) for one, when in zip(broke, at, strict=True)]
    gauge = Definition(Source.GAUGE, Statistic.MEAN)
    return replace(
        empty,
        device=device,
        moment=moment,
        features=tuple(Feature(gauge, name) for name in "abcdef"),
        values=values,
        failures=marks(rows),
    )


def _rows(data: Dataset) -> tuple[TaskRows, NDArray[np.bool_], NDArray[np.bool_]]:
    rows = task_rows(data, PART, timedelta(hours=HORIZON_H))
    cut = DAYS * 24 * 0.7
    return rows, rows.moment + HORIZON_H <= cut, rows.moment >= cut


def _fit(data: Dataset) -> tuple[Fitted, TaskRows, NDArray[np.bool_], NDArray[np.bool_]]:
    rows, learn, later = _rows(data)
    fitted = fit_components(data, {PART: rows}, {PART: learn}, HORIZON_H)[PART]
    return fitted, rows, learn, later


def _no_rehearsal() -> Rehearsal:
    return Rehearsal(np.zeros(0, np.int64), np.zeros(0))


def _asked(data: Dataset, rows: TaskRows, which: NDArray[np.bool_]) -> NDArray[np.float32]:
    return data.values[rows.index[which]]


def test_a_strong_sign_is_found_with_twenty_failures() -> None:
    data = _fleet(devices=60, failures=28, signal=4.0)  # about twenty of them to learn from
    fitted, rows, _, later = _fit(data)
    told = fitted.forecast.within(_asked(data, rows, later), [HORIZON_H])[:, 0]
    assert roc_auc_score(rows.label[later], told) > 0.95
    assert average_precision_score(rows.label[later], told) > 0.4


def test_labels_that_mean_nothing_are_foretold_no_better_than_by_chance() -> None:
    data = _fleet(devices=60, failures=60, signal=0.0)
    fitted, rows, _, later = _fit(data)
    told = fitted.forecast.within(_asked(data, rows, later), [HORIZON_H])[:, 0]
    assert abs(roc_auc_score(rows.label[later], told) - 0.5) < 0.1
    rehearsed = rows.label[fitted.rehearsal.row]
    assert abs(roc_auc_score(rehearsed, fitted.rehearsal.probability) - 0.5) < 0.12
    assert told.max() < 0.5


def _among_noise(data: Dataset, columns: int) -> Dataset:
    noise = np.random.default_rng(2).normal(size=(len(data.values), columns)).astype(np.float32)
    feature = data.features[0]
    return replace(
        data,
        values=np.column_stack([data.values, noise]),
        features=(*data.features, *(replace(feature, subject=f"n{n}") for n in range(columns))),
    )


def test_a_handful_of_failures_is_learned_from_the_few_columns_that_tell() -> None:
    data = _among_noise(_fleet(devices=40, failures=10, signal=5.0), 120)
    fitted, rows, _, later = _fit(data)
    assert 1 in fitted.forecast.columns
    assert len(fitted.forecast.columns) < 20
    told = fitted.forecast.within(_asked(data, rows, later), [HORIZON_H])[:, 0]
    assert roc_auc_score(rows.label[later], told) > 0.9
    assert told.max() > 0.3


def test_columns_are_not_chosen_by_what_a_rehearsal_asks_about() -> None:
    data = _among_noise(_fleet(devices=40, failures=10, signal=0.0), 120)
    fitted, rows, _, _ = _fit(data)
    rehearsed = rows.label[fitted.rehearsal.row]
    assert roc_auc_score(rehearsed, fitted.rehearsal.probability) < 0.8  # 1.0 if it peeked


@pytest.fixture(scope="module")
def known() -> tuple[Dataset, Fitted, TaskRows, NDArray[np.bool_], NDArray[np.bool_]]:
    data = _fleet(devices=80, failures=220, signal=1.5)
    return (data, *_fit(data))


Known = tuple[Dataset, Fitted, TaskRows, NDArray[np.bool_], NDArray[np.bool_]]


def test_probabilities_can_be_taken_at_their_word(known: Known) -> None:
    data, fitted, rows, _, later = known
    told = fitted.forecast.within(_asked(data, rows, later), [HORIZON_H])[:, 0]
    label = rows.label[later]
    assert told.sum() == pytest.approx(label.sum(), rel=0.3)
    order = np.argsort(told)
    for tenth in np.array_split(order, 5)[2:]:  # where there are failures enough to tell
        assert told[tenth].mean() == pytest.approx(label[tenth].mean(), abs=0.08)


def test_longer_spans_are_never_less_likely_and_fit_what_happens(known: Known) -> None:
    data, fitted, rows, _, later = known
    hours = (1.0, 12.0, 24.0, 48.0, 60.0, 72.0, 168.0, 400.0)
    told = fitted.forecast.within(_asked(data, rows, later), hours)
    assert (np.diff(told, axis=1) >= 0).all()
    assert (told > 0).all()
    assert (told < 1).all()
    for place, span in ((2, 24.0), (5, 72.0), (6, 168.0)):
        asked = task_rows(data, PART, timedelta(hours=span))
        both = later & np.isin(rows.index, asked.index)
        happened = asked.label[np.isin(asked.index, rows.index[both])]
        assert told[both[later], place].mean() == pytest.approx(happened.mean(), rel=0.4)


def test_the_answer_at_the_horizon_does_not_depend_on_what_else_is_asked(known: Known) -> None:
    data, fitted, rows, _, later = known
    some = _asked(data, rows, later)[:200]
    alone = fitted.forecast.within(some, [HORIZON_H])[:, 0]
    among = fitted.forecast.within(some, [24.0, HORIZON_H, 720.0])[:, 1]
    np.testing.assert_allclose(among, alone, rtol=1e-12)
    assert fitted.forecast.within(some[:0], [24.0, 48.0]).shape == (0, 2)


def test_a_forecast_lives_on_in_a_file_of_allowed_types_and_in_settings(known: Known) -> None:
    data, fitted, rows, _, later = known
    artifact = skops.io.dumps(fitted.forecast.estimators())
    assert set(skops.io.get_untrusted_types(data=artifact)) <= set(ALLOWED_TYPES)
    estimators = skops.io.loads(artifact, trusted=list(ALLOWED_TYPES))
    again = Forecast.restore(estimators, fitted.forecast.settings())
    some, hours = _asked(data, rows, later)[:300], [24.0, 48.0, 168.0]
    np.testing.assert_array_equal(again.within(some, hours), fitted.forecast.within(some, hours))


def test_the_rehearsal_is_of_rows_to_learn_from_by_models_that_had_not(known: Known) -> None:
    data, fitted, rows, learn, _ = known
    row = fitted.rehearsal.row
    assert (np.diff(row) > 0).all()
    assert learn[row].all()
    told = roc_auc_score(rows.label[row], fitted.rehearsal.probability)
    seen = fitted.forecast.within(_asked(data, rows, learn), [HORIZON_H])[:, 0]
    assert 0.6 < told < roc_auc_score(rows.label[learn], seen) - 0.01


def test_learning_twice_gives_the_same_and_refitting_on_the_same_too(known: Known) -> None:
    data, fitted, rows, learn, later = known
    some = _asked(data, rows, later)[:100]
    once = fitted.forecast.within(some, [HORIZON_H])
    again = refit(fitted, PART, data, rows, learn)
    assert again is not None
    np.testing.assert_array_equal(again.within(some, [HORIZON_H]), once)


def test_spans_that_nobody_asks_about_are_not_learned_until_the_forecast_is_kept() -> None:
    data = _fleet(devices=40, failures=24, signal=4.0)
    rows, learn, later = _rows(data)
    settings = LearnSettings(spans=False)
    judged = fit_components(data, {PART: rows}, {PART: learn}, HORIZON_H, settings)[PART]
    assert set(judged.forecast.estimators()) <= {"brisk0", "forest0", "line0"}
    some = _asked(data, rows, later)[:100]
    even = judged.forecast.within(some, [HORIZON_H / 2, HORIZON_H])
    np.testing.assert_allclose((1 - even[:, 0]) ** 2, 1 - even[:, 1])
    kept = refit(judged, PART, data, rows, learn)
    assert kept is not None
    assert "shorter" in kept.estimators()
    np.testing.assert_array_equal(kept.within(some, [HORIZON_H])[:, 0], even[:, 1])


def test_few_failures_are_learned_from_briskly_and_stay_so_when_more_have_come() -> None:
    data = _fleet(devices=80, failures=70, signal=4.0)
    rows, learn, _ = _rows(data)
    judged = fit_components(data, {PART: rows}, {PART: learn}, HORIZON_H)[PART].forecast
    everything = np.ones(len(rows.index), bool)  # enough failures for the other way
    kept = refit(Fitted(judged, _no_rehearsal()), PART, data, rows, everything)
    assert kept is not None
    assert BRISK.name in judged.blend.weight
    assert BOOST.name not in kept.blend.weight
    assert set(kept.learned) == set(judged.learned)


def test_what_a_learner_may_afford_grows_with_what_there_is_to_learn_from() -> None:
    few, many = Sizes(failures=20, positives=160), Sizes(failures=150, positives=8_400)
    assert (few.leaves, few.trees, few.fewest_in_leaf) == (6, 30, 12)
    assert (many.leaves, many.trees, many.fewest_in_leaf) == (31, 60, 80)


def test_what_lies_after_the_learning_part_changes_nothing(known: Known) -> None:
    data, fitted, rows, learn, later = known
    cut = float(rows.moment[learn].max()) + HORIZON_H
    early = data.failures.at <= cut
    told = data.failures
    past = replace(
        told,
        what=told.what[early],
        device=told.device[early],
        at=told.at[early],
        known=told.known[early],
    )
    blind = fit_components(replace(data, failures=past), {PART: rows}, {PART: learn}, HORIZON_H)[
        PART
    ].forecast
    some, hours = _asked(data, rows, later)[:100], [24.0, 48.0, 168.0, 720.0]
    np.testing.assert_array_equal(blind.within(some, hours), fitted.forecast.within(some, hours))


def test_the_baselines_find_a_plain_sign_and_the_rule_says_it(known: Known) -> None:
    data, _, rows, learn, later = known
    parts: Sequence[dict[str, Fitted]] = [
        fit_rule(data, {PART: rows}, {PART: learn}, HORIZON_H),
        fit_logistic(data, {PART: rows}, {PART: learn}, HORIZON_H),
    ]
    for part in parts:
        told = part[PART].forecast.within(_asked(data, rows, later), [HORIZON_H])[:, 0]
        assert roc_auc_score(rows.label[later], told) > 0.6
    assert rule_text(parts[0][PART].forecast, data.features).startswith("gauge.b.mean > ")


def test_of_too_few_failures_nothing_is_learned() -> None:
    data = _fleet(devices=20, failures=3, signal=4.0)
    rows, learn, _ = _rows(data)
    assert fit_components(data, {PART: rows}, {PART: learn}, HORIZON_H) == {}


def test_a_sample_stands_for_the_whole() -> None:
    random = np.random.default_rng(3)
    label = random.random(50_000) < 0.02
    weight = np.where(random.random(50_000) < 0.5, 1.0, 9.0)
    kept, shift = thinned(label, weight, 4_000, seed=0)
    assert len(kept) == 4_000
    odds = label[kept].sum() / (~label[kept]).sum()
    whole = weight[label].sum() / weight[~label].sum()
    assert np.log(odds) + shift == pytest.approx(np.log(whole))
    drawn = kept[~label[kept]]
    assert (weight[drawn] == 9.0).mean() == pytest.approx(0.9, abs=0.05)
