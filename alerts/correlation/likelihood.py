"""How unlikely it is that many devices fail at once by chance, and which thing that they share tells
those that fail from those that don't. Pure.

By chance: where devices fail independently of each other, each with probability p within the span, at
least k of n do with a probability of at most exp(-n KL(k/n, p)), KL being the divergence of two coins
(Hoeffding, Probability inequalities for sums of bounded random variables, 1963, theorem 1). As many
groups are looked at, as often one of them could be unlucky: the bound is multiplied by their number.

Which: the group whose own rate of failures, against one rate for all, makes the sight most likely: the
likelihood ratio of Kulldorff's scan statistic for coins (A spatial scan statistic, 1997).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 3
"""Fewer devices are no batch."""

UNLIKELY = -6.0
"""Decimal logarithm of the chance beyond which so many faults at once are no chance."""

_FLEET_SHARE = 0.5
"""A cause that all share, if nothing less is to blame, takes at least so many of them."""

_BY_LUCK = 0.1
"""So many groups, at most, would stand out as much if all devices were alike."""

KINDS = ("power", "router", "switch", "segment", "site", "firmware", "model", "fleet")
"""What devices share. Of two that explain the same faults equally well the earlier one is named."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the devices that have something in common have the fault.

    Attributes:
        devices: those that were up, or have the fault.
        chance: of one device to fail by itself within the span, as its past tells.
    """

    kind: str
    key: str
    name: str
    faults: int
    devices: int
    chance: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One cause, and what speaks for it.

    Attributes:
        share: of what the devices have in common.
        log10_chance: of so many by chance in any of the groups that were looked at; at most.
        contrast: logarithm of the likelihood ratio against all devices being alike.
        rivals: other groups that could have been the cause, and their contrast; the best first.
        same: groups that hold the very same faults and devices: they can't be told apart.
    """

    share: Share
    log10_chance: float
    contrast: float
    rivals: tuple[tuple[Share, float], ...]
    same: tuple[Share, ...]


def log10_chance(faults: int, devices: int, chance: float) -> float:
    """Decimal logarithm of an upper bound of the probability that at least `faults` of `devices`
    fail, each with probability `chance`."""
    share = faults / devices
    if share <= chance:
        return 0.0
    away = share * math.log(share / chance)
    if share < 1:
        away += (1 - share) * math.log((1 - share) / (1 - chance))
    return -devices * away / math.log(10)


def contrast(faults: int, devices: int, all_faults: int, all_devices: int) -> float:
    """Logarithm of how much likelier the sight is if the group has a rate of its own; 0: it fails
    no more than the rest."""
    rest_faults, rest = all_faults - faults, all_devices - devices
    if rest <= 0 or faults / devices <= rest_faults / rest:
        return 0.0
    apart = _coins(faults, devices) + _coins(rest_faults, rest)
    return apart - _coins(all_faults, all_devices)


def verdict(shares: Sequence[Share], all_faults: int, all_devices: int) -> Verdict | None:
    """The common cause of faults of one kind; None: chance may have made them."""
    if not shares:
        return None
    looked_at = len(shares)
    found = [
        (share, contrast(share.faults, share.devices, all_faults, all_devices))
        for share in shares
        if _log10(share, looked_at) <= UNLIKELY
    ]
    found.sort(key=lambda one: (-round(one[1], 6), KINDS.index(one[0].kind), one[0].key))
    stands_out = math.log(max(looked_at, 1) / _BY_LUCK)
    apart = [one for one in found if one[1] >= stands_out]
    chosen = apart or [one for one in found if _takes_all(one[0], all_devices)]
    if not chosen:
        return None
    return _verdict(chosen[0], found, looked_at)


def _verdict(
    best: tuple[Share, float], found: Sequence[tuple[Share, float]], looked_at: int
) -> Verdict:
    share = best[0]
    others = [one for one in found if one[0] is not share]
    same = [one for one in others if _alike(one[0], share)]
    rivals = [one for one in others if not _alike(one[0], share) and one[0].kind != "fleet"]
    return Verdict(
        share=share,
        log10_chance=_log10(share, looked_at),
        contrast=best[1],
        rivals=tuple(rivals[:3]),
        same=tuple(one[0] for one in same if one[0].kind != "fleet"),
    )


def _log10(share: Share, looked_at: int) -> float:
    return log10_chance(share.faults, share.devices, share.chance) + math.log10(looked_at)


def _takes_all(share: Share, all_devices: int) -> bool:
    if share.devices < all_devices:
        return False
    return share.kind != "fleet" or share.faults >= _FLEET_SHARE * share.devices


def _alike(one: Share, other: Share) -> bool:
    return (one.faults, one.devices) == (other.faults, other.devices)


def _coins(heads: int, tosses: int) -> float:
    """Logarithm of the greatest likelihood of so many heads."""
    tails = tosses - heads
    likely = heads * math.log(heads / tosses) if heads else 0.0
    return likely + (tails * math.log(tails / tosses) if tails else 0.0)
