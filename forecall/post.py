"""What leaves the house: wires policy, channels and ticket systems to the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.notify.channels.alertmanager import CHANNEL as MANAGER
from alerts.notify.channels.alertmanager import ManagerChannel, Managers, send_all_again
from alerts.notify.channels.webhook import CHANNEL as WEBHOOK
from alerts.notify.channels.webhook import WebhookChannel, Webhooks
from alerts.notify.message import Messages
from alerts.notify.notifier import Notifier
from alerts.notify.policy import NOBODY, Policy
from alerts.notify.policy_file import read_policy
from alerts.outbox.delivery import Carrier
from alerts.outbox.letters import tidy
from alerts.outbox.relay import AGAIN, Again, Planner, relay
from alerts.outbox.sending import PostOffice, Sender
from desk.sinks.settings import NO_SYSTEMS, TicketSystems, read_systems
from desk.sinks.sinks import CHANNEL as SINK
from desk.sinks.sinks import Sinks
from domain.clock import SystemClock
from domain.errors import NotDeliveredError
from forecall.config import Settings
from forecall.wiring import Installation
from kpi.reports.sending import CHANNEL as REPORT
from kpi.reports.sending import ReportChannel
from storage.watched_file import WatchedFile

_SOURCE = "urn:forecall"


def policy_file(settings: Settings) -> WatchedFile[Policy]:
    """The notification policy that is set, read anew when its file changes."""
    return WatchedFile(settings.notify, read_policy, NOBODY)


def systems_file(settings: Settings) -> WatchedFile[TicketSystems]:
    """The ticket systems that are set, read anew when their file changes."""
    return WatchedFile(settings.ticket_systems, read_systems, NO_SYSTEMS)


def policy_problem(settings: Settings) -> str:
    """What is wrong with the policy's file; empty: nothing, or none is set."""
    return _problem(policy_file(settings))


def systems_problem(settings: Settings) -> str:
    """What is wrong with the file of ticket systems; empty: nothing, or none is set."""
    return _problem(systems_file(settings))


def _problem(file: WatchedFile[Any]) -> str:
    file.current()
    return file.problem


@dataclass(frozen=True, slots=True)
class Post:
    """Plans and sends for one installation."""

    installation: Installation
    policy: Callable[[], Policy]
    notifier: Notifier
    sinks: Sinks
    planners: Sequence[Planner]

    def plan(self) -> None:
        """Turns what was announced into letters, and takes the steps that are due."""
        database, clock = self.installation.database, self.installation.clock
        relay(database, clock, SystemClock(), self.planners)
        self.notifier.climb(database, SystemClock())

    def resend(self) -> None:
        """Keeps every Alertmanager up to date."""
        send_all_again(self._manager(name) for name in self.policy().alertmanagers)

    def tidy(self) -> None:
        """Deletes what was sent long ago."""
        tidy(self.installation.database, self.installation.clock, SystemClock())

    def office(self) -> PostOffice:
        """What sends letters through every channel."""
        return PostOffice(Sender(self.installation.database, self.installation.clock, self.carrier))

    def carrier(self, channel: str) -> Carrier:
        """What takes a channel's letters. Raises NotDeliveredError where there is no such channel."""
        policy = self.policy()
        if channel == AGAIN:
            return Again(self.installation.database)
        if channel.startswith(WEBHOOK):
            return WebhookChannel(policy, channel.removeprefix(WEBHOOK))
        if channel.startswith(MANAGER):
            return self._manager(channel.removeprefix(MANAGER))
        if channel.startswith(SINK):
            return self.sinks.carrier(channel)
        if channel.startswith(REPORT):
            return ReportChannel(self.installation.database, policy, channel.removeprefix(REPORT))
        if channel in policy.channels:
            from alerts.notify.channels.apprise_channel import AppriseChannel  # slow to load

            return AppriseChannel(policy, channel)
        raise NotDeliveredError(f"the policy has no channel {channel!r}", permanent=True)

    def _manager(self, name: str) -> ManagerChannel:
        link = self.notifier.messages.link
        return ManagerChannel(self.installation.database, self.policy(), SystemClock(), link, name)


def messages(settings: Settings) -> Messages:
    """What writes messages to people, with the console's catalogues."""
    from console.i18n.speech import reader

    return Messages(reader, settings.public_url)


def post(installation: Installation) -> Post:
    """The post of an installation, as it is set."""
    settings = installation.settings
    policy, written = policy_file(settings).current, messages(settings)
    notifier = Notifier(policy, written, installation.clock)
    webhooks = Webhooks(policy, settings.public_url or _SOURCE)
    systems = systems_file(settings).current
    database, clock = installation.database, installation.clock
    sinks = Sinks(database, clock, SystemClock(), systems, written)
    planners: list[Planner] = [notifier, webhooks, Managers(policy), sinks]
    return Post(installation, policy, notifier, sinks, planners)
