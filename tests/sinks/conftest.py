"""The ticket systems are tested in the world of the alert tests."""

from tests.alerts.conftest import world

__all__ = ["world"]
