"""A clock that pushes: it calls a server over HTTP as ZKTeco's PUSH protocol (ADMS) has it.

It keeps its log, sends a batch again until it is told OK, sets itself by the `Date` header and the
`TimeZone` option, and answers commands. Its memory is an `EmulatedClock`'s.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from domain.clock import wall_seconds
from simulator.zkteco.clock import EmulatedClock, Fault
from simulator.zkteco.wire import decode_time

BATCH = 100
"""Lines a clock sends at once."""

_PUNCH = struct.Struct("<2x24sBIB8x")
_OPERATION = struct.Struct("<HBBI4H")
OPERATION_SIZE = _OPERATION.size
"""Bytes of an entry of the operation log."""

_ANSWER_WITHIN_S = 15.0
_FIRST_DELAY = timedelta(seconds=30)
_LONGEST_NAP_S, _SHORTEST_NAP_S = 5.0, 0.05
_WHOLE_HOURS = 24  # a TimeZone beyond is in minutes
_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Response:
    """What the server said."""

    status: int
    headers: dict[str, str]
    text: str


class NoAnswerError(Exception):
    """The server can't be reached, or it hung up."""


@dataclass(eq=False)
class PushingClock:
    """One clock. Its records are those of `memory`, in layout 40.

    Attributes:
        host, port: of the server.
        operations_from: entries of the operation log before this place are never sent.
        options: what the server told it; empty: it was not greeted yet.
        sent: lines of each table that the server said OK to.
        errors: lines that wait to be sent to the error log.
        answered: commands it has carried out, with what it returned.
    """

    memory: EmulatedClock
    host: str
    port: int
    operations_from: int = 0
    options: dict[str, str] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    answered: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._due = self.memory.clock.now()

    async def run(self, stop: asyncio.Event) -> None:
        """Calls the server as often as it was told to, until `stop` is set."""
        while not stop.is_set():
            await self.turn_if_due()
            nap = wall_seconds(self.memory.clock, self._due - self.memory.clock.now())
            nap = min(max(nap, _SHORTEST_NAP_S), _LONGEST_NAP_S)
            try:
                await asyncio.wait_for(stop.wait(), nap)
            except TimeoutError:
                continue

    async def turn_if_due(self) -> None:
        """One turn when it is time for it; a failed one is tried again after ErrorDelay."""
        if self.memory.clock.now() < self._due:
            return
        pause = "Delay"
        try:
            if self.memory.fault is Fault.NONE:
                await self.turn()
        except NoAnswerError:
            pause = "ErrorDelay"
        told = self.options.get(pause, "")
        wait = timedelta(seconds=int(told)) if told.isdigit() else _FIRST_DELAY
        self._due = self.memory.clock.now() + wait

    async def turn(self) -> None:
        """Greets if it must, sends what is new, asks for commands and carries them out.

        Raises NoAnswerError when the server does not answer, or does not say OK.
        """
        if not self.options:
            await self.greet()
        for table in ("ATTLOG", "OPERLOG", "ERRORLOG"):
            await self.send_new(table)
        question = await self.call("GET", f"getrequest?{self._name()}&INFO={quote(self._info())}")
        for line in _told(question).splitlines():
            if line.startswith("C:"):
                await self._carry_out(line)

    async def greet(self) -> None:
        """Asks for its options and follows them."""
        answer = await self.call(
            "GET", f"cdata?{self._name()}&options=all&pushver=2.4.1&language=69&DeviceType=att"
        )
        lines = _told(answer).splitlines()
        if not lines[0].startswith("GET OPTION FROM:"):
            raise NoAnswerError(f"it is told {lines[0]!r}")
        self.options = dict(line.split("=", 1) for line in lines[1:] if "=" in line)
        for table in ("ATTLOG", "OPERLOG", "ERRORLOG"):
            stamp = self.options.get(f"{table}Stamp", "0")
            self.sent[table] = min(int(stamp) if stamp.isdigit() else 0, len(self._lines(table)))
        self._set_time(answer)
        await self.post("options", [",".join(f"{k}={v}" for k, v in self.about().items())])

    async def send_new(self, table: str) -> None:
        """Sends the lines of a table that the server did not say OK to yet, in batches."""
        if self.sent.get(table, 0) > len(self._lines(table)):
            self.sent[table] = 0  # somebody emptied the log
        while lines := self._lines(table)[self.sent.get(table, 0) :][:BATCH]:
            await self.post(table, lines, self.sent.get(table, 0) + len(lines))
            self.sent[table] = self.sent.get(table, 0) + len(lines)

    async def post(self, table: str, lines: Sequence[str], stamp: int = 0) -> None:
        """Sends lines. Raises NoAnswerError unless the server says OK."""
        path = f"cdata?{self._name()}&table={table}&Stamp={stamp}"
        _told(await self.call("POST", path, "\n".join(lines) + "\n"))

    async def call(self, method: str, path: str, body: str = "") -> Response:
        """One request. Raises NoAnswerError when no whole answer comes."""
        data = body.encode()
        head = (
            f"{method} /iclock/{path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"User-Agent: iClock Proxy/1.09\r\nConnection: close\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return _response(await _exchange(self.host, self.port, head.encode() + data))
        except (OSError, TimeoutError, ValueError) as error:
            raise NoAnswerError(f"{self.host}:{self.port}: {error!r}") from error

    # -- what it says ------------------------------------------------------------------------

    def punch_lines(self) -> list[str]:
        """Its attendance log as the protocol writes it."""
        lines = []
        for user, verify, code, state in _PUNCH.iter_unpack(bytes(self.memory.attendance_log)):
            try:
                moment = decode_time(code).strftime(_TIME)
            except ValueError:
                moment = "2000-00-00 00:00:00"
            user_ref = user.split(b"\0", 1)[0].decode("utf-8", "replace")
            lines.append(f"{user_ref}\t{moment}\t{state}\t{verify}\t0\t0\t0")
        return lines

    def about(self) -> dict[str, str]:
        """What it says of itself, by the protocol's keys."""
        make, users = self.memory.make, self.memory.users
        capacity = make.record_capacity
        whole = capacity % 10_000 == 0
        return {
            "~DeviceName": make.device_name,
            "~SerialNumber": self.memory.serial,
            "~Platform": make.platform,
            "FWVersion": make.firmware,
            "UserCount": str(len(users)),
            "FPCount": str(sum(user.fingers for user in users)),
            "TransactionCount": str(self.memory.record_count),
            "~MaxAttLogCount" if whole else "MaxAttLogCount": str(
                capacity // 10_000 if whole else capacity
            ),
        }

    def _lines(self, table: str) -> list[str]:
        match table:
            case "ATTLOG":
                return self.punch_lines()
            case "OPERLOG":
                return self._operation_lines()[self.operations_from :]
        return self.errors

    def _operation_lines(self) -> list[str]:
        entries = _OPERATION.iter_unpack(bytes(self.memory.operation_log))
        return [
            f"OPLOG {kind}\t{operator}\t{decode_time(code).strftime(_TIME)}\t"
            + "\t".join(map(str, values))
            for operator, kind, _, code, *values in entries
        ]

    def _info(self) -> str:
        say = self.about()
        order = ("FWVersion", "UserCount", "FPCount", "TransactionCount")
        return ",".join([*(say[key] for key in order), "127.0.0.1", "10", "7", "15", "0", "101"])

    def _name(self) -> str:
        return f"SN={self.memory.serial}"

    # -- what it is told ---------------------------------------------------------------------

    def _set_time(self, answer: Response) -> None:
        """As the firmware does: the display shows `Date` in the zone it was told."""
        told = self.options.get("TimeZone")
        if told is not None:
            number = int(told)
            unit = "hours" if abs(number) <= _WHOLE_HOURS else "minutes"
            self.memory.time_zone = timezone(timedelta(**{unit: number}))
        if "date" in answer.headers:
            self.memory.drift = parsedate_to_datetime(answer.headers["date"]) - (
                self.memory.clock.now().replace(microsecond=0)
            )

    async def _carry_out(self, line: str) -> None:
        _, number, command = line.split(":", 2)
        result, more = 0, ""
        if command.startswith("DATA QUERY ATTLOG "):
            found = self._between(command)
            for first in range(0, len(found), BATCH):
                await self.post("ATTLOG", found[first : first + BATCH], self.sent.get("ATTLOG", 0))
        elif command.startswith("VERIFY SUM ATTLOG "):
            window = command.removeprefix("VERIFY SUM ATTLOG ").replace("\t", "&")
            more = f"&{window}&AttlogCount={len(self._between(command))}"
        elif command == "INFO":
            more = "\n" + "\n".join(f"{key}={value}" for key, value in self.about().items())
        elif command == "CHECK":
            self.options = {}  # greets anew at its next turn
        elif command != "LOG":
            result = -1002  # the device does not know it
        self.answered.append((command, result))
        name = " ".join(command.split()[:2]) if " " in command else command
        text = f"ID={number}&Return={result}&CMD={name}{more}\n"
        _told(await self.call("POST", f"devicecmd?{self._name()}", text))

    def _between(self, command: str) -> list[str]:
        first, last = (part.split("=", 1)[1] for part in command.split("ATTLOG ", 1)[1].split("\t"))
        return [line for line in self.punch_lines() if first <= line.split("\t")[1] <= last]


async def _exchange(host: str, port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        await writer.drain()
        return await reader.read()
    finally:
        writer.transport.abort()  # a server that reads no more would hold what is not sent yet for ever


def _response(raw: bytes) -> Response:
    """Raises ValueError for what is no whole answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = int(first.split(" ")[1]) if first.startswith("HTTP/1.") else 0
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    if not status or len(body) != int(headers.get("content-length", "-1")):
        raise ValueError(f"no whole answer: {raw[:60]!r}")
    return Response(status, headers, body.decode("utf-8", "replace"))


def _told(answer: Response) -> str:
    """The text of an answer. Raises NoAnswerError unless it is an OK."""
    if answer.status != 200:
        raise NoAnswerError(f"it is told {answer.status} {answer.text[:60]!r}")
    return answer.text
