"""Every row of the dialect tables, held against the published numbers and against the alert rules."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from alerts.rules import shipped
from alerts.rules.book import WORKS_AGAIN
from alerts.rules.rule import EventRule
from domain.codes import CODES, Code
from domain.dialects import DIALECTS, translate
from domain.dialects.row import ANY, Row
from domain.report import MetricKind, Severity
from domain.statistics import STATISTICS
from domain.vocabulary import COMPONENTS, DEVICE, METRICS, metric

PUBLISHED = json.loads(
    (Path(__file__).parents[1] / "cases" / "codes" / "published.json").read_text("utf-8")
)
EVENT_RULES = {rule.code: rule for rule in shipped().of_kind(EventRule) if rule.code != "*"}
ALL = [(dialect, row) for dialect, rows in DIALECTS.items() for row in rows]


def _hint(row: Row) -> str:
    return "cashDrawer" if row.component == ANY else row.component


@pytest.mark.parametrize(("dialect", "row"), ALL, ids=lambda value: getattr(value, "raw", value))
def test_a_row_is_found_by_its_raw_code_and_by_its_symbol(dialect: str, row: Row) -> None:
    for name in {row.raw, row.symbol} - {""}:
        found = translate(dialect, name, _hint(row))
        assert found is not None
        assert (found.code, found.severity) == (row.code, row.code.severity)
        assert found.component == _hint(row)


def test_no_row_speaks_of_a_component_that_nobody_knows() -> None:
    assert {row.component for _, row in ALL} - {ANY} <= set(COMPONENTS)


def test_no_code_of_a_part_stands_twice_with_two_meanings() -> None:
    for dialect, rows in DIALECTS.items():
        keys = [(row.component, row.raw) for row in rows]
        assert len(set(keys)) == len(keys), dialect


@pytest.mark.parametrize("dialect", PUBLISHED["numbers"])
def test_names_and_numbers_are_the_published_ones(dialect: str) -> None:
    published = PUBLISHED["numbers"][dialect]
    for row in DIALECTS[dialect]:
        if row.symbol:
            assert row.raw.rpartition("=")[2] == str(published[row.symbol]), row


@pytest.mark.parametrize("dialect", PUBLISHED["bytes"])
def test_bytes_mean_what_is_published(dialect: str) -> None:
    for raw, code in PUBLISHED["bytes"][dialect].items():
        found = translate(dialect, raw, "billAcceptor")
        assert found is not None, raw
        assert found.code == code, raw


def test_the_words_of_xfs4iot_are_the_published_ones() -> None:
    for row in DIALECTS["xfs4iot"]:
        field, _, value = row.raw.rpartition("=")
        assert value in PUBLISHED["words"][field], row.raw


def test_the_bits_of_escpos_are_the_published_ones() -> None:
    for raw, code in PUBLISHED["escpos_bits"].items():
        found = translate("escpos", raw)
        assert found is not None
        assert found.code == code


def test_a_status_byte_of_escpos_is_its_worst_bit_and_no_other_byte_is_one() -> None:
    for n, value in product(range(1, 5), range(256)):
        found = translate("escpos", f"n{n}={value:#04x}")
        assert (found is not None) == (value & 0b10010011 == 0b00010010)
        if found is not None:
            bits = [row.code.severity for row in DIALECTS["escpos"] if _is_set(row, n, value)]
            assert found.severity == max(bits, key=lambda bit: bit.rank, default=Severity.INFO)


def _is_set(row: Row, n: int, value: int) -> bool:
    return row.raw.startswith(f"n{n} b") and bool(value >> int(row.raw[-1]) & 1)


def test_the_same_byte_means_different_things_in_different_protocols() -> None:
    id003, ccnet = translate("id003", "43"), translate("ccnet", "43")
    assert id003 is not None
    assert ccnet is not None
    assert (id003.code, ccnet.code) == (Code.STACKER_FULL, Code.JAM_ACCEPTOR)


@pytest.mark.parametrize(
    ("dialect", "raw", "component", "code"),
    [
        ("id003", "0x45", "", Code.JAM_ACCEPTOR),
        ("ID003", "49a2", "", Code.STACK_MOTOR),
        ("id003", "49:A2", "", Code.STACK_MOTOR),
        ("id003", "49 99", "", Code.FAILURE),
        ("upos", "21", "", None),  # a printer's and an acceptor's
        ("upos", "21", "billAcceptor", Code.STACKER_FULL),
        ("upos", "21", "receiptPrinter", Code.PAPER_OUT),
        ("upos", "24", "cardReader", None),
        ("upos", "24", "printer-2", Code.PAPER_OUT),
        ("upos", "24", DEVICE, Code.PAPER_OUT),
        ("upos", "2002", "cashDrawer", Code.PART_OFFLINE),
        ("klingon", "21", "billAcceptor", None),
        ("id003", "", "", None),
        ("id003", "\x00", "", None),
        ("escpos", "n5=0x12", "", None),
        ("escpos", "n2=999", "", None),
    ],
)
def test_how_a_raw_code_may_be_written(
    dialect: str, raw: str, component: str, code: Code | None
) -> None:
    found = translate(dialect, raw, component)
    assert (found.code if found else None) == code


def test_every_code_that_asks_for_something_has_a_rule_and_every_rule_a_code() -> None:
    ends = WORKS_AGAIN.union(*(rule.cleared_by for rule in EVENT_RULES.values()))
    for code in Code:
        if code.severity is Severity.CRITICAL:
            assert code.value not in EVENT_RULES, code  # a critical event is a breakdown anyway
        elif code.severity is not Severity.INFO:
            assert EVENT_RULES[code.value].severity is code.severity, code
    # A code that begins with x. is what Forecall itself finds of a device: no part says it.
    said = {code for code in set(EVENT_RULES) | ends if not code.startswith("x.")}
    assert said <= set(CODES)
    assert all(CODES[code].severity is Severity.INFO for code in ends & said)


def test_each_part_can_break_down_and_be_well_again_in_the_protocols_that_have_words_for_it() -> (
    None
):
    for component in ("receiptPrinter", "billAcceptor"):
        said = {row.code for _, row in ALL if row.component in (ANY, component)}
        assert any(code.severity is Severity.CRITICAL for code in said)
        assert said & {CODES[code] for code in WORKS_AGAIN}


def test_the_statistics_are_those_of_unifiedpos_and_counters_but_for_four() -> None:
    published = PUBLISHED["statistics"]
    assert set(STATISTICS) == set(published["all"])
    assert set(STATISTICS.values()) <= set(COMPONENTS)
    for category, component in {
        "common": DEVICE,
        "POSPrinter": "receiptPrinter",
        "CashDrawer": "cashDrawer",
        "Scanner": "barcodeScanner",
        "MSR": "cardReader",
    }.items():
        for name in published[category]:
            assert metric(name).component == component, name
    gauges = {name for name in STATISTICS if metric(name).kind is MetricKind.GAUGE}
    assert gauges == {name for name in STATISTICS if not name.endswith("Count")}


def test_a_metric_with_a_row_of_its_own_agrees_with_the_statistics() -> None:
    for name, known in METRICS.items():
        if name in STATISTICS:
            assert (known.component, known.kind) == (STATISTICS[name], MetricKind.COUNTER)
