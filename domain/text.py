"""Sentences that are stored now and read later, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def N_(template: str) -> str:  # noqa: N802 - gettext's own name for "mark, don't translate yet"
    """Marks `template` for the translation catalogue and returns it unchanged."""
    return template


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence as a template and its values: stored as JSON, translated when shown.

    `template` is an English sentence with `{names}`, marked with `N_` where it is written, and is
    the key in the translation catalogue. `values` holds str, int or float only.
    """

    template: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format_map(self.values)

    def to_json(self) -> dict[str, Any]:
        return {"template": self.template, "values": dict(self.values)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Text:
        return Text(data["template"], dict(data.get("values", {})))
