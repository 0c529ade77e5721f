"""One cause, one alert: faults of many devices that share something become one batch."""

from alerts.correlation.correlate import correlate

__all__ = ["correlate"]
