"""Reasons: their parts against an exact enumeration, and their words for every feature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from console.i18n.catalogue import LANGUAGES, load_translations, translate_text
from domain.reason import Reason
from domain.text import Text
from models.reasons.explain import explain
from models.reasons.shares import shares
from models.reasons.units import changed, span
from models.reasons.view import View
from models.reasons.words import WORDS, sentence
from pipeline.features.definitions import (
    DEFINITIONS,
    Feature,
    Source,
    Statistic,
    features,
)
from pipeline.features.frames import Floats
from pipeline.features.vocabulary import Attribute, Vocabulary

Values = NDArray[np.float32]
Foretell = Callable[[Values], Floats]


def _exact(
    foretell: Foretell, row: Values, usual: Values, groups: Sequence[Sequence[int]]
) -> Floats:
    """Shapley values by their definition: over all sets of the other groups."""

    def worth(inside: Sequence[int]) -> float:
        mixed = usual.copy()
        for group in inside:
            mixed[list(groups[group])] = row[list(groups[group])]
        return float(foretell(mixed[None, :])[0])

    others = len(groups) - 1
    found = np.zeros(len(groups))
    for group in range(len(groups)):
        rest = [other for other in range(len(groups)) if other != group]
        for size in range(others + 1):
            for inside in combinations(rest, size):
                gain = worth([*inside, group]) - worth(inside)
                found[group] += gain / comb(others, size) / (others + 1)
    return found


def _bent(seed: int, columns: int) -> Foretell:
    """A smooth model with products of pairs."""
    random = np.random.default_rng(seed)
    one, two = random.normal(size=columns), random.normal(size=(columns, columns)) / 3

    def foretell(values: Values) -> Floats:
        x = np.nan_to_num(values.astype(np.float64))
        logit = x @ one + np.einsum("ri,ij,rj->r", x, two, x) - 1
        probability: Floats = 1 / (1 + np.exp(-logit))
        return probability

    return foretell


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_parts_are_close_to_the_exact_ones(seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = [[0, 1], [2], [3, 4], [5]]
    values = random.normal(size=(3, 6)).astype(np.float32)
    usual, foretell = np.zeros(6, np.float32), _bent(seed, 6)
    found = shares(foretell, values, usual, groups)
    for row, added in zip(values, found.added, strict=True):
        np.testing.assert_allclose(added, _exact(foretell, row, usual, groups), atol=0.06)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 25))
def test_parts_sum_to_the_difference_however_many_groups(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=(4, count)).astype(np.float32)
    foretell = _bent(seed, count)
    usual = random.normal(size=count).astype(np.float32)
    found = shares(foretell, values, usual, [[column] for column in range(count)])
    total = found.added.sum(axis=1) + found.together
    np.testing.assert_allclose(total, foretell(values) - found.usual, atol=1e-9)


def test_of_a_sum_every_part_is_exact_and_what_does_not_matter_has_none() -> None:
    weights = np.linspace(0.001, 0.02, 20)
    weights[[3, 11]] = 0.0
    values = np.full((2, 20), 1.0, np.float32)
    values[1, 5] = np.nan
    usual = np.zeros(20, np.float32)
    found = shares(
        lambda rows: np.nan_to_num(rows.astype(float)) @ weights,
        values,
        usual,
        [[c] for c in range(20)],
    )
    told = found.added != 0
    np.testing.assert_allclose(found.added[0][told[0]], weights[told[0]], rtol=1e-5)
    assert not told[:, [3, 11]].any()
    assert told[0, 5] != told[1, 5] or not told[1, 5]
    assert told[0, 19]


def test_two_that_only_matter_together_share_what_they_add() -> None:
    values = np.ones((1, 12), np.float32)
    usual = np.zeros(12, np.float32)
    found = shares(
        lambda rows: 0.1 + 0.8 * (rows[:, 2] * rows[:, 7]).astype(float),
        values,
        usual,
        [[c] for c in range(12)],
    )
    np.testing.assert_allclose(found.added[0, [2, 7]], 0.4, atol=1e-6)


VOCABULARY = Vocabulary(
    gauges=("x.PrintHeadTemperature", "x.Unheard"),
    counters=("x.BillJamCount",),
    events=("*", "billAcceptor:jamAcceptor"),
    severities=("*:critical", "billAcceptor:error"),
    sequences=("billAcceptor:jamAcceptor>billAcceptor:stackerFull",),
    serviced=("*", "billAcceptor"),
    replaced=("billAcceptor",),
    failing=("*", "billAcceptor"),
    gaps=(300.0, 300.0),
    limits=((20.0, 60.0), (0.0, 1.0)),
    usage="x.BillJamCount",
    peers=("model", "site"),
    attributes=(Attribute("model", ("m1", "m2")), Attribute("firmware", ("1", "2"))),
)
COLUMNS = features(VOCABULARY)
HEAD = "x.PrintHeadTemperature"
GROWTH_H = min(f.window_h for f in COLUMNS if f.statistic is Statistic.GROWTH)


class _LooksAt:
    """A model that looks at one subject's features of one source."""

    def __init__(self, source: Source, subject: str, scale: float = 1.0) -> None:
        self._scale = scale
        self._own = np.array([f.source is source and f.subject == subject for f in COLUMNS])

    def within(self, values: Values, hours: Sequence[float]) -> Floats:
        size = np.abs(np.nan_to_num(values[:, self._own])).sum(axis=1)
        return np.repeat((0.9 * np.tanh(size / self._scale))[:, None], len(hours), axis=1)


