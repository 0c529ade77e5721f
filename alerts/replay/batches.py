"""Which faults of the past would have been one batch: the board's judgement, held in memory.

Told apart, grown, widened and ended as `alerts.correlation` does. How often a group had such faults
before is known from the replay's own begin on, and of a group all devices count, up or not.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.correlation.correlate import EASED_FOR, REST, WIDER
from alerts.correlation.evidence import DOWN, headline, signature
from alerts.correlation.likelihood import LEAST, Share, verdict
from alerts.correlation.store import GROWS_FOR
from alerts.correlation.suspects import PAST, SPAN, YOUNG, chance
from alerts.engine import HOLD
from alerts.replay.ledger import Condition, PastAlert
from alerts.rules import ALERT_KEPT, CASE_SEVERITY
from alerts.sign import Origin
from domain.report import Severity
from domain.text import Text

Group = tuple[str, str]
"""Kind and key of something that devices share."""

_FLEET = ("fleet", "")


@dataclass(frozen=True, slots=True)
class Groups:
    """What devices share: the groups of each, their names, and how many devices each has."""

    of_device: Mapping[int, Sequence[Group]]
    names: Mapping[Group, str]
    sizes: Mapping[Group, int]


@dataclass(slots=True, eq=False)
class Onset:
    """A fault that came as others may have it too; `ticket`: it would have opened one by itself."""

    alert: PastAlert
    condition: Condition
    signature: str
    batch: PastBatch | None = None
    ticket: bool = False

    @property
    def device_id(self) -> int:
        return self.alert.fault.device_id

    @property
    def since(self) -> datetime:
        return self.condition.since

    def holds_at(self, moment: datetime) -> bool:
        return self.condition.until is None or self.condition.until > moment


@dataclass(slots=True, eq=False)
class PastBatch:
    """Faults of one cause. `ended_at` None: it lasted at the replay's end."""

    group: Group
    name: str
    signature: str
    recognised_at: datetime
    members: list[Onset] = field(default_factory=list)
    ended_at: datetime | None = None

    @property
    def severity(self) -> Severity:
        return max((one.alert.severity for one in self.members), key=lambda one: one.rank)

    @property
    def opens_ticket(self) -> bool:
        return self.severity.rank >= CASE_SEVERITY.rank

    @property
    def cause(self) -> Text:
        devices = len({one.device_id for one in self.members})
        down = {one.device_id for one in self.members if one.condition.origin is Origin.TRANSITION}
        return headline(self.group[0], self.name, self.signature, devices, len(down))

    def join(self, onset: Onset) -> None:
        """Makes a fault a member: it has no ticket of its own."""
        onset.batch = self
        self.members.append(onset)
        at = onset.alert.ticket_at
        if at is not None and at >= onset.since:
            onset.ticket, onset.alert.ticket_at = True, None

    def takes(self, onset: Onset, groups: Sequence[Group]) -> bool:
        """Whether the fault is one of what the batch is about, while it still grows."""
        if self.signature != onset.signature or self.group not in groups:
            return False
        first, last = self.members[0].since, self.members[-1].since
        return first - SPAN < onset.since <= max(last, self.recognised_at) + GROWS_FOR

    def end(self) -> datetime | None:
        """When the cause is gone, as far as these members tell."""
        ends = sorted(one.condition.until for one in self.members if one.condition.until)
        left = len(self.members)
        for at, following in zip(ends, [*ends[1:], None], strict=True):
            left -= 1
            few = left < LEAST or left <= len(self.members) * REST
            if not left:
                return at
            if few and (following is None or following > at + EASED_FOR):
                return at + EASED_FOR
        return None


def batched(alerts: Iterable[PastAlert], groups: Groups, since: datetime) -> list[PastBatch]:
    """The batches that the alerts of a replay from `since` on would have been part of.

    Changes the alerts' tickets to those that would have been opened beside the batches'; what was gone
    before it was told has none.
    """
    sweep = _Sweep(groups, since)
    for onset in sorted(_onsets(alerts), key=lambda one: one.since):
        sweep.hear(onset)
    sweep.end(datetime.max.replace(tzinfo=since.tzinfo))
    return sweep.batches


def _onsets(alerts: Iterable[PastAlert]) -> Iterable[Onset]:
    for alert in alerts:
        for held in alert.conditions:
            if held.origin not in (Origin.TRANSITION, Origin.EVENT):
                continue
            if held.until is not None and held.until < held.since + HOLD:
                if alert.ticket_at == held.since:
                    alert.ticket_at = None
                continue
            down = held.origin is Origin.TRANSITION
            yield Onset(alert, held, DOWN if down else signature(held.rule, alert.fault.component))


