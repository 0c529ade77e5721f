"""Why a prediction is what it is: the groups of features that raise it, in words.

Features are taken in groups that a person would name: one metric, one event code, one component's
services, its failures, the device's age. Each group's part is its Shapley value against what is usual
in the fleet (`models/reasons/shares.py`); the strongest become sentences (`models/reasons/words.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.reason import Reason
from domain.vocabulary import metric
from models.reasons.shares import shares
from models.reasons.view import View
from models.reasons.words import sentence
from pipeline.features.definitions import Feature, Source, Statistic, features
from pipeline.features.frames import Floats
from pipeline.features.vocabulary import Vocabulary

_MOST = 5
_SMALLEST_PUSH = 0.02

Group = tuple[Source, str]


class Foretells(Protocol):
    """What is asked of a learner."""

    def within(self, values: NDArray[np.float32], hours: Sequence[float]) -> Floats:
        """(rows, len(hours)): the probability of failing within so many hours."""
        ...


def explain(
    forecast: Foretells,
    vocabulary: Vocabulary,
    values: NDArray[np.float32],
    usual: NDArray[np.float32],
    within_h: float,
) -> list[list[Reason]]:
    """For each row of `values` (rows, features) up to five reasons, the strongest first.

    `usual` (features,) is what is usual in the fleet, NaN where nothing is. What raises the
    probability by less than 2 points is no reason.
    """
    columns = features(vocabulary)
    groups = grouped(columns)
    found = shares(
        lambda rows: forecast.within(rows, [within_h])[:, 0], values, usual, list(groups.values())
    )
    return [
        _reasons(groups, columns, row, usual, added)
        for row, added in zip(values, found.added, strict=True)
    ]


def grouped(columns: Sequence[Feature]) -> dict[Group, list[int]]:
    """The columns of each group."""
    groups: dict[Group, list[int]] = {}
    for position, feature in enumerate(columns):
        definition = feature.definition
        whole_device = definition.source is Source.DEVICE
        subject = str(definition.statistic) if whole_device else feature.subject
        groups.setdefault((definition.source, subject), []).append(position)
    return groups


def _reasons(
    groups: Mapping[Group, list[int]],
    columns: Sequence[Feature],
    row: NDArray[np.float32],
    usual: NDArray[np.float32],
    added: Floats,
) -> list[Reason]:
    names, raising = list(groups), float(added[added > 0].sum())
    found: list[Reason] = []
    for position in np.argsort(-added):
        if added[position] < _SMALLEST_PUSH or len(found) == _MOST:
            break
        own = groups[names[position]]
        service_h = _serviced(groups, columns, row, columns[own[0]])
        view = View([columns[at] for at in own], row[own], usual[own], service_h)
        said = sentence(view)
        if said is not None and said.head is not None:
            share = float(added[position]) / raising
            found.append(Reason(said.head, share, said.value, said.usual))
    return found


def _serviced(
    groups: Mapping[Group, list[int]],
    columns: Sequence[Feature],
    row: NDArray[np.float32],
    feature: Feature,
) -> float:
    """Hours since the component behind a metric or a code was serviced; NaN: unknown."""
    part = ""
    if feature.source in (Source.GAUGE, Source.COUNTER):
        part = metric(feature.subject).component
    elif feature.source in (Source.EVENT, Source.SEVERITY):
        part = feature.subject.partition(":")[0]
    since = [
        float(row[at])
        for at in groups.get((Source.MAINTENANCE, part), [])
        if columns[at].statistic is Statistic.SINCE
    ]
    return since[0] if since else float("nan")
