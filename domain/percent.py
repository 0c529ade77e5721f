"""Ratios as people read them."""

from __future__ import annotations


def percent(ratio: float, digits: int) -> float:
    """A ratio (0 to 1) in percent, rounded to `digits` decimals; what is below 1 never reads as 100."""
    rounded = round(ratio * 100, digits)
    return round(100 - 10.0**-digits, digits) if ratio < 1 and rounded >= 100 else rounded
