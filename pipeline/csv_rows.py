"""Tables that people keep: CSV, from a spreadsheet, in their own encoding."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from domain.errors import BadInputError

MAX_BYTES = 10_000_000
ENCODINGS = ("utf-8", "gb18030", "windows-1256", "utf-16")
"""What can be asked for; without it only UTF-8 is read, since a wrong guess spoils names silently."""

_DELIMITERS = ",;\t"


def read_rows(
    file: str, data: bytes, encoding: str | None = None
) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, with their numbers as a spreadsheet counts; `file` is the name.

    The separator may be a comma, a semicolon or a tab. Raises BadInputError that names the file, and
    the row where it can.
    """
    if len(data) > MAX_BYTES:
        raise BadInputError(f"{file}: {len(data)} bytes; allowed: at most {MAX_BYTES}")
    return _rows(file, _decode(file, data, encoding))


def _decode(file: str, data: bytes, encoding: str | None) -> str:
    if encoding is not None and encoding not in ENCODINGS:
        raise BadInputError(f"encoding: {encoding!r}; allowed: {', '.join(ENCODINGS)}")
    if encoding is None and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadInputError(f"{file}: this is UTF-16; say --encoding utf-16, or save it as UTF-8")
    name = {"utf-8": "utf-8-sig", None: "utf-8-sig"}.get(encoding, encoding or "")
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise BadInputError(
            f"{file}, row {row}: this is not {encoding or 'UTF-8'}. Save it as 'CSV UTF-8', or say "
            f"which encoding it has: --encoding {'|'.join(ENCODINGS[1:])}"
        ) from error


def _rows(file: str, text: str) -> Iterator[tuple[int, list[str]]]:
    if "\x00" in text:
        raise BadInputError(f"{file}: it holds zero bytes; a CSV file is text")
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        for number, cells in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), start=1
        ):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise BadInputError(f"{file}: {error}; allowed: CSV with quotes in pairs") from error