def _row(**told: float) -> Values:
    """Values of features by their names, the rest unknown."""
    names = [feature.name.replace(".", "_") for feature in COLUMNS]
    row = np.full(len(names), np.nan, np.float32)
    for name, value in told.items():
        row[[i for i, own in enumerate(names) if own.endswith(name)]] = value
    return row


def _why(model: _LooksAt, row: Values, usual: Values) -> Reason:
    (found,) = explain(model, VOCABULARY, row[None, :], usual, 24.0)
    return found[0]


def test_a_counter_that_grows_is_held_against_its_past_the_fleet_and_its_service() -> None:
    window = f"{GROWTH_H:g}h"
    jams = f"BillJamCount_rate_{window}"
    row = _row(
        **{jams: 2.0, f"BillJamCount_growth_{window}": 1.0},
        maintenance_billAcceptor_since=40 * 24.0,
    )
    usual = _row(**{jams: 0.5})
    reason = _why(_LooksAt(Source.COUNTER, "x.BillJamCount"), row, usual)
    assert str(reason.text) == (
        f"bill jams doubled in {span(GROWTH_H)}; 4 times what is usual in the fleet; "
        "last service 40 days ago"
    )
    assert (str(reason.value), str(reason.usual)) == ("48 a day", "24 a day")
    assert reason.share == pytest.approx(1.0)


def test_a_gauge_is_held_against_its_past_its_peers_and_its_limits() -> None:
    def own(statistic: Statistic, value: float) -> dict[str, float]:
        columns = [f for f in COLUMNS if (f.subject, f.statistic) == (HEAD, statistic)]
        return {f.name.replace(".", "_"): value for f in columns}

    row = _row(**own(Statistic.MEAN, 80.0), **own(Statistic.PEER, 4.2), **own(Statistic.TO_HIGH, 5))
    reason = _why(_LooksAt(Source.GAUGE, HEAD, 300.0), row, _row(**own(Statistic.MEAN, 40.0)))
    assert str(reason.text) == (
        "print head temperature is 80 °C; 2 times what is usual in the fleet; "
        "far above others of its model"
    )
    assert (str(reason.value), str(reason.usual)) == ("80 °C", "40 °C")


