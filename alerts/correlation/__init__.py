"""One cause, one alert: faults of many devices that share something become one batch."""

from alerts.correlation.correlate import correlate
from alerts.correlation.declared import declare_down, declare_up
from alerts.correlation.store import growing

__all__ = ["correlate", "declare_down", "declare_up", "growing"]
