"""Named SQL: one file a room, in blocks headed `-- name: word`."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import LiteralString

_HEAD = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def load(room: str) -> dict[str, LiteralString]:
    """The named statements of `queries/<room>.sql`.

    Raises FileNotFoundError when there is no such file, ValueError when a name stands twice in it.
    """
    text = resources.files(__package__).joinpath(f"{room}.sql").read_text(encoding="utf-8")
    parts = _HEAD.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"queries/{room}.sql names a statement twice")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}
