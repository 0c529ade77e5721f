"""Numpy records to and from tables by binary COPY, without a Python loop over rows.

A record's field in PostgreSQL's binary format is its length (int32) and its bytes, big-endian. With
types of fixed width and no nulls every row has the same shape, so a whole table is one numpy array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from storage.database import Conn

TIME = "timestamptz"
_TYPES = {
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float4": ">f4",
    "float8": ">f8",
    TIME: ">i8",
}
_SENT_BY = {
    **{kind: f"{kind}send" for kind in ("int2", "int4", "int8", "float4", "float8")},
    TIME: "timestamptz_send",
}
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts microseconds from here
_UNIX_TO_POSTGRES_US = int(_EPOCH.timestamp()) * 1_000_000


def write_arrays(
    conn: Conn, table: str, types: Mapping[str, str], columns: Sequence[NDArray[Any]]
) -> int:
    """Writes equally long `columns` (in the order of `types`: name -> type) and returns the rows.

    A `timestamptz` column holds datetime64; the others hold numbers. Raises ValueError on a length
    that differs.
    """
    rows = len(columns[0]) if columns else 0
    records = np.empty(rows, _layout(types))
    records["fields"] = len(types)
    for (name, kind), values in zip(types.items(), columns, strict=True):
        records[f"{name}#"] = np.dtype(_TYPES[kind]).itemsize
        records[name] = _from_datetime64(values) if kind == TIME else values
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, types))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_HEADER)
        copy.write(records.tobytes())
        copy.write(_TRAILER)
    return rows


def read_arrays(
    conn: Conn,
    query: sql.Composable,
    types: Mapping[str, str],
    parameters: Mapping[str, Any],
    *,
    by: str,
) -> dict[str, NDArray[Any]]:
    """The result of `query`, a column an array; `timestamptz` comes as datetime64[us], UTC.

    The server packs the rows of each value of column `by` into one value of bytes: libpq hands rows
    over singly, and that costs more than all else; an array for each column costs twice as much.
    `types` names the columns wanted, `by` and at least one other; none may hold a null.
    """
    wanted = [name for name in types if name != by]
    row = sql.SQL(" || ").join(
        sql.SQL("{}({})").format(sql.Identifier(_SENT_BY[types[name]]), sql.Identifier(name))
        for name in wanted
    )
    packed = sql.SQL("SELECT {}, string_agg({}, ''::bytea) FROM ({}) AS rows GROUP BY 1").format(
        sql.Identifier(by), row, query
    )
    with conn.cursor(binary=True) as cursor:
        result = cursor.execute(packed, parameters).pgresult
        assert result is not None
        keys, groups = (
            [result.get_value(place, column) or b"" for place in range(result.ntuples)]
            for column in range(2)
        )
    layout = np.dtype([(name, _TYPES[types[name]]) for name in wanted])
    rows = np.frombuffer(b"".join(groups), layout)
    counts = [len(group) // layout.itemsize for group in groups]
    key = np.repeat(np.frombuffer(b"".join(keys), _TYPES[types[by]]), counts)
    columns = {by: key} | {name: rows[name] for name in wanted}
    return {name: _native(types[name], columns[name]) for name in types}


def id_array(ids: NDArray[Any]) -> str:
    """Whole numbers as an array in PostgreSQL's own words: psycopg takes 20 ms to write 10,000 of them."""
    return "{" + ",".join(map(str, ids.tolist())) + "}"


def _native(kind: str, values: NDArray[Any]) -> NDArray[Any]:
    native = values.astype(values.dtype.newbyteorder("="))
    return _to_datetime64(native) if kind == TIME else native


def _layout(types: Mapping[str, str]) -> np.dtype[Any]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in types.items():
        fields += [(f"{name}#", ">i4"), (name, _TYPES[kind])]
    return np.dtype(fields)


def _from_datetime64(moments: NDArray[Any]) -> NDArray[np.int64]:
    return moments.astype("datetime64[us]").astype(np.int64) - _UNIX_TO_POSTGRES_US


def _to_datetime64(ticks: NDArray[Any]) -> NDArray[Any]:
    return (ticks.astype(np.int64) + _UNIX_TO_POSTGRES_US).astype("datetime64[us]")
