"""Sentences that are stored now and read later, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, Union


def N_(template: str) -> str:  # noqa: N802 - gettext's own name for "mark, don't translate yet"
    """Marks `template` for the translation catalogue and returns it unchanged."""
    return template


Value: TypeAlias = Union[str, int, float, "Text"]
"""What a sentence's blanks are filled with."""


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence as a template and its values: stored as JSON, translated when shown.

    `template` is an English sentence with `{names}`, marked with `N_` where it is written, and is
    the key in the translation catalogue. A value may be a sentence of its own: a clause. `also` is
    the template in other languages, by their codes, where a person gave them with it: those stand
    in no catalogue.
    """

    template: str
    values: Mapping[str, Value] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format_map(self.values)

    def to_json(self) -> dict[str, Any]:
        values = {
            name: value.to_json() if isinstance(value, Text) else value
            for name, value in self.values.items()
        }
        told = {"template": self.template, "values": values}
        return told | ({"also": dict(self.also)} if self.also else {})

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Text:
        values = {
            name: Text.from_json(value) if isinstance(value, Mapping) else value
            for name, value in data.get("values", {}).items()
        }
        return Text(data["template"], values, data.get("also", {}))
