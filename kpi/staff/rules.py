"""The rules by which the staff's figures are made: one versioned file."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec

from domain.errors import ConfigurationError

_FILE = Path(__file__).with_name("rules.toml")


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See rules.toml, which says what each is."""

    version: str
    repeat_days: int
    few: int
    age_bands_years: tuple[float, ...]
    prevented: Literal["worn", "lot"] = "worn"
    digest: str = ""

    def age_band(self, age_years: float | None) -> int | None:
        """The place of an age among the bands; None where it is not known."""
        if age_years is None:
            return None
        return sum(age_years >= edge for edge in self.age_bands_years)


@cache
def rules() -> Rules:
    """Those of this version of Forecall."""
    return read_rules(rules_text())


def rules_text() -> str:
    """The file of this version of Forecall."""
    return _FILE.read_text(encoding="utf-8")


def read_rules(text: str) -> Rules:
    """Raises ConfigurationError that names the key, the value and what is allowed."""
    try:
        found = msgspec.convert(tomllib.loads(text), Rules)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"staff rules: {error}") from error
    for name, value in (("repeat_days", found.repeat_days), ("few", found.few)):
        if not 1 <= value <= 365:
            raise ConfigurationError(f"staff rules: {name}: {value}; allowed: 1 to 365")
    if any(after <= before for before, after in pairwise((0, *found.age_bands_years))):
        raise ConfigurationError(
            f"staff rules: age_bands_years: {list(found.age_bands_years)}; allowed: rising, above 0"
        )
    return msgspec.structs.replace(found, digest=hashlib.sha256(text.encode()).hexdigest())
