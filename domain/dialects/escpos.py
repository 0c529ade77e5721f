"""ESC/POS real-time status: the bits of the byte that a printer answers to `DLE EOT n`.

A raw code is one bit (`n2 b5`), the whole byte (`n2=0x32`), or a byte without a bit (`n2 clear`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from domain.codes import Code
from domain.dialects.row import DRAWER, PRINTER, Row

ROWS: tuple[Row, ...] = (
    Row("n1 clear", "", Code.IDLE, PRINTER),
    Row("n1 b2", "drawerPin3High", Code.DRAWER_OPEN, DRAWER),
    Row("n1 b3", "offline", Code.BUSY, PRINTER),
    Row("n1 b5", "waitingForRecovery", Code.BUSY, PRINTER),
    Row("n1 b6", "feedButtonPressed", Code.BUSY, PRINTER),
    Row("n2 clear", "", Code.COVER_CLOSED, PRINTER),
    Row("n2 b2", "coverOpen", Code.COVER_OPEN, PRINTER),
    Row("n2 b3", "fedByButton", Code.BUSY, PRINTER),
    Row("n2 b5", "stoppedByPaperEnd", Code.PAPER_OUT, PRINTER),
    Row("n2 b6", "errorOccurred", Code.PART_ERROR, PRINTER),
    Row("n3 clear", "", Code.OK, PRINTER),
    Row("n3 b2", "recoverableError", Code.PART_ERROR, PRINTER),
    Row("n3 b3", "autocutterError", Code.CUTTER_FAILURE, PRINTER),
    Row("n3 b5", "unrecoverableError", Code.FAILURE, PRINTER),
    Row("n3 b6", "autoRecoverableError", Code.HEAD_HOT, PRINTER),
    Row("n4 clear", "", Code.PAPER_OK, PRINTER),
    Row("n4 b2", "paperNearEnd", Code.PAPER_LOW, PRINTER),
    Row("n4 b3", "paperNearEnd2", Code.PAPER_LOW, PRINTER),
    Row("n4 b5", "paperEnd", Code.PAPER_OUT, PRINTER),
    Row("n4 b6", "paperEnd2", Code.PAPER_OUT, PRINTER),
)

_BYTE = re.compile(r"n([1-4])=(?:0x([0-9a-f]{1,2})|([0-9]{1,3}))")
_FIXED, _FIXED_VALUE = 0b1001_0011, 0b0001_0010  # bits 0, 1, 4 and 7 are always 0, 1, 1, 0


def worst_first(words: Sequence[str]) -> Iterator[str]:
    """The rows of the bits that are set in a byte such as `n2=0x32`, the worst first.

    Nothing for what is no status byte: its fixed bits tell.
    """
    match = _BYTE.fullmatch(words[0]) if len(words) == 1 else None
    if match is None:
        return
    value = int(match[2], 16) if match[2] else int(match[3])
    if value > 0xFF or value & _FIXED != _FIXED_VALUE:
        return
    here = [row for row in ROWS if row.raw.startswith(f"n{match[1]} b")]
    rows = [row for row in here if value >> int(row.raw[-1]) & 1]
    rows.sort(key=lambda row: row.code.severity.rank, reverse=True)
    yield from (row.raw for row in rows)
    if not rows:
        yield f"n{match[1]} clear"
