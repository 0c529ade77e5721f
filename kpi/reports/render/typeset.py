"""Sets one report as PDF, in a process of its own: typst keeps in memory what it has set for as long as
its process lives, some megabytes a report. Reads JSON, writes the file; knows nothing of Forecall.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

import typst

_HERE = Path(__file__).parent


def main() -> int:
    wanted = json.load(sys.stdin.buffer)
    try:
        file = _set(wanted, "ua-1")
    except typst.TypstError:
        # The standard refuses signs that no font of this machine has, such as those of a rare script
        # in a name: the rest is worth more than the seal.
        try:
            file = _set(wanted, None)
        except typst.TypstError as error:
            sys.stderr.write(str(error))
            return 1
    sys.stdout.buffer.write(file)
    return 0


def _set(wanted: dict[str, Any], standard: Literal["ua-1"] | None) -> bytes:
    inputs = {name: json.dumps(wanted[name]) for name in ("report", "fonts")}
    file: bytes = typst.compile(
        _HERE / "report.typ",
        font_paths=[_HERE / "fonts"],
        sys_inputs=inputs,
        pdf_standards=standard,
        timestamp=wanted["timestamp"],
    )
    return file


if __name__ == "__main__":
    sys.exit(main())
