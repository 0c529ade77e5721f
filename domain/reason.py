"""One reason for a prediction or an anomaly, as it is stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.text import Text

_NOTHING = Text("")


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence, and the row behind it. Its JSON is the sentence's, with more keys.

    Attributes:
        share: of all that raises the risk, or the anomaly, above what is usual; 0 to 1.
        value: what was measured, with its unit.
        usual: what is usual instead, likewise.
    """

    text: Text
    share: float
    value: Text = _NOTHING
    usual: Text = _NOTHING

    def to_json(self) -> dict[str, Any]:
        return self.text.to_json() | {
            "share": round(self.share, 3),
            "value": self.value.to_json(),
            "usual": self.usual.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Reason:
        """What `to_json` made; a sentence without the row is read as well."""
        value, usual = (Text.from_json(data.get(name, {"template": ""})) for name in _CELLS)
        return Reason(Text.from_json(data), data.get("share", 0.0), value, usual)


_CELLS = ("value", "usual")
