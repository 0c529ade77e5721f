"""Every sentence is translated, and what stands in its gaps stays."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog, Message

from console.i18n.catalogue import LANGUAGES, load_translations, preferred, translate_text
from console.i18n.extract import catalogues, extract, read
from console.i18n.formats import Formats
from domain.text import Text

_GAP = re.compile(r"%\(\w+\)s|\{\w*\}")
NOON = datetime(2026, 3, 21, 8, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def sentences() -> Catalog:
    return extract()


@pytest.mark.parametrize("code", [code for code, _ in catalogues()])
def test_every_sentence_is_translated_with_its_gaps(sentences: Catalog, code: str) -> None:
    catalogue = read(code, dict(catalogues())[code])
    missing, torn = [], []
    for sentence in sentences:
        if not sentence.id:
            continue  # the catalogue's head
        known = catalogue.get(_key(sentence))
        if known is None or not all(_strings(known)):
            missing.append(sentence.id)
        elif any(_gaps(text) != _gaps(_key(sentence)) for text in _strings(known)):
            torn.append(sentence.id)
    assert not missing, f"run `python -m console.i18n update` and translate {missing}"
    assert not torn


def test_nothing_is_kept_that_nobody_says(sentences: Catalog) -> None:
    said = {_key(sentence) for sentence in sentences}
    for code, file in catalogues():
        assert {_key(message) for message in read(code, file)} <= said


def test_stored_sentences_are_filled_after_translation() -> None:
    days = Text("{count} days", {"count": 12})
    text = Text("{label}: last serviced {span} ago", {"label": "card reader", "span": days})
    persian = Formats("fa", ZoneInfo("UTC"))
    assert translate_text(load_translations("en"), text) == "card reader: last serviced 12 days ago"
    assert translate_text(load_translations("zh_Hans_CN"), text.to_json()) == (
        "读卡器：上次维护在 12 天前"
    )
    assert translate_text(load_translations("fa"), text, persian.number) == (
        "کارت‌خوان: آخرین سرویس ۱۲ روز پیش"
    )


def test_codes_in_sentences_become_words() -> None:
    text = Text("Down: it does not answer polls ({detail})", {"detail": "timeout"})
    said = translate_text(load_translations("en"), text, str, {"timeout": "no answer in time"})
    assert said == "Down: it does not answer polls (no answer in time)"


@pytest.mark.parametrize(
    ("code", "moment", "span", "number", "share"),
    [
        ("en", "21 Mar 2026, 12:00", "1d 2h", "1,234.5", "99.9%"),
        ("zh_Hans_CN", "2026年3月21日 12:00", "1天 2小时", "1,234.5", "99.9%"),
        ("fa", "۱ فروردین ۱۴۰۵، ۱۲:۰۰", "۱ روز ۲ ساعت", "۱٬۲۳۴٫۵", "۹۹٫۹٪"),
    ],
)
def test_each_reader_reads_in_their_way(
    code: str, moment: str, span: str, number: str, share: str
) -> None:
    formats = Formats(code, ZoneInfo("Asia/Tehran"))
    assert formats.moment(NOON) == moment
    assert formats.span(timedelta(hours=26, minutes=59)) == span
    assert formats.number(1234.5, 1) == number
    assert formats.share(0.9999) == share  # never rounded up to 100


def test_what_is_unknown_is_a_dash_and_nothing_is_a_second() -> None:
    formats = Formats("en", ZoneInfo("UTC"))
    assert {formats.moment(None), formats.number(None), formats.share(None)} == {"–"}
    assert formats.span(0) == "0s"
    assert formats.span(-90) == "−1m 30s"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("zh-CN,en;q=0.5", "zh_Hans_CN"),
        ("fa", "fa"),
        ("de, fa;q=0.3", "fa"),
        ("", "en"),
        ("*", "en"),
    ],
)
def test_the_browsers_language_is_taken_when_it_is_spoken_here(header: str, code: str) -> None:
    assert preferred(header) == code
    assert code in LANGUAGES


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _strings(message: Message) -> list[str]:
    said = message.string
    return [said] if isinstance(said, str) else list(said or [""])


def _gaps(text: str) -> set[str]:
    return set(_GAP.findall(text))


def test_units_and_codes_keep_their_direction_among_persian_words() -> None:
    now, usual = (Text("{value} {unit}", {"value": v, "unit": "°C"}) for v in (40.1, 34.7))
    text = Text(
        "{label} is {value}, and {usual} is usual for this device",
        {"label": "print head temperature", "value": now, "usual": usual},
    )
    said = translate_text(load_translations("fa"), text, isolate=True)
    assert said.count("\u2068°C\u2069") == 2
    assert said.count("\u2068") == 2, "translated words need no isolation"
