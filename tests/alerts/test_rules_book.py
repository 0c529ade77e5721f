"""The book of rules: what is shipped covers the field, and a user's file is taken or refused as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.rules import RuleBook, problem_of, read_book, read_rules, shipped
from alerts.rules.book import WORKS_AGAIN, as_json
from alerts.rules.kinds import KINDS
from alerts.rules.measured import (
    AbsenceRule,
    ForecastRule,
    MeasuredRule,
    RateRule,
    ThresholdRule,
)
from alerts.rules.read import from_record
from alerts.rules.remarks import remarks
from alerts.rules.rule import EventRule, StateRule, Subject, SupplyRule
from console.i18n.catalogue import load_translations, translate_text
from domain.codes import Code
from domain.errors import BadInputError
from domain.report import Severity
from domain.vocabulary import COMPONENTS

KIOSK = Subject("kiosk", "K-900", "north")

RULE = """
[[threshold]]
name = "warm"
metric = "x.Warmth"
component = "receiptPrinter"
fault_class = "degraded"
severity = "warning"
message = "{value} of {limit}"
raise_at = 70
clear_at = 60
"""


def test_every_canonical_code_that_is_no_information_has_a_rule() -> None:
    for code in Code:
        rule = shipped().event_rule(code, code.severity, "receiptPrinter", KIOSK)
        if code.severity is Severity.INFO:
            assert rule is None or rule.severity is Severity.INFO, code
        else:
            assert rule is not None, code
            assert rule.severity is code.severity, code


def test_every_information_ends_or_begins_something_or_is_no_fault() -> None:
    ends = WORKS_AGAIN.union(
        *(rule.cleared_by for rule in shipped().of_kind(EventRule)),
        *(rule.cleared_by for rule in shipped().of_kind(StateRule)),
    )
    begins = {code for rule in shipped().of_kind(StateRule) for code in rule.codes}
    no_fault = {"billRejected", "billReturned", "coinRejected", "readFailed", "mediaRetained"}
    informs = {code.value for code in Code if code.severity is Severity.INFO}
    assert informs == (ends | begins | no_fault) & informs


def test_every_component_has_rules_of_its_own_beside_what_any_part_may_say() -> None:
    book = shipped()
    own = {
        rule.component for rule in book.rules if isinstance(rule, MeasuredRule | AbsenceRule)
    } | {part for rule in book.rules for part in getattr(rule, "components", ())}
    assert own == set(COMPONENTS)
    for component in COMPONENTS:
        said = book.event_rule("itsOwnCode", Severity.CRITICAL, component, KIOSK)
        assert said is not None
        assert said.failed
        assert book.prediction_rule(component, 0.5, KIOSK) is not None
        assert book.anomaly_rule(component, KIOSK) is not None


def test_every_kind_of_rule_is_shipped_and_no_word_of_them_is_unknown() -> None:
    assert {type(rule) for rule in shipped().rules} == set(KINDS.values())
    assert list(remarks(shipped())) == []


@pytest.mark.parametrize("code", ["fa", "zh_Hans_CN"])
def test_every_shipped_message_is_in_the_catalogues(code: str) -> None:
    translations = load_translations(code)
    for rule in shipped().rules:
        shown = translate_text(translations, rule.message.text(dict.fromkeys(rule.blanks, "1")))
        assert shown != str(rule.message.text(dict.fromkeys(rule.blanks, "1"))), rule.name


def test_a_record_of_a_book_is_the_book() -> None:
    book = read_book(
        'disable = ["down"]\n'
        + RULE.replace('"{value} of', '{en="{value} of').replace(
            '{limit}"', '{limit}", fa = "{value}"}'
        )
    )
    again = from_record([as_json(rule) for rule in book.rules])
    assert again.digest == book.digest
    assert book.by_name["warm"].message.also["fa"] == "{value}"
    assert shipped().digest != book.digest
    assert read_book("").digest == shipped().digest


def test_a_users_file_adds_changes_and_disables() -> None:
    book = read_book(
        'disable = ["anomaly"]\n[change."threshold:x.LogFill"]\nraise_at = 85\n' + RULE
    )
    limit = book.by_name["threshold:x.LogFill"]
    assert isinstance(limit, ThresholdRule)
    assert (limit.raise_at, limit.clear_at, limit.severity) == (85, 80, Severity.ERROR)
    assert book.rules[0].name == "warm"
    assert "anomaly" not in book.by_name
    assert len(book.rules) == len(shipped().rules)


def test_a_message_in_one_other_language_is_shown_to_all() -> None:
    book = read_book(RULE.replace('"{value} of {limit}"', '{fa = "{value} از {limit}"}'))
    text = book.by_name["warm"].message.text({"value": 1, "limit": 2})
    assert translate_text(load_translations("en"), text) == "1 از 2"
    both = RULE.replace('"{value} of {limit}"', '{en = "{value} of", zh_Hans_CN = "共 {value}"}')
    text = read_book(both).by_name["warm"].message.text({"value": 1})
    assert translate_text(load_translations("zh_Hans_CN"), text) == "共 1"
    assert translate_text(load_translations("fa"), text) == "1 of"


@pytest.mark.parametrize(
    ("selection", "fits"),
    [
        ("", True),
        ('kinds = ["kiosk", "pos"]', True),
        ('kinds = ["pos"]', False),
        ('kinds = ["!kiosk"]', False),
        ('models = ["K-900"]\nsites = ["!south"]', True),
        ('sites = ["south"]', False),
    ],
)
def test_selectors(selection: str, fits: bool) -> None:
    book = read_book(RULE + selection)
    assert book.by_name["warm"].fits(KIOSK) is fits
    assert book.holds("warm", KIOSK) is fits


def test_conditions_of_supplies_and_of_records_are_known() -> None:
    assert shipped().holds("consumable:x.PaperRemaining", KIOSK)
    assert shipped().holds("record:ticket", KIOSK)
    assert not shipped().holds("threshold:x.Gone", KIOSK)
    assert not read_book('disable = ["consumable"]').holds("consumable:x.LogFill", KIOSK)
    assert shipped().of_kind(SupplyRule)


BAD = {
    "not TOML": ("x = [", "is not TOML"),
    "an unknown kind": ("[[threshhold]]\n", "threshhold: unknown key; allowed: disable, change,"),
    "a table for a list": ("[event]\ncode = 1", "allowed: [[event]]"),
    "an unknown key": (RULE + "raise = 1", "rule 'warm': raise: unknown key; allowed: absolute,"),
    "a missing key": (RULE.replace("clear_at = 60", ""), "rule 'warm': clear_at: is missing"),
    "no number": (
        RULE.replace("70", '"70"'),
        "rule 'warm': raise_at: '70'; allowed: a valid number",
    ),
    "no finite number": (RULE.replace("70", "inf"), "raise_at: inf; allowed: a finite number"),
    "a severity": (
        RULE.replace('"warning"', '"bad"'),
        "severity: 'bad'; allowed: 'info', 'warning'",
    ),
    "a class": (RULE.replace('"degraded"', '"old"'), "fault_class: 'old'; allowed: 'breakdown'"),
    "a span": (RULE + 'held_for = "soon"', "held_for: 'soon'; a span such as"),
    "a long span": (RULE + 'held_for = "9999d"', "held_for: '9999d'; a span such as"),
    "no gap": (RULE.replace("60", "70"), "clear_at: 70 is raise_at; allowed: another limit"),
    "blanks": (
        RULE.replace("{limit}", "{hours}"),
        "message: unknown blanks {hours}; allowed: {limit},",
    ),
    "no template": (RULE.replace("{limit}", "{limit"), "rule 'warm':"),
    "a language": (
        RULE.replace('"{value} of {limit}"', '{de = "warm"}'),
        "message: {'de': 'warm'};",
    ),
    "a rule twice": (RULE + RULE, "rule 'warm': stands twice"),
    "a shipped rule's name": (RULE.replace('"warm"', '"down"'), "rule 'down': stands twice"),
    "no such rule": ('disable = ["up"]', "disable: 'up' is no shipped rule"),
    "no such change": ("[change.up]\nseverity = 1", "change: 'up' is no shipped rule"),
    "a bad change": ("[change.down]\nseverity = 1", "rule 'down': severity: 1; allowed: 'info'"),
    "a new name": (
        '[change.down]\nname = "x"',
        "change: 'down': keys other than 'name' are allowed",
    ),
    "half an hour": (
        RULE.replace("threshold", "rate") + 'window = "90m"',
        "window: 1:30:00; allowed: whole hours",
    ),
    "a name with blanks": (RULE.replace('"warm"', '"so warm"'), "rule 'so warm': name: 'so warm'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_what_is_allowed(case: str, tmp_path: Path) -> None:
    text, problem = BAD[case]
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(BadInputError) as refused:
        read_rules(path)
    assert problem in str(refused.value)
    assert str(path) in str(refused.value)
    assert problem_of(path) == str(refused.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(BadInputError) as refused:
        read_book('disable = ["up"]\n' + RULE.replace("70", "true") + RULE.replace("60", '"x"'))
    assert str(refused.value).count("; ") >= 3


def test_what_looks_like_a_slip_is_remarked() -> None:
    text = RULE.replace("x.Warmth", "x.Warmht").replace("receiptPrinter", "printer")
    found = list(remarks(read_book(text + 'kinds = ["!kiosc"]')))
    assert found == [
        "rule 'warm': no kind of device is known as 'kiosc'",
        "rule 'warm': no metric is known as 'x.Warmht'",
        "rule 'warm': no component is known as 'printer'",
    ]


def test_shipped_limits_leave_a_gap_and_their_messages_can_be_filled() -> None:
    book: RuleBook = shipped()
    for rule in book.rules:
        filled = str(rule.message.text(dict.fromkeys(rule.blanks, 1)))
        assert "{" not in filled, rule.name
    for kind in (RateRule, ForecastRule):
        for measured in book.of_kind(kind):
            assert measured.beyond(measured.raise_at + (1 if measured.above else -1))
            assert not measured.back(measured.raise_at)