def test_codes_that_follow_one_another_are_told_in_their_order() -> None:
    sequence = next(f for f in COLUMNS if f.source is Source.SEQUENCE and f.window_h)
    row = _row(**{sequence.name.replace(".", "_"): 3.0})
    reason = _why(_LooksAt(Source.SEQUENCE, sequence.subject), row, np.zeros_like(row))
    window = span(sequence.window_h)
    assert str(reason.text) == f"stackerFull came after jamAcceptor 3 times within {window}"


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (6.0, 18.0, "bill acceptor: events of severity error rose 3-fold in 3 days"),
        (
            1.0,
            0.0,
            "bill acceptor: events of severity error: 1 within 3 days; 0 in the 27 days before",
        ),
    ],
)
def test_how_events_of_a_severity_changed_is_a_reason(now: float, before: float, said: str) -> None:
    subject = "billAcceptor:error"
    growth = next(f for f in COLUMNS if (f.subject, f.statistic) == (subject, Statistic.GROWTH))
    window, whole = growth.window_h, growth.base_h
    told = {
        f"{subject}_count_{window:g}h": now,
        f"{subject}_count_{whole:g}h": now + before,
        f"{subject}_growth_{window:g}h": now / window - before / (whole - window),
    }
    reason = _why(_LooksAt(Source.SEVERITY, subject), _row(**told), _row())
    assert str(reason.text) == said
    persian = translate_text(load_translations("fa"), reason.text.to_json())
    assert not any(word in persian for word in ("severity", "error", "within"))


def test_only_the_group_that_matters_is_a_reason() -> None:
    row = np.ones(len(COLUMNS), np.float32)
    (found,) = explain(
        _LooksAt(Source.EVENT, "billAcceptor:jamAcceptor"),
        VOCABULARY,
        row[None, :],
        np.zeros(len(COLUMNS), np.float32),
        24.0,
    )
    assert len(found) == 1
    assert "jamAcceptor" in str(found[0].text)


def test_every_feature_of_the_table_has_words() -> None:
    assert {(d.source, d.statistic) for d in DEFINITIONS} <= set(WORDS)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0, 7.25, 400.0, float("nan")])
@pytest.mark.parametrize("code", LANGUAGES)
def test_every_group_is_said_in_every_language(value: float, code: str) -> None:
    words = load_translations(code)
    groups: dict[tuple[Source, str], list[Feature]] = {}
    for feature in COLUMNS:
        groups.setdefault((feature.source, feature.subject), []).append(feature)
    for group in groups.values():
        told = np.full(len(group), value, np.float32)
        said = sentence(View(group, told, (told / 3).astype(np.float32), 1000.0))
        if said is not None and said.head is not None:
            for text in (said.head, said.value, said.usual):
                shown = translate_text(words, text.to_json())
                assert "{" not in shown
                assert "nan" not in shown


def test_a_sentence_is_stored_with_its_clauses_and_its_row() -> None:
    text = changed("bill jams", 2.0, span(72))
    reason = Reason(text, 0.61, Text("{v}", {"v": 4}), Text("{v}", {"v": 2}))
    assert Reason.from_json(reason.to_json()) == reason
    assert Text.from_json(reason.to_json()) == text
    assert str(Reason.from_json(Text("older").to_json()).text) == "older"
    persian = translate_text(load_translations("fa"), reason.to_json())
    assert "doubled" not in persian
    assert "3 days" not in persian


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (2.0, "x doubled in a day"),
        (4.04, "x rose 4-fold in a day"),
        (1.3, "x rose by 30 % in a day"),
        (0.5, "x halved in a day"),
        (0.0, "x fell by 100 % in a day"),
    ],
)
def test_a_change_is_said_as_people_say_it(ratio: float, said: str) -> None:
    assert str(changed("x", ratio, span(24))) == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.5, "30 minutes"), (1, "an hour"), (3, "3 hours"), (24, "a day"), (72, "3 days")],
)
def test_spans_are_said_in_the_unit_that_fits(hours: float, said: str) -> None:
    assert str(span(hours)) == said
