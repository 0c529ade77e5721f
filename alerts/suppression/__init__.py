"""What holds tickets and notifications back, never the watching nor the recovery.

A shelf (one fault, for a while), a maintenance window (device, site or customer), out of service (a
device), a parent that is down, a batch. When it ends, what still holds is told and opens its case.
"""

from alerts.suppression.cover import cover, why_held
from alerts.suppression.people import (
    MAX_SHELF,
    MAX_WINDOW,
    Scope,
    Window,
    add_window,
    cancel_window,
    out_of_service,
    return_to_service,
    shelve,
    shelves,
    take_out_of_service,
    unshelve,
    windows,
)

__all__ = [
    "MAX_SHELF",
    "MAX_WINDOW",
    "Scope",
    "Window",
    "add_window",
    "cancel_window",
    "cover",
    "out_of_service",
    "return_to_service",
    "shelve",
    "shelves",
    "take_out_of_service",
    "unshelve",
    "why_held",
    "windows",
]