class _Sweep:
    """The board as time passes over it."""

    def __init__(self, groups: Groups, since: datetime) -> None:
        self.batches: list[PastBatch] = []
        self._groups = groups
        self._since = since
        self._open: dict[int, tuple[PastBatch, datetime | None]] = {}
        self._recent: defaultdict[str, deque[Onset]] = defaultdict(deque)
        self._times: defaultdict[Group, list[datetime]] = defaultdict(list)

    def hear(self, onset: Onset) -> None:
        self.end(onset.since)
        mine = self._groups.of_device.get(onset.device_id, ())
        recent = self._recent[onset.signature]
        while recent and recent[0].since <= onset.since - SPAN:
            recent.popleft()
        recent.append(onset)
        for batch, _ in list(self._open.values()):
            if batch.takes(onset, mine):
                self._join(batch, [onset])
                return
        for group in mine:
            insort(self._times[group], onset.since)
        self._recognise(onset)

    def end(self, now: datetime) -> None:
        """Ends the batches whose cause is gone by `now`; who is left has a ticket of its own."""
        for batch, ends_at in list(self._open.values()):
            if ends_at is None or ends_at > now:
                continue
            batch.ended_at = ends_at
            del self._open[id(batch)]
            for one in batch.members:
                if one.batch is batch and one.ticket and one.holds_at(ends_at):
                    one.alert.ticket_at = ends_at

    def _recognise(self, newest: Onset) -> None:
        suspects = [one for one in self._recent[newest.signature] if one.holds_at(newest.since)]
        devices = {one.device_id for one in suspects}
        if len(devices) < LEAST:
            return
        shares = self._shares(devices, newest.since)
        found = verdict(shares, len(devices), max(len(devices), self._groups.sizes[_FLEET]))
        if found is None:
            return
        group = (found.share.kind, found.share.key)
        its = [one for one in suspects if group in self._groups.of_device.get(one.device_id, ())]
        held = [one for one in its if one.batch is not None]
        fresh = [one for one in its if one.batch is None]
        if fresh and len(its) >= WIDER * len(held):
            self._stand(group, newest, fresh, held)

    def _shares(self, devices: Iterable[int], newest: datetime) -> list[Share]:
        counts = Counter(
            group for device in devices for group in self._groups.of_device.get(device, ())
        )
        span_s = (newest - max(newest - PAST, min(self._since, newest - YOUNG))).total_seconds()
        usual = self._past(_FLEET, newest) / (self._groups.sizes[_FLEET] * span_s)
        return [
            Share(
                kind=group[0],
                key=group[1],
                name=self._groups.names[group],
                faults=faults,
                devices=max(faults, self._groups.sizes[group]),
                chance=chance(
                    max(usual, self._past(group, newest) / (self._groups.sizes[group] * span_s))
                ),
            )
            for group, faults in counts.items()
            if faults >= LEAST
        ]

    def _past(self, group: Group, newest: datetime) -> int:
        times = self._times[group]
        return bisect_right(times, newest - SPAN) - bisect_right(times, newest - PAST)

    def _stand(
        self, group: Group, newest: Onset, fresh: Sequence[Onset], held: Sequence[Onset]
    ) -> None:
        batch = self._last(group, newest) or PastBatch(
            group, self._groups.names[group], newest.signature, newest.since
        )
        if batch not in self.batches:
            self.batches.append(batch)
        batch.ended_at = None
        for one in fresh:
            for mine in self._groups.of_device.get(one.device_id, ()):
                times = self._times[mine]
                del times[bisect_left(times, one.since)]
        narrower = {id(one.batch): one.batch for one in held if one.batch not in (None, batch)}
        for other in narrower.values():
            assert other is not None
            self._open.pop(id(other), None)
            self.batches.remove(other)
            fresh = [*fresh, *other.members]
        self._join(batch, fresh)

    def _last(self, group: Group, newest: Onset) -> PastBatch | None:
        """The batch of the same cause, whose alert is not closed yet: it goes on."""
        for batch in reversed(self.batches):
            if (batch.group, batch.signature) == (group, newest.signature):
                over = batch.ended_at
                return batch if over is None or over + ALERT_KEPT > newest.since else None
        return None

    def _join(self, batch: PastBatch, onsets: Iterable[Onset]) -> None:
        for one in onsets:
            batch.join(one)
        self._open[id(batch)] = batch, batch.end()
