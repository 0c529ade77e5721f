"""Sparkplug messages by hand: a node that is not on a broker, and what was read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from simulator.sparkplug import BOOLEAN, DOUBLE, INT64, STRING, UINT64, Metric, encode

BORN = datetime(2026, 3, 2, 12, tzinfo=UTC)
NODE_KEY, TILL_KEY = "g~n", "g~n~till"

TILL = (
    Metric("PaperCutCount", UINT64, 100, alias=1),
    Metric("x.SupplyVoltage", DOUBLE, 12.0, alias=2),
    Metric("State", STRING, "online", alias=3),
    Metric("Events/billAcceptor", STRING, "id003:43", alias=4),
    Metric("Open", BOOLEAN, True, alias=5),
)


@dataclass
class Said:
    """One message as a broker would hand it out."""

    topic: str
    body: bytes


@dataclass
class Paper:
    """A node on paper: its messages in order, with their numbers and times right."""

    group: str = "g"
    name: str = "n"
    bd_seq: int = 0
    seq: int = -1
    at: datetime = field(default=BORN)

    def message(self, kind: str, device: str, metrics: Sequence[Metric]) -> Said:
        self.at += timedelta(seconds=1)
        self.seq = (self.seq + 1) % 256
        body = encode(metrics, self.ms, self.seq, by_alias=kind.endswith("DATA"))
        return Said(self.topic(kind, device), body)

    def birth(self) -> Said:
        self.seq = -1
        return self.message("NBIRTH", "", [Metric("bdSeq", INT64, self.bd_seq)])

    def device_birth(self, device: str = "till", metrics: Sequence[Metric] = TILL) -> Said:
        return self.message("DBIRTH", device, metrics)

    def data(self, *metrics: Metric, device: str = "till") -> Said:
        return self.message("DDATA", device, metrics)

    def cuts(self, value: float, device: str = "till") -> Said:
        return self.data(Metric("PaperCutCount", UINT64, value, alias=1), device=device)

    def death(self) -> Said:
        body = encode([Metric("bdSeq", INT64, self.bd_seq)], self.ms, None)
        return Said(self.topic("NDEATH"), body)

    def topic(self, kind: str, device: str = "") -> str:
        topic = f"spBv1.0/{self.group}/{kind}/{self.name}"
        return f"{topic}/{device}" if device else topic

    @property
    def ms(self) -> int:
        return int(self.at.timestamp() * 1000)
