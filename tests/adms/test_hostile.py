"""What else may come over the line: the receiver answers or hangs up, and goes on."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from storage.database import Database
from tests.adms.conftest import Adopt
from tests.adms.helpers import SN, punches, push, rows

NASTY = "1';DROP TABLE device;--<script>alert(1)</script>"
tokens = st.sampled_from(
    [b"GET ", b"POST ", b"/iclock/cdata", b"/iclock/getrequest", b"?SN=" + SN.encode(), b"&table=ATTLOG", b" HTTP/1.1\r\n", b"Host: x\r\n", b"Content-Length: ", b"-1", b"99999999999", b"4", b"\r\n", b"Transfer-Encoding: chunked\r\n", b"zz\r\n", b"0\r\n\r\n", b"\x00", b"\xff\xfe", b"%00", b"A" * 9000]
)  # fmt: skip


def throw(receiver: str, data: bytes) -> bytes:
    """Sends bytes and hangs up; what came back within a short while."""
    where = urlsplit(receiver)
    with socket.create_connection((where.hostname, where.port or 0), 60) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        line.settimeout(60)
        try:
            return line.recv(200)
        except OSError:
            return b""


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(tokens, max_size=12).map(b"".join) | st.binary(max_size=200))
@example(b"GET /iclock/cdata?SN=" + b"A" * 70_000 + b" HTTP/1.1\r\n\r\n")
@example(
    b"POST /iclock/cdata?SN=BOCK210001&table=ATTLOG HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n7\t"
)
def test_no_bytes_stop_it(receiver: str, data: bytes) -> None:
    answer = throw(receiver, data)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 500")


def test_a_body_that_ends_early_is_no_batch(
    receiver: str, http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    head = f"POST /iclock/cdata?SN={SN}&table=ATTLOG HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"
    throw(receiver, head.encode() + b"7\t2026-03-02 08:00:01\t0\t1\n")
    assert http.get(f"/iclock/ping?SN={SN}").text == "OK"
    assert punches(database) == []


def test_texts_are_texts_wherever_they_stand(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    assert push(http, "ATTLOG", f"{NASTY}\t2026-03-02 08:00:01\t0\t1", stamp=NASTY) == "OK: 1"
    push(http, "options", f"~DeviceName={NASTY},{NASTY}={NASTY},UserCount=1e9,FPCount=-1")
    push(http, "OPERLOG", f"OPLOG 3\t{NASTY}\t2026-03-02 08:00:01\t{NASTY}\t{NASTY}")
    push(http, "ERRORLOG", f"ERRORLOG ErrCode=D03E0001\tErrMsg={NASTY}")
    http.get("/iclock/getrequest", params={"SN": SN, "INFO": f"{NASTY},{NASTY},1,2"})
    http.post(f"/iclock/devicecmd?SN={SN}", content=f"ID=1&Return=0&CMD={NASTY}\n")
    assert [punch[0] for punch in punches(database)] == [NASTY]
    (device,) = rows(database, "SELECT model, firmware FROM device")
    assert device["model"] == NASTY
    assert rows(database, "SELECT stamps -> 'ATTLOG' AS stamp FROM push_clock") == [{"stamp": None}]


def test_a_body_of_a_hundred_thousand_bad_lines_is_one_row(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    for letter, table in zip("xyz", ("ATTLOG", "OPERLOG", "ERRORLOG"), strict=True):
        assert push(http, table, *[letter] * 100_000) == "OK: 100000"
    rejected = rows(database, "SELECT reason, length(body) AS size FROM rejected_message")
    assert [row["size"] for row in rejected] == [199_999] * 3
    assert all(row["reason"].endswith("(and 99999 more)") for row in rejected)


def test_another_clocks_command_cant_be_answered_for_it(
    http: httpx.Client, adopt: Adopt, database: Database
) -> None:
    adopt(SN)
    adopt("OTHER01")
    assert http.get(f"/iclock/getrequest?SN={SN}").text == "C:1:CHECK"
    http.post("/iclock/devicecmd?SN=OTHER01", content="ID=1&Return=0&CMD=CHECK\n")
    assert rows(database, "SELECT answered_at FROM push_command") == [{"answered_at": None}]
    http.post(f"/iclock/devicecmd?SN={SN}", content="ID=1&Return=-1005&CMD=CHECK\n")
    (answer,) = rows(database, "SELECT return_code FROM push_command")
    assert answer == {"return_code": -1005}
