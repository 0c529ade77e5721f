"""The benchmark's two parsers read the same from the same bytes; how fast is not for a test."""

from __future__ import annotations

from benchmarks.clocks import parse


def test_both_parsers_agree() -> None:
    result = parse(2000)
    assert result["same_result"] is True
    assert result["bytes"] == 4 + 2000 * 40
