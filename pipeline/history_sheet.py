"""One file of a history folder as a table of columns; what does not fit is refused with its place."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.errors import BadInputError

SUFFIXES = (".csv", ".parquet")
_FIRST_DATA_ROW = 2  # row 1 of a file is its header
_MOST_BYTES = 16 * 2**30
_TIME = pa.timestamp("us", tz="UTC")
_WORD = pa.dictionary(pa.int32(), pa.string())
_EARLIEST, _LATEST = np.datetime64("1970-01-01", "us"), np.datetime64("2200-01-01", "us")
_NAMES = ("device_id", "metric", "component", "code", "severity", "action")


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A column of names, each kept once: the value of a row is `names[index[row]]`."""

    names: tuple[str, ...]
    index: NDArray[np.int32]

    def texts(self) -> list[str]:
        return [self.names[place] for place in self.index.tolist()]

    def of(self, rows: NDArray[Any] | slice) -> Words:
        """The column of some rows: a mask, indexes or a slice."""
        return Words(self.names, self.index[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One file as a table of columns."""

    file: str
    table: pa.Table

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    def refuse(self, row: int, column: str, value: object, allowed: str) -> BadInputError:
        return BadInputError(
            f"{self.file}, row {row + _FIRST_DATA_ROW}, column {column}: {value!r}; {allowed}"
        )

    def text(self, column: str) -> list[str]:
        """A column as text; empty where the file has nothing, or no such column."""
        if column not in self.columns:
            return [""] * self.table.num_rows
        return [str(value) for value in pc.fill_null(self._cast_text(column), "").to_pylist()]

    def required(self, column: str) -> list[str]:
        values = self.text(column)
        if "" in values:
            raise self.refuse(values.index(""), column, "", "a name is needed")
        return values

    def words(self, column: str, *, needed: bool = False) -> Words:
        """A column of names. Raises BadInputError where one is `needed` and there is none."""
        if column not in self.columns:
            return Words(("",), np.zeros(self.table.num_rows, np.int32))
        names, index = self._encoded(column)
        words = Words(tuple(names), index)
        if needed and "" in names:
            empty = np.flatnonzero(index == names.index(""))
            if len(empty):
                raise self.refuse(int(empty[0]), column, "", "a name is needed")
        return words

    def one_of(self, column: str, allowed: Sequence[str]) -> Words:
        """A column of names out of `allowed`, of which the empty one is not told."""
        words = self.words(column)
        known = np.array([name in allowed for name in words.names], bool)
        bad = np.flatnonzero(~known[words.index])
        if len(bad):
            row = int(bad[0])
            value = words.names[words.index[row]]
            raise self.refuse(row, column, value, f"allowed: {', '.join(filter(None, allowed))}")
        return words

    def times(self) -> NDArray[Any]:
        """The column `time` as datetime64[us], UTC."""
        column = self.table["time"]
        if pa.types.is_timestamp(column.type) and column.type.tz is None and len(column):
            raise self.refuse(0, "time", column[0].as_py(), "give a time zone, such as +00:00")
        allowed = "an RFC 3339 time with its zone"
        cast = self._cast(column, _TIME, "time", allowed)
        if cast.null_count:
            raise self.refuse(pc.index(cast.is_null(), True).as_py(), "time", "", allowed)
        moments: NDArray[Any] = cast.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
        strange = np.flatnonzero((moments < _EARLIEST) | (moments >= _LATEST))
        if len(strange):
            row = int(strange[0])
            raise self.refuse(row, "time", str(moments[row]), f"from {_EARLIEST} to {_LATEST}")
        return moments

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column of numbers; NaN where the file has nothing."""
        values = self.table[column]
        if pa.types.is_boolean(values.type):
            values = values.cast(pa.int8())
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = pc.if_else(pc.equal(values, ""), None, values)
        cast = self._cast(values, pa.float64(), column, "a number")
        numbers: NDArray[np.float64] = cast.to_numpy().astype(np.float64)
        infinite = np.flatnonzero(np.isinf(numbers))
        if len(infinite):
            raise self.refuse(int(infinite[0]), column, numbers[infinite[0]], "a finite number")
        return numbers

    def devices(self, keys: dict[str, int]) -> NDArray[np.int32]:
        """The column `device_id` as indexes into the devices."""
        names, index = self._encoded("device_id")
        places = np.array([keys.get(name, -1) for name in names], np.int32)
        device: NDArray[np.int32] = places[index] if len(index) else np.zeros(0, np.int32)
        unknown = np.flatnonzero(device < 0)
        if len(unknown):
            row = int(unknown[0])
            raise self.refuse(row, "device_id", names[index[row]], "it must stand in devices")
        return device

    def dates(self, column: str) -> list[str]:
        """A column of dates, YYYY-MM-DD; empty where the file has nothing."""
        dates = self.text(column)
        for row, date in enumerate(dates):
            try:
                if date:
                    datetime.fromisoformat(date)
            except ValueError as error:
                raise self.refuse(row, column, date, "a date, YYYY-MM-DD") from error
        return [date[:10] for date in dates]

    def _cast_text(self, column: str) -> pa.ChunkedArray:
        return self._cast(self.table[column], pa.string(), column, "a text")

    def _encoded(self, column: str) -> tuple[list[str], NDArray[np.int32]]:
        values = self.table[column]
        if not pa.types.is_dictionary(values.type):
            values = self._cast_text(column).dictionary_encode()
        values = values.unify_dictionaries()
        indices = [chunk.indices.cast(pa.int32()) for chunk in values.chunks]
        names = values.chunk(0).dictionary.cast(pa.string()).to_pylist() if indices else []
        # A null is an empty name, which comes last.
        index = pc.fill_null(pa.chunked_array(indices, pa.int32()), len(names)).to_numpy()
        return ["" if name is None else name for name in [*names, ""]], index.astype(np.int32)

    def _cast(
        self, values: pa.ChunkedArray, kind: pa.DataType, column: str, allowed: str
    ) -> pa.ChunkedArray:
        try:
            return values.cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            row = _first_that_fails(values, kind)
            raise self.refuse(row, column, values[row].as_py(), allowed) from error


def files(folder: Path) -> list[Path]:
    """The files of `folder` that could be part of a history, by name."""
    if not folder.is_dir():
        raise BadInputError(f"history: {folder} is no folder")
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)


def optional_sheet(folder: Path, name: str, needed: Sequence[str]) -> Sheet | None:
    """The sheet called `name`; None where the folder has no such file."""
    there = any(path.stem == name for path in files(folder))
    return read_sheet(folder, name, needed) if there else None


def read_sheet(folder: Path, name: str, needed: Sequence[str]) -> Sheet:
    """The one file called `name`, which must have the columns `needed`."""
    paths = [path for path in files(folder) if path.stem == name]
    if len(paths) != 1:
        raise BadInputError(
            f"history: {folder} has {len(paths)} files for {name}; one is needed, "
            f"{name}.csv or {name}.parquet"
        )
    path = paths[0]
    if path.stat().st_size > _MOST_BYTES:
        raise BadInputError(f"{path.name}: it has more than {_MOST_BYTES} bytes")
    try:
        table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path, name)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise BadInputError(f"{path.name}: it can't be read: {error}") from error
    _check_columns(path.name, table.column_names, needed)
    return Sheet(path.name, table)


