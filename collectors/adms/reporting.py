"""What a clock says of itself, in Forecall's words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.report import DeviceFacts

_COUNTS = {
    "UserCount": "x.UserCount",
    "FPCount": "x.FingerCount",
    "TransactionCount": "x.RecordCount",
}
_CAPACITIES = (("~MaxAttLogCount", 10_000), ("MaxAttLogCount", 1))
"""The first is said in ten thousands, the second is meant as it stands."""

_MOST = 10_000_000  # no clock holds more of anything; a larger number is nonsense


def gauges_of(options: Mapping[str, str]) -> dict[str, float]:
    """Metric -> value of what is counted in a clock's options or INFO."""
    return dict(_gauges(options))


def facts_of(options: Mapping[str, str], serial: str) -> DeviceFacts:
    """Model, firmware and serial number; empty where they are not said."""
    model = options.get("~DeviceName") or options.get("DeviceName") or ""
    return DeviceFacts(model, options.get("FWVersion", ""), serial)


def _gauges(options: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for key, metric in _COUNTS.items():
        count = _number(options.get(key, ""))
        if count is not None:
            yield metric, count
    capacity = _capacity(options)
    if capacity:
        yield "x.RecordCapacity", capacity
        count = _number(options.get("TransactionCount", ""))
        if count is not None:
            yield "x.LogFill", 100.0 * count / capacity


def _capacity(options: Mapping[str, str]) -> float | None:
    for key, unit in _CAPACITIES:
        count = _number(options.get(key, ""))
        if count:
            return count * unit
    return None


def _number(text: str) -> float | None:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        return None
    number = float(text)
    return number if number <= _MOST else None
