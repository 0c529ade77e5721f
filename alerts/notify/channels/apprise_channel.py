"""Chat and mail through Apprise: each service is a URL. https://github.com/caronc/apprise"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from urllib.parse import quote

import apprise
from apprise.attachment.memory import AttachMemory

from alerts.notify.policy import Policy
from alerts.notify.secret import reveal, scrubbed
from alerts.outbox.delivery import Letter
from domain.errors import NotDeliveredError

ADDRESS = "{address}"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message. `media`: its type, such as application/pdf."""

    name: str
    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """Carries letters whose content has a title and a body to the people of a policy."""

    policy: Policy
    name: str

    def send(self, letter: Letter, attached: Sequence[Attachment] = ()) -> None:
        """Sends it, with files where the service takes any."""
        person = self.policy.people.get(letter.person)
        channel = self.policy.channels.get(self.name)
        if person is None or channel is None or self.name not in person.addresses:
            raise NotDeliveredError(
                f"the policy has no address of {letter.person!r} in {self.name!r} any more",
                permanent=True,
            )
        url, address = reveal(channel.url), reveal(person.addresses[self.name])
        title, body = letter.content["title"], letter.content["body"]
        notify(_filled(url, address), title, body, url, address, attached=attached)


def notify(
    url: str, title: str, body: str, *secrets: str, attached: Sequence[Attachment] = ()
) -> None:
    """Sends one message. Raises NotDeliveredError, without what stands in `secrets`."""
    service = apprise.Apprise()
    capture = apprise.LogCapture(level=logging.WARNING)  # type: ignore[no-untyped-call]
    with capture as said:
        assert isinstance(said, StringIO)
        known = service.add(url)
        taken = known and service.notify(
            body,
            title=title,
            body_format=apprise.NotifyFormat.TEXT,
            interpret_escapes=False,
            attach=[_in_memory(each) for each in attached] or None,
        )
        reason = " ".join(said.getvalue().split())
    if not known:
        raise NotDeliveredError("its address is no Apprise URL", permanent=True)
    if not taken:
        raise NotDeliveredError(scrubbed(reason, url, *secrets) or "the service did not take it")


def _in_memory(file: Attachment) -> AttachMemory:
    return AttachMemory(file.content, file.name, file.media)  # type: ignore[no-untyped-call]


def _filled(url: str, address: str) -> str:
    return address if url == ADDRESS else url.replace(ADDRESS, quote(address, safe="@+"))
