"""From what happens to cases to what people are told: the policy at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.notify import ladder, notices
from alerts.notify.facts import Facts, first_route, read_facts
from alerts.notify.ladder import Notice
from alerts.notify.message import Messages, Tells
from alerts.notify.policy import Occasion, Policy, Route, Step
from alerts.notify.schedule import channel_of, not_before, recipients
from alerts.outbox.announcing import Topic
from alerts.outbox.delivery import Delivery, enqueue
from alerts.outbox.relay import Heard
from domain.clock import Clock
from domain.text import Text
from storage.database import Conn, Database

_AT_ONCE = 500
_ONCE: Mapping[Topic, tuple[Occasion, Tells]] = {
    Topic.TICKET_ASSIGNED: ("assignment", Tells.ASSIGNMENT),
    Topic.SLA_WARNING: ("sla", Tells.SLA_WARNING),
    Topic.SLA_BREACH: ("sla", Tells.SLA_BREACH),
}
"""What is told once, without escalation."""


@dataclass(frozen=True, slots=True)
class Notifier:
    """Tells people by the policy in force. Its planning is a `alerts.outbox.relay.Planner`."""

    policy: Callable[[], Policy]
    messages: Messages
    clock: Clock

    def plan(self, conn: Conn, heard: Sequence[Heard]) -> list[Delivery]:
        """Brings the notices up to what was announced; what is told once goes out at once."""
        policy = self.policy()
        if not policy.routes:
            return []
        facts = read_facts(conn, {each.announcement.subject for each in heard})
        self._follow(conn, policy, heard, facts)
        return [
            delivery
            for each in heard
            if each.announcement.kind in _ONCE and each.announcement.subject in facts
            for delivery in self._once(policy, each, facts[each.announcement.subject])
        ]

    def climb(self, database: Database, wall: Clock) -> int:
        """Takes every step that is due and tells of ends; returns how many notices moved.

        Raises StoreUnavailableError.
        """
        moved = 0
        while True:
            with database.transaction() as conn:
                due = notices.due_notices(conn, self.clock.now(), _AT_ONCE)
                if due:
                    enqueue(conn, self._climb(conn, due), self.clock.now(), wall.now())
            moved += len(due)
            if len(due) < _AT_ONCE:
                return moved

    def _follow(
        self, conn: Conn, policy: Policy, heard: Sequence[Heard], facts: Mapping[str, Facts]
    ) -> None:
        known = notices.open_notices(conn, {each.subject for each in facts.values()})
        before = dict(known)
        for each in heard:
            case = facts.get(each.announcement.subject)
            if case is not None:
                notice = _followed(policy, known.get(case.subject), each, case)
                if notice is not None:
                    known[case.subject] = notice
        changed = [notice for key, notice in known.items() if notice != before.get(key)]
        notices.write(conn, _without_unsent(conn, changed))

    def _once(self, policy: Policy, heard: Heard, facts: Facts) -> Iterator[Delivery]:
        told = heard.announcement
        occasion, tells = _ONCE[told.kind]
        route = first_route(policy.routes, facts, occasion)
        if route is None:
            return
        clock = told.data.get("clock")
        name = f"{told.subject}/{told.kind}/{clock or heard.id}"
        yield from self._tell(policy, route.steps[0], facts, tells, name, _label(told.data))

    def _climb(self, conn: Conn, due: Sequence[Notice]) -> list[Delivery]:
        policy, now = self.policy(), self.clock.now()
        routes = {route.name: route for route in policy.routes}
        facts = read_facts(conn, {notice.subject for notice in due})
        over = [notice for notice in due if notice.returned_at is not None]
        notices.take_back(conn, [notice.id for notice in over])
        told = notices.told(conn, [notice.id for notice in over])
        deliveries: list[Delivery] = []
        moved: list[Notice] = []
        for notice in due:
            route, case = routes.get(notice.route), facts.get(notice.subject)
            if route is None or case is None:  # not in the policy any more
                moved.append(ladder.ended(notice, now))
            elif notice.returned_at is not None:
                moved.append(ladder.ended(notice, now))
                if route.recovery:
                    deliveries += self._over(policy, notice, case, told.get(notice.id, []))
            elif case.tellable and notice.step < len(route.steps):
                deliveries += self._step(policy, notice, route, case)
                moved.append(ladder.climbed(notice, route.steps, now))
            else:
                moved.append(replace(notice, next_at=None))
        notices.write(conn, moved)
        return deliveries

    def _step(
        self, policy: Policy, notice: Notice, route: Route, facts: Facts
    ) -> Iterator[Delivery]:
        name = f"{notice.subject}/notice/{notice.id}/step/{notice.step}"
        step = route.steps[notice.step]
        for made in self._tell(policy, step, facts, Tells.FAULT, name):
            content = {**made.content, "step": notice.step}
            yield replace(made, notice_id=notice.id, content=content)

    def _over(
        self, policy: Policy, notice: Notice, facts: Facts, told: Sequence[tuple[str, str]]
    ) -> Iterator[Delivery]:
        for channel, key in told:
            person = policy.people.get(key)
            if person is None:
                continue
            yield Delivery(
                key=f"{notice.subject}/notice/{notice.id}/over/{key}/{channel}",
                channel=channel,
                subject=notice.subject,
                person=key,
                content=self.messages.write(Tells.RECOVERY, facts, person, None),
                not_before=not_before(person, facts.severity, self.clock.now()),
            )

    def _tell(
        self,
        policy: Policy,
        step: Step,
        facts: Facts,
        tells: Tells,
        name: str,
        more: Text | None = None,
    ) -> Iterator[Delivery]:
        now = self.clock.now()
        for key in recipients(policy, step, now, facts.engineer):
            person = policy.people[key]
            channel = channel_of(step, person)
            if channel is None:
                continue
            yield Delivery(
                key=f"{name}/{key}",
                channel=channel,
                subject=facts.subject,
                person=key,
                content=self.messages.write(tells, facts, person, more),
                not_before=not_before(person, facts.severity, now),
            )


def _followed(policy: Policy, notice: Notice | None, heard: Heard, facts: Facts) -> Notice | None:
    told = heard.announcement
    if notice is None:
        return _begun(policy, told.kind, facts, told.at)
    route = next((route for route in policy.routes if route.name == notice.route), None)
    return ladder.hear(
        notice,
        told.kind,
        told.at,
        route.steps if route else (),
        held=facts.held,
        settle=timedelta(minutes=policy.settle_min),
    )


def _begun(policy: Policy, topic: Topic, facts: Facts, at: datetime) -> Notice | None:
    """A new notice, when people are to know of the case and nobody is told of its alert already."""
    if topic not in ladder.BEGINS or not facts.tellable or facts.alert_id is not None:
        return None
    route = first_route(policy.routes, facts, facts.occasion)
    return ladder.begin(facts.subject, route.name, route.steps, at) if route else None


def _without_unsent(conn: Conn, changed: Sequence[Notice]) -> list[Notice]:
    """The notices that went quiet, with what was not sent yet taken back: their steps wait again."""
    quiet = [notice.id for notice in changed if notice.id and _is_quiet(notice)]
    first = notices.take_back(conn, quiet)
    return [
        ladder.taken_back(notice, first[notice.id]) if notice.id in first else notice
        for notice in changed
    ]


def _is_quiet(notice: Notice) -> bool:
    return any(
        at is not None for at in (notice.acknowledged_at, notice.muted_at, notice.returned_at)
    )


def _label(data: Mapping[str, object]) -> Text | None:
    label = data.get("label")
    return Text.from_json(label) if isinstance(label, Mapping) else None
