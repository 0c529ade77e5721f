"""Tables of devices as people make them: read whole, or refused with every place that is wrong."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInputError
from pipeline.csv_rows import MAX_BYTES
from pipeline.devices.fields import FIELDS, DevicePlan, PollPlan, SitePlan, read_device
from pipeline.devices.sheet import MAX_ROWS, Sheet, read_sheet, template


def sheet(text: str) -> Sheet:
    return read_sheet("f.csv", text.encode())


_WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=12
)
_KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)
_SITES = st.builds(
    SitePlan,
    key=_KEYS,
    name=st.none() | _WORDS,
    customer=st.just("acme"),
    city=st.none() | _WORDS,
    time_zone=st.sampled_from([None, "Asia/Tehran", "Asia/Shanghai"]),
    region_class=st.sampled_from([None, "urban", "other_city"]),
    poll_limit=st.none() | st.integers(1, 1000),
)
_POLLS = st.builds(
    PollPlan,
    host=st.sampled_from(["10.0.0.1", "clock-1.example.org", "fd00::17"]),
    port=st.none() | st.integers(1, 65535),
    comm_key=st.none() | st.integers(0, 999999),
    interval_s=st.none() | st.integers(10, 86400),
    transport=st.sampled_from([None, "tcp", "udp"]),
    live_capture=st.sampled_from([None, True, False]),
)
_CLOCKS = st.builds(
    DevicePlan,
    key=_KEYS,
    kind=st.just("clock"),
    site=st.none() | _SITES,
    model=st.none() | _WORDS,
    installed_on=st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    poll=st.none() | _POLLS,
)


def _cells(plan: DevicePlan) -> dict[str, str]:
    """A plan as somebody would type it."""
    said: dict[str, object] = {
        "device": plan.key,
        "kind": plan.kind,
        "model": plan.model,
        "installed_on": plan.installed_on,
    }
    if plan.site:
        site = plan.site
        said |= {"site": site.key, "site_name": site.name, "customer": site.customer}
        said |= {"city": site.city, "time_zone": site.time_zone, "region_class": site.region_class}
        said["poll_limit"] = site.poll_limit
    if plan.poll:
        said |= {"host": plan.poll.host, "port": plan.poll.port}
        said |= {"comm_key": plan.poll.comm_key, "interval": plan.poll.interval_s}
        said["transport"] = plan.poll.transport
        if plan.poll.live_capture is not None:
            said["live"] = "yes" if plan.poll.live_capture else "no"
    return {name: "" if value is None else str(value) for name, value in said.items()}


@given(
    plans=st.lists(_CLOCKS, min_size=1, max_size=6, unique_by=lambda plan: plan.key),
    delimiter=st.sampled_from(",;\t"),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from([None, "utf-8", "utf-8-sig", "utf-16", "gb18030"]),
)
def test_what_was_typed_is_read_again(
    plans: list[DevicePlan], delimiter: str, newline: str, encoding: str | None
) -> None:
    plans = [  # a site is said once; its other devices only name it
        plan
        for place, plan in enumerate(plans)
        if plan.site is None or plan.site.key not in [p.site.key for p in plans[:place] if p.site]
    ]
    text = io.StringIO()
    writer = csv.DictWriter(
        text, list(FIELDS), delimiter=delimiter, lineterminator=newline, restval=""
    )
    writer.writeheader()
    writer.writerows(_cells(plan) for plan in plans)
    data = text.getvalue().encode(encoding or "utf-8")
    asked = None if encoding in (None, "utf-8-sig") else encoding
    read = read_sheet("f.csv", data, asked)
    assert [line.device for line in read.lines] == plans
    assert [line.number for line in read.lines] == list(range(2, len(plans) + 2))


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"device\n{text}".encode()))
def test_no_file_whatever_it_holds_breaks_the_reader(data: bytes) -> None:
    with suppress(BadInputError):
        read_sheet("f.csv", data)


WRONG = {
    ("device,kind\nk 1,pos", "row 2, column device: 'k 1'"): "without spaces",
    ("device,kind\na,pos\nb,tablet", "row 3, column kind: 'tablet'"): "clock, pos, kiosk",
    ("device,host,port\na,10.0.0.1,70000", "row 2, column port: '70000'"): "1 to 65535",
    ("device,host,comm_key\na,h,12a", "row 2, column comm_key: '12a'"): "a whole number",
    ("device,host,interval\na,h,5", "row 2, column interval: '5'"): "10 to 86400",
    ("device,host\na,http://h/", "row 2, column host: 'http://h/'"): "an address or host name",
    ("device,kind,host\na,pos,h", "row 2, column host: 'h'"): "only for the kind clock",
    ("device,host,transport\na,h,serial", "column transport: 'serial'"): "tcp, udp",
    ("device,host,live\na,h,maybe", "column live: 'maybe'"): "yes, no",
    ("device,port\na,4370", "row 2, column port: '4370'"): "only with a host",
    ("device,city\na,Tehran", "row 2, column city: 'Tehran'"): "only with a site",
    ("device,site,time_zone\na,s,Tehran", "column time_zone: 'Tehran'"): "Asia/Tehran",
    ("device,site,region_class\na,s,rural", "column region_class: 'rural'"): "other_city",
    ("device,installed_on\na,1404-01-01", "column installed_on: '1404-01-01'"): "2026-03-21",
    ("device,installed_on\na,2026-02-30", "column installed_on: '2026-02-30'"): "a date",
    ("device,model\na,b\nc,d\na,e", "row 4, column device: 'a'"): "it stands in row 2 too",
    ("device,site,city\na,s,X\nb,s,Y", "row 3, column city: 'Y'"): "'X', as above for site s",
    ("device,kind\n,pos", "row 2, column device: ''"): "1 to 128",
    ("device,kind\na,pos,more", "row 2, column 3: 'more'"): "2 columns",
    ("device,colour\na,red", "row 1: column 'colour'"): "site_name",
    ("device,kind,kind\na,pos,pos", "row 1: column 'kind'"): "twice",
    ("kind\npos", "row 1"): "the column 'device' is missing",
    ('device\n"a', "f.csv"): "quotes in pairs",
    (f"device,model\na,{'x' * 201}", "row 2, column model"): "up to 200 characters",
}


@pytest.mark.parametrize(("text", "place"), WRONG)
def test_what_is_wrong_is_named_with_its_place(text: str, place: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        sheet(text)
    message = str(refusal.value)
    assert message.startswith("f.csv")
    assert place in message
    assert WRONG[text, place] in message


def test_all_rows_are_looked_at_before_anything_is_refused() -> None:
    rows = "".join(f"d{number},tablet\n" for number in range(20))
    with pytest.raises(BadInputError) as refusal:
        sheet(f"device,kind\n{rows}")
    assert "row 2," in str(refusal.value)
    assert "row 13," in str(refusal.value)
    assert "and 8 more" in str(refusal.value)


def test_digits_of_the_keyboard_at_hand_are_numbers() -> None:
    read = sheet("device,host,port,comm_key,interval,installed_on\na,h,۴۳۷۰,٠,３００,۲۰۲۶-۰۳-۲۱")
    plan = read.lines[0].device
    assert plan.poll == PollPlan("h", 4370, 0, 300)
    assert plan.installed_on == date(2026, 3, 21)


def test_a_table_in_another_encoding_is_read_when_it_is_named_and_never_guessed() -> None:
    text = "device,site,site_name\na,s,上海机场\n"
    for encoding, hint in (("gb18030", "--encoding gb18030"), ("utf-16", "--encoding utf-16")):
        data = text.encode(encoding)
        with pytest.raises(BadInputError, match=hint):
            read_sheet("f.csv", data)
        assert read_sheet("f.csv", data, encoding).sites[0][1].name == "上海机场"
    persian = "device,site,site_name\na,s,فرودگاه\n".encode("windows-1256")
    with pytest.raises(BadInputError, match=r"row 2: this is not UTF-8.*windows-1256"):
        read_sheet("f.csv", persian)
    assert read_sheet("f.csv", persian, "windows-1256").sites[0][1].name == "فرودگاه"
    with pytest.raises(BadInputError, match="encoding: 'latin-1'; allowed: utf-8"):
        read_sheet("f.csv", persian, "latin-1")


def test_too_much_is_refused() -> None:
    with pytest.raises(BadInputError, match="at most"):
        read_sheet("f.csv", b"x" * (MAX_BYTES + 1))
    rows = "".join(f"d{number}\n" for number in range(MAX_ROWS + 1))
    with pytest.raises(BadInputError, match="split it"):
        sheet("device\n" + rows)


def test_empty_rows_and_columns_of_a_spreadsheet_are_passed_over() -> None:
    read = sheet("device;kind;;\r\n;;;\r\na;pos;;\r\n;;;\r\n")
    assert [(line.number, line.device) for line in read.lines] == [(3, DevicePlan("a", "pos"))]


def test_the_template_is_a_sheet() -> None:
    with pytest.raises(BadInputError, match="only for the kind clock"):
        read_device({"device": "a", "kind": "pos", "host": "h"})
    assert next(csv.reader(io.StringIO(template()))) == list(FIELDS)
    assert sheet(template()).lines[0].device.poll is not None
