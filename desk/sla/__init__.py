"""The clocks of a case: pure functions over its events, a calendar and a plan."""

from desk.sla.clocks import Hold, SlaClock, SlaState, TermsAt, clocks
from desk.sla.plan import Goal, Plan, Promise, Start, Target, Terms
from domain.fault import Grade, Handling

__all__ = [
    "Goal",
    "Grade",
    "Handling",
    "Hold",
    "Plan",
    "Promise",
    "SlaClock",
    "SlaState",
    "Start",
    "Target",
    "Terms",
    "TermsAt",
    "clocks",
]
