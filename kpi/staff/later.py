"""What the appraisal of the staff will ask for and nobody measures yet: said, not left out."""

from __future__ import annotations

from domain.text import N_

LATER: tuple[tuple[str, str], ...] = (
    ("inspections", N_("inspections on time")),
    ("satisfaction", N_("the customers' satisfaction")),
    ("samples", N_("sampled work orders that were true and complete")),
)
"""Name and label of each; a figure of the same name takes its place once it is measured."""
NOT_YET = N_("not measured yet")
