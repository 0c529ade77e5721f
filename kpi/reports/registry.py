"""The kinds of reports there are, by their names."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import BadInputError
from kpi.reports.asked import Kind
from kpi.reports.kinds import life, operations, sla, staff, statistics, supplies

_ALL: tuple[Kind, ...] = (
    operations.KIND,
    statistics.KIND,
    sla.KIND,
    staff.KIND,
    life.KIND,
    supplies.KIND,
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}


def kind_of(name: str) -> Kind:
    """Raises BadInputError that names the kinds there are."""
    if name not in KINDS:
        raise BadInputError(f"kind: {name!r}; allowed: {', '.join(KINDS)}")
    return KINDS[name]
