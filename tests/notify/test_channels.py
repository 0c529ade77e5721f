"""What goes over the wire to chats, webhooks and Alertmanagers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from alerts.notify.channels.alertmanager import CHANNEL as MANAGER
from alerts.notify.channels.webhook import CHANNEL as WEBHOOK
from alerts.notify.channels.webhook import check, sign
from alerts.outbox import Topic
from alerts.outbox.letters import channel_loads
from alerts.outbox.relay import relay
from alerts.outbox.sending import Sender
from alerts.outbox.web import LONGEST_ANSWER, request
from domain.errors import NotAllowedError, NotDeliveredError
from forecall.config import Settings
from forecall.post import Post, post
from forecall.wiring import Installation
from tests.notify.house import PEOPLE, ROUTES, House
from tests.receiving import Reply, Server, serving

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def _post(house: House, tmp_path: Any, policy: str) -> Post:
    file = tmp_path / "notify.toml"
    file.write_text(policy)
    settings = Settings(data_dir=tmp_path, notify=file, public_url="https://forecall.example")
    return post(Installation(settings, house.database, house.clock))


def _deliver(house: House, out: Post) -> None:
    relay(house.database, house.clock, house.clock, out.planners)
    out.notifier.climb(house.database, house.clock)
    sender = Sender(house.database, house.clock, out.carrier, wall=house.clock)
    for channel in sender.channels_due():
        sender.send_due(channel)


def test_a_webhook_is_a_signed_cloudevent(
    house: House, server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    hook = f'[webhooks.ops]\nurl = "{server.url}/in"\nsecret = {{env = "HOOK_SECRET"}}\n'
    out = _post(house, tmp_path, hook + 'topics = ["alert."]\n')
    alert = house.alert()
    house.tell(Topic.TICKET_OPENED, 1, kind="ticket")
    _deliver(house, out)
    [asked] = server.asked
    event = asked.json()
    assert asked.headers["content-type"].startswith("application/cloudevents+json")
    assert {name: event[name] for name in ("specversion", "type", "source", "subject", "time")} == {
        "specversion": "1.0",
        "type": "forecall.alert.raised",
        "source": "https://forecall.example",
        "subject": f"alert/{alert}",
        "time": house.clock.now().isoformat(),
    }
    assert (event["data"]["device"], event["data"]["severity"]) == ("kiosk-1", "critical")
    # As the specification says it, by hand:
    signed = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode()
    wanted = hmac.new(b"0123456789abcdef01234567", signed + asked.body, hashlib.sha256).digest()
    assert asked.headers["webhook-signature"] == "v1," + base64.b64encode(wanted).decode()


def test_a_repetition_has_the_same_id(
    house: House, server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    out = _post(
        house,
        tmp_path,
        f'[webhooks.ops]\nurl = "{server.url}"\nsecret = {{env = "HOOK_SECRET"}}\n',
    )
    server.answer = lambda _: None if len(server.asked) == 1 else Reply()  # the answer is lost
    house.alert()
    _deliver(house, out)
    house.clock.advance(timedelta(minutes=1))
    _deliver(house, out)
    first, second = server.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"webhook-timestamp": "999"}, "signed 301 s ago"),
        ({"webhook-id": "other"}, "is not of this body"),
        ({"webhook-signature": "v1,AAAA v2,BBBB"}, "is not of this body"),
        ({"webhook-signature": ""}, "is not of this body"),
        ({"webhook-timestamp": "soon"}, "are wanted"),
    ],
)
def test_a_signature_protects_body_id_and_time(change: dict[str, str], why: str) -> None:
    headers = sign(SECRET, "id", 1000, b"{}")
    check(SECRET, headers, b"{}", now=1300)
    several = headers | {"webhook-signature": "v1,old " + headers["webhook-signature"]}
    check(SECRET, several, b"{}", now=1300)
    with pytest.raises(NotAllowedError, match=why):
        check(SECRET, headers | change, b"{}", now=1300)
    with pytest.raises(NotAllowedError, match="is not of this body"):
        check(SECRET, headers, b"{ }", now=1300)


def test_chat_through_apprise_in_the_readers_language(
    house: House, server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT", server.url.replace("http", "json", 1) + "/room/{address}?:x=y")
    monkeypatch.setenv("MAIL", "mailto://nowhere")
    out = _post(house, tmp_path, PEOPLE + ROUTES)
    house.alert()
    _deliver(house, out)
    [asked] = server.asked
    told = asked.json()
    assert asked.path == "/room/li"
    assert told["title"].startswith("严重：kiosk-1")
    assert "首先要做：" in told["message"]
    assert "2026年3月2日 20:00" in told["message"]


def test_a_service_that_refuses_is_told_without_its_secrets(
    house: House, server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = lambda _: Reply(503, b"token t0psecret is overloaded")
    monkeypatch.setenv("CHAT", server.url.replace("http", "json", 1) + "/t0psecret/{address}")
    monkeypatch.setenv("MAIL", "mailto://nowhere")
    out = _post(house, tmp_path, PEOPLE + ROUTES)
    house.alert()
    _deliver(house, out)
    with house.database.transaction() as conn:
        [load] = channel_loads(conn)
    assert load.channel == "chat"
    assert load.last_error
    assert "t0psecret" not in load.last_error


def _firing(asked: Any) -> dict[str, str]:
    return {one["labels"]["case"]: one["endsAt"] for one in asked.json()}


def test_an_alertmanager_is_told_again_and_again_and_of_the_end(
    house: House, server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "let-me-in")
    out = _post(
        house,
        tmp_path,
        f'[alertmanagers.main]\nurl = "{server.url}/am/"\ntoken = {{env = "TOKEN"}}\nresend_s = 60\n',
    )
    alert = house.alert()
    house.alert(house.world.pos, severity="info")
    muted = house.alert(house.world.clock_device)
    house.mute(muted)
    _deliver(house, out)
    assert {asked.path for asked in server.asked} == {"/am/api/v2/alerts"}
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer let-me-in"}
    [first, other] = server.asked
    [told] = first.json()
    assert told["labels"] == {
        "alertname": "test",
        "case": f"alert/{alert}",
        "device": "kiosk-1",
        "component": "receiptPrinter",
        "fault_class": "breakdown",
        "severity": "critical",
        "site": "s",
        "customer": "c",
    }
    assert told["startsAt"] < told["endsAt"]
    assert other.json()[0]["startsAt"] <= other.json()[0]["endsAt"]
    server.asked.clear()
    out.resend()
    assert [list(_firing(asked)) for asked in server.asked] == [[f"alert/{alert}"]]
    out.resend()
    assert len(server.asked) == 1  # not before its time
    house.recover(alert)
    server.asked.clear()
    _deliver(house, out)
    [last] = server.asked
    [over] = last.json()
    assert over["labels"] == told["labels"]
    assert over["endsAt"] < told["endsAt"]


def test_unknown_channels_are_dead_letters(house: House, tmp_path: Any) -> None:
    out = _post(house, tmp_path, "")
    for channel in ("gone", WEBHOOK + "gone"):
        with pytest.raises(NotDeliveredError, match="gone"):
            out.carrier(channel).send(None)  # type: ignore[arg-type]
    assert out.carrier(MANAGER + "gone") is not None


def test_requests_are_bounded_and_never_led_elsewhere(server: Server) -> None:
    server.answer = lambda _: Reply(302, headers={"location": "http://127.0.0.1:1/"})
    with pytest.raises(NotDeliveredError, match="leads elsewhere"):
        request("GET", server.url)
    server.answer = lambda _: Reply(200, b"x" * (LONGEST_ANSWER + 1))
    with pytest.raises(NotDeliveredError, match="more than"):
        request("GET", server.url)
    server.answer = lambda _: Reply(429, headers={"retry-after": "17"})
    with pytest.raises(NotDeliveredError) as slow:
        request("GET", server.url)
    assert (slow.value.retry_after_s, slow.value.permanent) == (17, False)
    server.answer = lambda _: Reply(503, headers={"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"})
    with pytest.raises(NotDeliveredError) as away:
        request("GET", server.url)
    assert away.value.retry_after_s is not None
    assert away.value.retry_after_s > 1e6
    server.answer = lambda _: Reply(422, b"title is missing")
    with pytest.raises(NotDeliveredError, match="422: title is missing") as wrong:
        request("GET", server.url)
    assert wrong.value.permanent
    server.answer = lambda _: None
    with pytest.raises(NotDeliveredError, match="no answer"):
        request("GET", server.url)
    for url in ("nonsense", "http://", "ftp://127.0.0.1/"):
        with pytest.raises(NotDeliveredError):
            request("GET", url)
