"""A demo's fleet, its past and its closed cases, for reports and notebooks."""

from __future__ import annotations

from datetime import UTC, datetime

from forecall.config import Settings
from forecall.demo import build_demo
from storage.database import Database

END = datetime(2026, 11, 22, 20, tzinfo=UTC)


def build_past_fleet(database: Database, *, clocks: int, terminals: int, days: int) -> None:
    """The demo's fleet and its past up to END; `days` of measurements."""
    settings = Settings(demo_clocks=clocks, demo_terminals=terminals, demo_history_days=days)
    build_demo(database, settings, END, lambda _what, _share: None)
