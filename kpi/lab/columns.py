"""What the columns of the fleet's DataFrames are: name, and unit or meaning. The index stands first.

`docs/data-scientist.md` is held to it, and so is what comes back.
"""

from __future__ import annotations

from collections.abc import Mapping

_TIME = "UTC"

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "devices": {
        "device": "key (index)",
        "kind": "clock, pos, kiosk",
        "model": "",
        "firmware": "",
        "serial": "",
        "installed_on": "day",
        "site": "key",
        "customer": "key",
        "region": "city of the site",
        "engineer": "key; in whose care the site is",
        "state": "up, down, unwatched",
        "since": _TIME,
    },
    "uptime": {
        "key": "of what was asked for (index)",
        "name": "",
        "availability": "0 to 1; NaN: nobody watched",
        "up_h": "hours",
        "down_h": "hours that count",
        "excluded_h": "hours down that do not count",
        "unwatched_h": "hours",
        "off_hours_h": "hours outside the service hours",
        "failures": "count",
        "mtbf_h": "hours; NaN: no failure",
        "mttr_h": "hours; NaN: no failure",
    },
    "downtimes": {
        "device": "key",
        "start": _TIME,
        "end": _TIME,
        "counts_h": "hours",
        "excluded_h": "hours",
        "reasons": "why the rest does not count; empty: all of it counts",
        "cause": "as the state change says",
        "detail": "",
        "component": "",
    },
    "failures": {
        "time": _TIME,
        "device": "key",
        "component": "",
        "source": "who told: event, transition, ticket, history",
    },
    "tickets": {
        "ticket": "number (index)",
        "device": "key; empty: of a site or a batch",
        "site": "key",
        "customer": "key",
        "engineer": "key; empty: nobody",
        "component": "",
        "fault_class": "breakdown, consumable, unreachable, degraded",
        "origin": "what opened it",
        "state": "",
        "severity": "",
        "opened_at": _TIME,
        "failed_at": _TIME,
        "returned_at": _TIME,
        "closed_at": _TIME,
        "finding": "worn, failed, no_fault_found, cannot_tell; empty: not said",
        "caused_by": "device, user, staff, outside; empty: not said",
    },
    "sla": {
        "ticket": "number",
        "clock": "name of the promised time",
        "plan": "name of the service plan",
        "started_at": _TIME,
        "due_at": _TIME,
        "met_at": _TIME,
        "target_h": "working hours",
        "used_h": "working hours",
        "kept": "True or False",
    },
    "review": {
        "key": "of the engineer, region, ...",
        "name": "",
        "measure": "see Staff figures",
        "cases": "count",
        "value": "share 0 to 1, or hours where the measure ends in _h",
        "low": "95 % interval",
        "high": "95 % interval",
        "adjusted": "with cases like everybody's",
        "adjusted_low": "95 % interval",
        "adjusted_high": "95 % interval",
        "few": "True: too few cases to compare",
    },
    "what_if": {
        "key": "of what was asked for (index)",
        "name": "",
        "agreed": "availability as it is counted, 0 to 1",
        "what_if": "availability as it would be, 0 to 1",
        "change": "the difference, in percentage points",
        "down_h": "hours that would count",
    },
}
