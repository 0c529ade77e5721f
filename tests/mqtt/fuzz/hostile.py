"""Input of people who mean harm, and of devices that mean none."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from simulator.sparkplug import DOUBLE, INT64, STRING, UINT64, Metric, encode

TEXTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'; DROP TABLE device; --",
    "\x00",
    "a\nb",
    "\u202e",
    "../../etc/passwd",
    "{{7*7}}",
    "%s%n",
    "x" * 70_000,
    "é" * 300,
    "",
)
LEVELS = (
    "+",
    "#",
    "",
    " ",
    "a b",
    "é",
    "..",
    "$SYS",
    "\u0000",
    "x" * 200,
    "~",
    ",",
    "%2F",
    "till-1",
)
NUMBERS = (-1, 0, 2**53, 2**63, 2**64, 10**400, -(10**400), 1e308, -1e-308, 1.5)

hostile_texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=50))
levels = st.one_of(
    st.sampled_from(LEVELS), st.text(alphabet=st.characters(exclude_characters="/"), max_size=20)
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.floats(), hostile_texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(hostile_texts, inner, max_size=4)
    ),
    max_leaves=15,
)


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


RAW = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff\xfe",
    b'{"schema": NaN}',
    b'{"schema": Infinity}',
    b'{"schema": 1e999}',
    b'{"a": "\\ud800"}',
    deep(2_000),
    b"[" * 100_000,
    b"\x08" * 1_000,
    b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x0b\x0c",
    b"x" * 10_000_000,
)

json_bodies = st.one_of(
    st.sampled_from(RAW),
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
)


def sparkplug_metrics() -> st.SearchStrategy[list[Metric]]:
    names = st.one_of(
        hostile_texts,
        st.sampled_from(("bdSeq", "State", "Events/billAcceptor", "Properties/Heartbeat Interval")),
    )
    number = st.one_of(st.floats(width=64), st.integers(-(2**63), 2**63 - 1).map(float))
    metric = st.one_of(
        st.builds(
            Metric,
            names,
            st.just(DOUBLE),
            number,
            st.none() | st.integers(0, 5),
            st.none() | st.integers(0, 2**64 - 1),
            st.booleans(),
        ),
        st.builds(
            Metric,
            names,
            st.sampled_from((INT64, UINT64, 3, 13, 16, 99)),
            st.integers(0, 2**64 - 1),
        ),
        st.builds(Metric, names, st.sampled_from((STRING, DOUBLE, 11)), hostile_texts),
        st.builds(Metric, names, st.just(DOUBLE), st.none()),
    )
    return st.lists(metric, max_size=5)


sparkplug_bodies = st.one_of(
    st.sampled_from(RAW),
    st.binary(max_size=100),
    st.builds(
        encode,
        sparkplug_metrics(),
        st.integers(0, 2**64 - 1) | st.just(1_772_452_800_000),
        st.none() | st.integers(0, 300),
        by_alias=st.booleans(),
    ),
    st.builds(
        lambda body, cut: body[:cut],
        st.builds(encode, sparkplug_metrics(), st.just(1_772_452_800_000), st.integers(0, 255)),
        st.integers(0, 60),
    ),
)
