"""The files that people write, and what is wrong with them: a bad one is not in force."""

from __future__ import annotations

from alerts.rules import problem_of
from desk.contracts.writing import plans_problem
from forecall.config import Settings
from forecall.post import policy_problem, systems_problem
from forecall.reporting import schedule_problem
from storage.database import Conn


def file_problems(settings: Settings, conn: Conn) -> dict[str, str]:
    """By setting, of each file that is set: why it is not in force; empty: it is."""
    found = {
        "alerts_rules": (settings.alerts_rules, lambda: problem_of(settings.alerts_rules)),
        "service_plans": (
            settings.service_plans,
            lambda: plans_problem(conn, settings.service_plans),
        ),
        "notify": (settings.notify, lambda: policy_problem(settings)),
        "ticket_systems": (settings.ticket_systems, lambda: systems_problem(settings)),
        "reports_schedule": (settings.reports_schedule, lambda: schedule_problem(settings)),
    }
    return {name: problem() for name, (path, problem) in found.items() if path is not None}
