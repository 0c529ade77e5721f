"""The PUSH protocol's bodies, read. Pure: no line is dropped, what can't be read comes back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from collectors.adms.fleet import (
    Answers,
    BadPart,
    CommandAnswer,
    Errors,
    Operation,
    Operations,
    Options,
    Punches,
)
from domain.attendance import AttendanceRecord, Punch
from domain.errors import UndecodableMessageError
from domain.report import EventReport, Severity
from domain.vocabulary import DEVICE

DIALECT = "adms"
SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,31}")
"""What a serial number may look like."""

INFO_KEYS = (
    "FWVersion",
    "UserCount",
    "FPCount",
    "TransactionCount",
    "IPAddress",
    "FPVersion",
    "FaceVersion",
    "FacesToEnrol",
    "FaceCount",
    "Functions",
)
"""The order of getrequest's INFO, by the keys that options have for the same."""

NO_STATE = 255
"""The state of a punch that names none."""

_MOMENT = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)[ T](\d\d?):(\d\d):(\d\d)")
_NUMBER = re.compile(r"\d{1,4}")
_RETURN = re.compile(r"-?\d{1,9}")
_ID = re.compile(r"\d{1,18}")
_STAMP = re.compile(r"[A-Za-z0-9._:-]{1,40}")
_ERROR_CODE = re.compile(r"[DS]\d\dE[0-9A-Fa-f]{4}")
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_LONGEST_USER, _LONGEST_DETAILS, _LONGEST_VALUE, _MOST_VALUES = 64, 300, 200, 200
_NOT_KEPT = ("USER ", "FP ", "FACE ", "FVEIN ", "USERPIC ", "BIODATA ", "BIOPHOTO ", "IDCARD ")
_HARDWARE = "D03"

_Entry = TypeVar("_Entry")


def read_punches(body: bytes, stamp: str) -> Punches:
    """`Pin, Time, Status, Verify, ...`, tab between: one record a line.

    `Verify` is how the user was recognised (`Punch.status`), `Status` what it was (`Punch.punch`).
    """
    punches, bad = _each_line(body, _punch)
    seen: Counter[Punch] = Counter()
    records = []
    for punch in punches:
        seen[punch] += 1
        records.append(AttendanceRecord(punch, seen[punch]))
    return Punches(records, read_stamp(stamp), bad)


def read_operations(body: bytes, stamp: str) -> Operations:
    """`OPLOG type, operator, time, object, ...`; lines of users and templates are only counted."""
    lines = body.split(b"\n")
    kept = [line for line in lines if not line.startswith(tuple(map(str.encode, _NOT_KEPT)))]
    found, bad = _each_line(b"\n".join(kept), _operation)
    seen: Counter[Operation] = Counter()
    entries = []
    for entry in found:
        seen[entry] += 1
        entries.append(replace(entry, nth=seen[entry]))
    return Operations(entries, read_stamp(stamp), len(lines) - len(kept), bad)


def read_errors(body: bytes, stamp: str) -> Errors:
    """`ERRORLOG ErrCode=, ErrMsg=, DataOrigin=, CmdId=, Additional=`: one event a line."""
    events, bad = _each_line(body, _error)
    return Errors(events, read_stamp(stamp), bad)


def read_options(body: bytes) -> Options:
    """`key=value`, a comma or a new line between."""
    return Options(_values(re.split(r"[,\n]", body.decode("utf-8", "replace"))))


def read_info(text: str) -> Mapping[str, str]:
    """getrequest's INFO: values in the order of `INFO_KEYS`; more than those are left out."""
    values = text.split(",")[: len(INFO_KEYS)]
    pairs = zip(INFO_KEYS, values, strict=False)
    return _values([f"{key}={value}" for key, value in pairs if value])


def read_answers(body: bytes) -> Answers:
    """`ID=&Return=&CMD=`, one answer a line; an answer of several lines goes on up to the next ID.

    What is said beyond those three (INFO's keys, VERIFY SUM's count) is in its values.
    """
    bad: list[BadPart] = []
    answers: list[CommandAnswer] = []
    for lines in _split_answers(body.decode("utf-8", "replace")):
        values = _values(re.split(r"[&\n]", lines))
        number, result = values.pop("ID", ""), values.pop("Return", "")
        if not _ID.fullmatch(number) or not _RETURN.fullmatch(result):
            reason = f"an answer with ID={number!r} and Return={result!r}: numbers are wanted"
            bad.append(BadPart(lines.encode(), reason))
            continue
        answers.append(CommandAnswer(int(number), int(result), values))
    return Answers(answers, bad)


def read_stamp(text: str) -> str:
    """A table's stamp as the clock gave it; empty when it gave none that can be given back."""
    return text if _STAMP.fullmatch(text) else ""