def _check_columns(file: str, columns: Sequence[str], needed: Iterable[str]) -> None:
    for column in needed:
        if column not in columns:
            raise BadInputError(f"{file}: column {column} is missing; needed: {', '.join(needed)}")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise BadInputError(f"{file}: column {twice[0]} stands twice; each stands once")


def _read_parquet(path: Path) -> pa.Table:
    there = set(pq.read_schema(path).names)
    return pq.read_table(path, read_dictionary=[name for name in _NAMES if name in there])


def _read_csv(path: Path, name: str) -> pa.Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    as_text = dict.fromkeys(header, pa.string())
    if name == "devices":
        return _parsed(path, as_text)
    typed = as_text | {column: _WORD for column in header if column in _NAMES}
    typed |= {column: _TIME for column in header if column == "time"}
    if name == "readings":
        numbers = [column for column in header if column not in ("time", *_NAMES)]
        typed |= dict.fromkeys(numbers, pa.float64())
    try:
        return _parsed(path, typed)
    except pa.ArrowInvalid:
        # As text everything can be read, so that the place of what does not fit can be named.
        return _parsed(path, as_text)


def _parsed(path: Path, types: dict[str, pa.DataType]) -> pa.Table:
    return pa_csv.read_csv(
        path,
        parse_options=pa_csv.ParseOptions(newlines_in_values=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=False
        ),
    )


def _first_that_fails(values: pa.ChunkedArray, kind: pa.DataType) -> int:
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            values.slice(low, middle - low).cast(kind)
            low = middle
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            high = middle
    return low
