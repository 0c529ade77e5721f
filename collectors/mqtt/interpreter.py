"""What messages say, each in the dialect of its topic."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from collectors.mqtt.dialect import Command, Dialect
from collectors.mqtt.packets import MAX_KEPT, Publish
from domain.errors import UndecodableMessageError
from domain.report import DeviceReport, RejectedMessage

_SHOWN = 200  # characters of a topic that a reason repeats


@dataclass(frozen=True, slots=True)
class Said:
    """What some messages say.

    Attributes:
        reports: some messages say nothing, some speak of several devices.
        origins: the message that each report came with.
    """

    reports: Sequence[DeviceReport]
    origins: Sequence[Publish]
    rejected: Sequence[RejectedMessage]


class Interpreter:
    """Holds the dialects, which keep what they learnt, and lets one thread at a time speak to them."""

    def __init__(self, dialects: Sequence[Dialect], collector: str) -> None:
        self._dialects = dialects
        self._collector = collector
        self._lock = threading.Lock()

    @property
    def topics(self) -> tuple[str, ...]:
        """All that the dialects speak on."""
        return tuple(topic for dialect in self._dialects for topic in dialect.topic_filters)

    def read(self, published: Sequence[Publish], received_at: datetime) -> Said:
        """Decodes messages that were received at that moment."""
        reports: list[DeviceReport] = []
        origins: list[Publish] = []
        rejected: list[RejectedMessage] = []
        with self._lock:
            for message in published:
                try:
                    found = self._decode(message, received_at)
                except UndecodableMessageError as error:
                    rejected.append(self.rejection(message, received_at, str(error)))
                else:
                    reports += found
                    origins += [message] * len(found)
        return Said(reports, origins, rejected)

    def commands(self) -> list[Command]:
        """What the dialects want published."""
        with self._lock:
            return [command for dialect in self._dialects for command in dialect.commands()]

    def rejection(self, message: Publish, received_at: datetime, reason: str) -> RejectedMessage:
        topic = message.topic.decode(errors="replace").replace("\0", "\ufffd")
        return RejectedMessage(self._collector, received_at, topic, message.body, reason)

    def _decode(self, message: Publish, received_at: datetime) -> Sequence[DeviceReport]:
        if message.size > MAX_KEPT:
            raise UndecodableMessageError(
                f"body: {message.size} bytes; allowed: at most {MAX_KEPT}"
            )
        try:
            topic = message.topic.decode()
        except UnicodeDecodeError as error:
            raise UndecodableMessageError(f"topic: {error}; allowed: UTF-8") from error
        for dialect in self._dialects:
            if dialect.speaks(topic):
                return dialect.decode(topic, message.body, received_at)
        raise UndecodableMessageError(f"topic: {topic[:_SHOWN]!r}; no dialect speaks there")
