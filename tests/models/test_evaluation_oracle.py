"""The figures against slow, plain ones, and the intervals against what they are intervals of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from models.data.labels import failed
from models.judge.bootstrap import draw_devices, interval, redrawn
from models.judge.evaluation import Scored, episodes_of, evaluate, failures_of, top_share
from models.settings import CostSettings
from pipeline.features.frames import marks

HORIZON, LEAD, EVERY = 24.0, 2.0, 6.0
STEPS = 30


def _scored(alarms: list[bool], failures: set[tuple[int, float]], since: float) -> Scored:
    device = np.repeat([0, 1], STEPS)
    moment = np.tile(np.arange(1.0, STEPS + 1) * EVERY, 2)
    known = marks([("part", d, at, at) for d, at in sorted(failures)])
    label = failed(known, device, moment, HORIZON)
    probability = np.where(alarms, 0.9, 0.1)
    return Scored(device, moment, probability, label, known, HORIZON, LEAD, EVERY, since)


cases = st.builds(
    _scored,
    st.lists(st.booleans(), min_size=2 * STEPS, max_size=2 * STEPS),
    st.sets(st.tuples(st.integers(0, 1), st.integers(1, 200).map(float)), max_size=6),
    st.sampled_from([-np.inf, 40.0]),
)


@settings(max_examples=50, deadline=None)
@given(cases)
def test_episodes_are_those_that_a_person_would_draw(scored: Scored) -> None:
    found = episodes_of(scored, scored.probability > 0.5)
    drawn = []
    for device in (0, 1):
        failures = sorted(scored.failures.at[scored.failures.device == device])
        here = scored.device == device
        times = [
            t for t, p in zip(scored.moment[here], scored.probability[here], strict=True) if p > 0.5
        ]
        episode: list[float] = []
        for time in [*times, np.inf]:
            failed_between = episode and any(episode[-1] < at <= time for at in failures)
            if episode and (time - episode[-1] > 24 or failed_between):
                comes_true = any(episode[-1] < at <= episode[-1] + HORIZON for at in failures)
                drawn.append((device, episode[0], episode[-1], not comes_true))
                episode = []
            episode.append(time)
    columns = (found.device, found.first, found.last, found.false)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == drawn


@settings(max_examples=50, deadline=None)
@given(cases)
def test_warned_failures_are_those_with_an_alarm_in_the_window(scored: Scored) -> None:
    alarm = scored.probability > 0.5
    found = failures_of(scored, alarm)
    expected = []
    for device, at in zip(scored.failures.device, scored.failures.at, strict=True):
        window = (
            (scored.device == device)
            & (scored.moment >= at - HORIZON)
            & (scored.moment <= at - LEAD)
        )
        if at >= scored.since + HORIZON and window.any():
            alarms = scored.moment[window & alarm]
            expected.append((device, at, alarms.min() if len(alarms) else np.nan))
    columns = (found.device, found.at, found.warned_at)
    rows = sorted(zip(*(column.tolist() for column in columns), strict=True), key=lambda r: r[:2])
    np.testing.assert_array_equal(np.array(rows), np.array(sorted(expected, key=lambda r: r[:2])))


def _many(seed: int, devices: int = 40, rows: int = 60) -> Scored:
    draw = np.random.default_rng(seed)
    device = np.repeat(np.arange(devices), rows)
    moment = np.tile(np.arange(1.0, rows + 1) * EVERY, devices)
    broke = [(int(d), float(at)) for d, at in enumerate(draw.uniform(50, 350, devices)) if d % 3]
    known = marks([("part", d, at, at) for d, at in broke])
    label = failed(known, device, moment, HORIZON)
    odds = draw.normal(0, 1, len(device)) + 2.5 * label
    return Scored(device, moment, 1 / (1 + np.exp(2 - odds)), label, known, HORIZON, LEAD, EVERY)


def test_a_draw_of_every_device_once_gives_the_figures_themselves() -> None:
    scored, costs = _many(0), CostSettings()
    found = evaluate(scored, 0.5, costs)
    once = {
        name: value[0]
        for name, value in redrawn(scored, 0.5, costs, np.ones((1, scored.devices))).items()
    }
    for name in ("precision", "recall", "f1", "brier", "cost"):
        assert once[name] == pytest.approx(getattr(found, name))
    rate = once["false_episodes_per_device_month"]
    assert rate == pytest.approx(found.false_per_device_month)
    assert once["roc_auc"] == pytest.approx(
        roc_auc_score(scored.label, scored.probability), abs=2e-3
    )
    exact = average_precision_score(scored.label, scored.probability)
    assert once["pr_auc"] == pytest.approx(exact, abs=5e-3)


def test_intervals_are_narrower_for_more_devices() -> None:
    widths = []
    for devices in (15, 150):
        scored = _many(1, devices)
        drawn = redrawn(scored, 0.5, CostSettings(), draw_devices(scored.devices))
        bounds = interval(drawn["recall"])
        assert bounds is not None
        widths.append(bounds[1] - bounds[0])
    assert widths[1] < widths[0] / 2


def test_what_has_no_meaning_has_no_interval() -> None:
    scored = _scored([False] * 2 * STEPS, set(), -np.inf)
    drawn = redrawn(scored, 0.5, CostSettings(), draw_devices(2))
    assert interval(drawn["precision"]) is None
    assert interval(drawn["pr_auc"]) is None


def test_the_likeliest_share_is_taken_at_each_moment() -> None:
    device = np.repeat(np.arange(200), 2)
    moment = np.tile([6.0, 12.0], 200)
    known = marks([("part", d, 20.0, 20.0) for d in (0, 1, 2, 3)])
    label = failed(known, device, moment, HORIZON)
    # At 6:00 devices 0 and 1 stand out, at 12:00 devices 1 and 50.
    odd = {(0, 6.0), (1, 6.0), (1, 12.0), (50, 12.0)}
    told = np.array(
        [0.9 if key in odd else 0.1 for key in zip(device.tolist(), moment.tolist(), strict=True)]
    )
    scored = Scored(device, moment, told, label, known, HORIZON, LEAD, EVERY)
    found = top_share(scored, 0.01)
    assert (found.warned, found.events, found.precision) == (2, 4, 0.75)