def record_sum(values: Mapping[str, str]) -> int | None:
    """The count in an answer to VERIFY SUM; firmware calls it by two names. None: it has none."""
    for key in ("AttlogSum", "AttlogCount"):
        if _ID.fullmatch(values.get(key, "")):
            return int(values[key])
    return None


def _each_line(body: bytes, read: Callable[[str], _Entry]) -> tuple[list[_Entry], list[BadPart]]:
    found: list[_Entry] = []
    bad: list[BadPart] = []
    for line in body.split(b"\n"):
        line = line.rstrip(b"\r\0")
        if not line.strip():
            continue
        try:
            found.append(read(line.decode("utf-8")))
        except UndecodableMessageError as error:
            bad.append(BadPart(line, str(error)))
        except UnicodeDecodeError:
            bad.append(BadPart(line, "a line that is not UTF-8"))
    return found, bad


def _punch(line: str) -> Punch:
    fields = line.split("\t")
    if len(fields) < 2:
        raise UndecodableMessageError("a record needs a user and a time, with a tab between")
    return Punch(
        user_ref=_user(fields[0]),
        local_time=_moment(fields[1]),
        status=_code("Verify", fields[3] if len(fields) > 3 else "", 0),
        punch=_code("Status", fields[2] if len(fields) > 2 else "", NO_STATE),
    )


def _user(text: str) -> str:
    user = text.strip()
    if not user or len(user) > _LONGEST_USER or not user.isprintable():
        raise UndecodableMessageError(
            f"Pin: {text[:80]!r}: 1 to {_LONGEST_USER} printable characters are wanted"
        )
    return user


def _moment(text: str) -> datetime:
    """A naive local time: what the clock's own wall shows."""
    found = _MOMENT.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError("another form")
        numbers = [int(part) for part in found.groups()]
        moment = datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001 - naive on purpose
    except ValueError as error:
        raise UndecodableMessageError(
            f"Time: {text[:80]!r}: YYYY-MM-DD HH:MM:SS is wanted"
        ) from error
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise UndecodableMessageError(f"Time: {text[:80]!r}: a year from 2000 to 2099 is wanted")
    return moment


def _code(name: str, text: str, default: int) -> int:
    text = text.strip()
    if not text:
        return default
    if not _NUMBER.fullmatch(text):
        raise UndecodableMessageError(f"{name}: {text[:80]!r}: a number from 0 to 9999 is wanted")
    return int(text)


def _operation(line: str) -> Operation:
    if not line.startswith("OPLOG "):
        raise UndecodableMessageError(f"{line[:20]!r}: a line that begins with OPLOG is wanted")
    fields = line[len("OPLOG ") :].split("\t")
    if len(fields) < 3:
        raise UndecodableMessageError("an operation needs a type, an operator and a time")
    objects = [text.strip() for text in fields[3:]]
    details = "\t".join([fields[1].strip(), *objects])[:_LONGEST_DETAILS]
    if not details.replace("\t", "").isprintable():
        raise UndecodableMessageError("an operation's objects: printable characters are wanted")
    reason = objects[1] if len(objects) > 1 else ""
    return Operation(
        kind=_code("type", fields[0], -1),
        local_time=_moment(fields[2]),
        reason=int(reason) if re.fullmatch(r"\d{1,5}", reason) else None,
        details=details,
    )


def _error(line: str) -> EventReport:
    """Module 03 is the hardware; other modules speak of one face, one message, one transfer."""
    fields = _values(line.removeprefix("ERRORLOG ").split("\t"))
    code = fields.get("ErrCode", "")
    if not _ERROR_CODE.fullmatch(code):
        raise UndecodableMessageError(
            f"ErrCode: {code[:40]!r}: D or S, two digits, E and four digits are wanted"
        )
    if code.startswith(_HARDWARE):
        return EventReport(DEVICE, "hardwareError", Severity.ERROR, DIALECT, code)
    return EventReport(DEVICE, "x.ClockError", Severity.INFO, DIALECT, code)


def _split_answers(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in filter(None, (line.strip("\r\0 ") for line in text.split("\n"))):
        if line.startswith("ID=") and lines:
            yield "\n".join(lines)
            lines = []
        lines.append(line)
    if lines:
        yield "\n".join(lines)


def _values(pairs: list[str]) -> dict[str, str]:
    """Those of `pairs` that are `key=value` and printable, the first of a key; long ones cut."""
    values: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        key, value = key.strip()[:_LONGEST_VALUE], value.strip("\r\0 ")
        if sign and key and (key + value).isprintable() and len(values) < _MOST_VALUES:
            values.setdefault(key, value[:_LONGEST_VALUE])
    return values
