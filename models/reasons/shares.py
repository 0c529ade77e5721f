"""How much each group of features adds to a probability: Shapley values by sampled orders.

In a random order the groups step, one after the other, from the usual row to the device's own; what
each step adds, averaged over orders, is the group's Shapley value (Castro et al. 2009). Orders come in
pairs, one the other's reverse (Mitchell et al. 2022), and in rounds in which every group stands once
at every place. Within every order the steps add up to the whole difference, so their averages do too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.features.frames import Floats, Ints

Values: TypeAlias = NDArray[np.float32]
Foretell: TypeAlias = Callable[[Values], Floats]
"""(rows, features) -> (rows,) probability."""

_PLAYERS = 10
"""Of more groups the least telling ones step together, as one."""
_PAIRS = 20
_EVALUATIONS = 60_000
"""Rows that a model is asked for at most in one call; with many rows to explain, fewer orders."""
_CELLS_AT_ONCE = 8_000_000


@dataclass(frozen=True, slots=True)
class Shares:
    """What was found for each row.

    Attributes:
        added: (rows, groups); a row's values sum to `probability - usual`, less what the groups
            that stepped together added.
        together: (rows,) the latter.
    """

    probability: Floats
    usual: float
    added: Floats
    together: Floats


def shares(
    foretell: Foretell, values: Values, usual: Values, groups: Sequence[Sequence[int]]
) -> Shares:
    """The Shapley values of `groups` (of feature columns) for each row of `values`.

    `usual` (features,) is what a group is set to where it does not take part.
    """
    rows, members = len(values), len(groups)
    group_of = np.zeros(values.shape[1], np.int64)
    for number, group in enumerate(groups):
        group_of[list(group)] = number
    base = float(foretell(usual[None, :])[0])
    probability = foretell(values)
    chosen = _most_telling(foretell, values, usual, group_of, members, probability, base)
    single = chosen.shape[1]
    players = min(members, single + 1)
    player_of = np.full((rows, members), players - 1)
    np.put_along_axis(player_of, chosen, np.arange(single)[None, :], axis=1)
    game = _Game(foretell, values, usual, player_of[:, group_of], probability, base)
    added = _averaged(game, players)
    result = np.zeros((rows, members))
    np.put_along_axis(result, chosen, added[:, :single], axis=1)
    return Shares(probability, base, result, added[:, single:].sum(axis=1))


def _most_telling(
    foretell: Foretell,
    values: Values,
    usual: Values,
    group_of: Ints,
    members: int,
    probability: Floats,
    base: float,
) -> Ints:
    """(rows, players - 1): the groups that alone move the probability most, either way."""
    if members < _PLAYERS:
        return np.tile(np.arange(members), (len(values), 1))
    own = group_of[None, :] == np.arange(members)[:, None]  # (groups, features)
    moved = np.zeros((len(values), members))
    for part in _portions(len(values), members * values.shape[1]):
        row = values[part, None, :]
        without = _asked(foretell, np.where(own, usual, row))
        only = _asked(foretell, np.where(own, row, usual))
        moved[part] = np.maximum(np.abs(probability[part, None] - without), np.abs(only - base))
    return np.argsort(-moved, axis=1, kind="stable")[:, : _PLAYERS - 1]


@dataclass(frozen=True, slots=True)
class _Game:
    """Attributes:
    player_of: (rows, features).
    """

    foretell: Foretell
    values: Values
    usual: Values
    player_of: Ints
    probability: Floats
    base: float

    def steps(self, order: Ints) -> Floats:
        """(rows, players): what each player adds when they step in `order`."""
        count = len(order)
        place = np.empty(count, np.int64)
        place[order] = np.arange(count)
        reached = np.empty((len(self.values), count + 1))
        reached[:, 0], reached[:, -1] = self.base, self.probability
        size = np.arange(1, count)
        for part in _portions(len(self.values), (count - 1) * self.values.shape[1]):
            inside = place[self.player_of[part]][:, None, :] < size[None, :, None]
            rows = np.where(inside, self.values[part, None, :], self.usual)
            reached[part, 1:-1] = _asked(self.foretell, rows)
        added = np.empty((len(self.values), count))
        added[:, order] = np.diff(reached, axis=1)
        return added


def _averaged(game: _Game, players: int) -> Floats:
    rows = len(game.values)
    pairs = max(1, min(_PAIRS, _EVALUATIONS // max(1, 2 * rows * (players - 1))))
    total = np.zeros((rows, players))
    for order in islice(_orders(players), pairs):
        total += game.steps(order) + game.steps(order[::-1])
    return total / (2 * pairs)


def _orders(players: int) -> Iterator[Ints]:
    """Without end: random orders, each turned round until every player stood at every place."""
    random = np.random.default_rng(0)
    while True:
        order = random.permutation(players)
        for turn in range(players):
            yield np.roll(order, turn)


def _asked(foretell: Foretell, rows: Values) -> Floats:
    """`rows` is (rows, variants, features); what is foretold of each variant."""
    if rows.shape[1] == 0:
        return np.zeros(rows.shape[:2])
    return foretell(rows.reshape(-1, rows.shape[2])).reshape(rows.shape[:2])


def _portions(rows: int, cells: int) -> Iterator[slice]:
    size = max(1, _CELLS_AT_ONCE // max(1, cells))
    for first in range(0, rows, size):
        yield slice(first, first + size)
