"""How often things fail and how long they are away: the means of EN 13306 and ISO 14224. Pure.

Failures are taken to come at a constant rate over the time watched, as ISO 14224 does where nothing
more is known; its interval is that of a Poisson count (ISO 14224, annex C).
"""

from __future__ import annotations

from dataclasses import dataclass

_HOUR_S = 3600.0
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Reliability:
    """What failures and times make of each other; None where nothing failed or nothing was watched.

    Attributes:
        failures: how many, in `up_s` seconds of operating time.
        mtbf_h: mean operating time between failures, hours (EN 13306; of parts that are replaced and
            not repaired it is the mean operating time to failure, MTTF).
        mttr_h: mean time to restoration, hours: down time over failures (EN 13306).
        rate: failures per 1,000 hours of operating time (ISO 14224's failure rate).
        rate_low, rate_high: its 95 % interval; known also when nothing failed.
    """

    failures: int
    mtbf_h: float | None
    mttr_h: float | None
    rate: float | None
    rate_low: float | None
    rate_high: float | None


def reliability(failures: int, up_s: float, down_s: float) -> Reliability:
    """Of `failures` that began in `up_s` seconds of operating time and cost `down_s` seconds."""
    hours = up_s / _HOUR_S
    low, high = poisson_interval(failures)
    return Reliability(
        failures=failures,
        mtbf_h=hours / failures if failures else None,
        mttr_h=down_s / _HOUR_S / failures if failures else None,
        rate=1000 * failures / hours if hours else None,
        rate_low=1000 * low / hours if hours else None,
        rate_high=1000 * high / hours if hours else None,
    )


def poisson_interval(count: int) -> tuple[float, float]:
    """The means for which a count this low, or this high, is no rarer than 2.5 % each (Garwood)."""
    from scipy.special import gammaincinv  # half a second to load: only for who asks

    # Half a chi-square quantile of 2 n degrees of freedom is a gamma quantile of n.
    tail = (1 - _CONFIDENCE) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    return low, float(gammaincinv(count + 1, 1 - tail))
