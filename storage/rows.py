"""Many rows as one value of a statement: `json_to_recordset(%(rows)s::json)` makes a table of it.

However many they are, it is one text that C code writes and reads; arrays of texts cost several times
as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder()


def as_ids(ids: Iterable[int]) -> str:
    """Whole numbers as one array: `%(ids)s::bigint[]`."""
    return "{" + ",".join(map(str, ids)) + "}"


def as_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of JSON values and aware moments."""
    return _ENCODER.encode(list(rows)).decode()
