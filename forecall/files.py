"""The files that people write, and what is wrong with them: a bad one is not in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alerts.rules import problem_of
from desk.contracts.writing import plans_problem
from forecall.config import Settings
from forecall.post import policy_problem, systems_problem
from forecall.reporting import schedule_problem
from storage.database import Conn


def file_problems(settings: Settings, conn: Conn) -> dict[str, str]:
    """By setting, of each file that is set: why it is not in force; empty: it is."""
    checks: Mapping[str, Callable[[], str]] = {
        "alerts_rules": lambda: problem_of(settings.alerts_rules),
        "service_plans": lambda: plans_problem(conn, settings.service_plans),
        "notify": lambda: policy_problem(settings),
        "ticket_systems": lambda: systems_problem(settings),
        "reports_schedule": lambda: schedule_problem(settings),
    }
    return {name: check() for name, check in checks.items() if getattr(settings, name) is not None}
