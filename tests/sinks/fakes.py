"""Ticket systems as their public documents describe them, as far as we use them, over real HTTP."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from desk.sinks.port import Stage
from tests.receiving import Asked, Reply, Server


@dataclass
class Kept:
    """A ticket in a fake. `fields` are as its API names them."""

    id: str
    fields: dict[str, Any]
    comments: list[dict[str, Any]] = field(default_factory=list)
    changed: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Fake(ABC):
    """A ticket system with its rules. `trouble` may answer in its place: limits, lost answers."""

    server: Server
    tickets: dict[str, Kept] = field(default_factory=dict)
    trouble: Callable[[Asked], Reply | None] = lambda _: None
    lose_answers_to: str = ""
    numbers: int = 100

    def __post_init__(self) -> None:
        self.server.answer = self._take

    def _take(self, asked: Asked) -> Reply | None:
        troubled = self.trouble(asked)
        if troubled is not None:
            return troubled
        if not self.allowed(asked):
            return Reply.json({"error": "not authorised"}, 401)
        reply = self.answer(asked)
        lost = self.lose_answers_to and f"{asked.method} {asked.path}".endswith(
            self.lose_answers_to
        )
        return None if lost else reply

    def number(self) -> str:
        self.numbers += 1
        return str(self.numbers)

    def touch(self, ticket: Kept) -> None:
        ticket.changed = datetime.now(UTC)

    @property
    def only(self) -> Kept:
        [ticket] = self.tickets.values()
        return ticket

    @property
    def writes(self) -> list[str]:
        return [f"{a.method} {a.path}" for a in self.server.asked if a.method != "GET"]

    @abstractmethod
    def settings(self) -> str:
        """The system's table for our settings."""

    @abstractmethod
    def allowed(self, asked: Asked) -> bool: ...

    @abstractmethod
    def answer(self, asked: Asked) -> Reply: ...

    @abstractmethod
    def title(self, ticket: Kept) -> str: ...

    @abstractmethod
    def comment(self, ticket: Kept, text: str) -> None:
        """Somebody over there writes something."""

    @abstractmethod
    def put(self, ticket: Kept, stage: Stage) -> None:
        """Somebody over there moves the ticket."""

    @abstractmethod
    def stage(self, ticket: Kept) -> Stage: ...

    def words(self, ticket: Kept) -> list[str]:
        return [str(comment[self.text_field]) for comment in ticket.comments]

    text_field = "body"


class FakeZammad(Fake):
    """docs.zammad.org: states and priorities by name; the search runs behind what was just made."""

    text_field = "body"
    indexed: bool = True

    def settings(self) -> str:
        return (
            f'kind = "zammad"\nurl = "{self.server.url}"\ntoken = {{env = "S"}}\ncustomer = "a@b"\n'
        )

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == "Token token=secret"

    def title(self, ticket: Kept) -> str:
        return str(ticket.fields["title"])

    def comment(self, ticket: Kept, text: str) -> None:
        html = {"body": f"<p>{text}</p>", "content_type": "text/html", "from": "Ann"}
        ticket.comments.append({"id": int(self.number()), **html})
        self.touch(ticket)

    def put(self, ticket: Kept, stage: Stage) -> None:
        names = {Stage.WAITING: "pending reminder", Stage.CLOSED: "closed", Stage.AT_WORK: "open"}
        ticket.fields["state"] = names[stage]
        self.touch(ticket)

    def stage(self, ticket: Kept) -> Stage:
        names = {"new": Stage.NEW, "open": Stage.AT_WORK, "closed": Stage.CLOSED}
        return names.get(ticket.fields["state"], Stage.WAITING)

    def answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api/v1")
        if asked.method == "POST" and path == "/tickets":
            return self._make(asked.json())
        if asked.method == "POST" and path == "/ticket_articles":
            return self._article(asked.json())
        if path == "/tickets/search":
            return self._search(asked.query["query"])
        if path == "/tickets":
            return Reply.json([self._shown(ticket) for ticket in self.tickets.values()])
        if path.startswith("/ticket_articles/by_ticket/"):
            return Reply.json(self.tickets[path.rpartition("/")[2]].comments)
        ticket = self.tickets.get(path.rpartition("/")[2])
        if ticket is None:
            return Reply.json({"error": "Couldn't find Ticket"}, 404)
        if asked.method == "PUT":
            return self._change(ticket, asked.json())
        return Reply.json(self._shown(ticket))

    def _make(self, body: dict[str, Any]) -> Reply:
        if not body["customer_id"].startswith("guess:") or body["article"]["type"] != "note":
            return Reply.json({"error": "bad"}, 422)
        ticket = Kept(self.number(), {name: body[name] for name in ("title", "state", "priority")})
        self.tickets[ticket.id] = ticket
        ticket.comments.append({"id": int(self.number()), "from": "F", **body["article"]})
        return Reply.json(self._shown(ticket), 201)

    def _article(self, body: dict[str, Any]) -> Reply:
        ticket = self.tickets[str(body.pop("ticket_id"))]
        ticket.comments.append({"id": int(self.number()), "from": "F", **body})
        return Reply.json({}, 201)

    def _change(self, ticket: Kept, body: dict[str, Any]) -> Reply:
        if body.get("state", "").startswith("pending") and "pending_time" not in body:
            return Reply.json({"error": "Missing required value for field 'pending_time'!"}, 422)
        body.pop("pending_time", None)
        ticket.fields |= body
        return Reply.json(self._shown(ticket))

    def _search(self, query: str) -> Reply:
        phrase = re.search(r'title:"([^"]+)"', query)
        assert phrase is not None
        found = [t for t in self.tickets.values() if phrase[1] in self.title(t) and self.indexed]
        assets = {"Ticket": {ticket.id: self._shown(ticket) for ticket in found}} if found else {}
        return Reply.json({"tickets": [int(t.id) for t in found], "assets": assets})

    def _shown(self, ticket: Kept) -> dict[str, Any]:
        return {"id": int(ticket.id), **ticket.fields}


class FakeGlpi(Fake):
    """apirest.md: sessions, `input`, columns by number; texts come back escaped."""

    text_field = "content"

    def settings(self) -> str:
        secrets = 'user_token = {env = "S"}\napp_token = {env = "S"}\n'
        return f'kind = "glpi"\nurl = "{self.server.url}"\n{secrets}'

    def allowed(self, asked: Asked) -> bool:
        if asked.path.endswith("/initSession"):
            return asked.headers.get("authorization") == "user_token secret"
        return (
            asked.headers.get("session-token") == "83af" and asked.headers["app-token"] == "secret"
        )

    def title(self, ticket: Kept) -> str:
        return str(ticket.fields["name"])

    def comment(self, ticket: Kept, text: str) -> None:
        followup = {"id": int(self.number()), "content": f"&#60;p&#62;{text}&#60;/p&#62;"}
        ticket.comments.append({**followup, "users_id": 7})
        self.touch(ticket)

    def put(self, ticket: Kept, stage: Stage) -> None:
        ticket.fields["status"] = _GLPI[stage]
        self.touch(ticket)

    def stage(self, ticket: Kept) -> Stage:
        return next(stage for stage, status in _GLPI.items() if status == ticket.fields["status"])

    def answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/apirest.php")
        if path == "/initSession":
            return Reply.json({"session_token": "83af"})
        if path == "/killSession":
            return Reply(200)
        if path == "/search/Ticket":
            return self._search(asked.query)
        if asked.method == "POST":
            return self._add(path, asked.json()["input"])
        ticket = self.tickets.get(path.split("/")[2])
        if ticket is None:
            return Reply.json(["ERROR_ITEM_NOT_FOUND", "Item not found"], 404)
        if asked.method == "PUT":
            ticket.fields |= asked.json()["input"]
            return Reply.json([{ticket.id: True, "message": ""}])
        if path.endswith("/ITILFollowup"):
            return Reply.json(ticket.comments)
        return Reply.json({"id": int(ticket.id), "is_deleted": 0, **ticket.fields})

    def _add(self, path: str, given: dict[str, Any]) -> Reply:
        number = self.number()
        if path == "/ITILFollowup":
            ticket = self.tickets[str(given["items_id"])]
            if ticket.fields["status"] == _GLPI[Stage.CLOSED]:
                return Reply.json(["ERROR_GLPI_ADD", ""], 400)
            ticket.comments.append({"id": int(number), "content": given["content"], "users_id": 2})
        else:
            self.tickets[number] = Kept(number, given)
        return Reply.json({"id": int(number), "message": ""}, 201)

    def _search(self, query: dict[str, str]) -> Reply:
        value, field_ = query["criteria[0][value]"], query["criteria[0][field]"]
        found = [
            {"1": self.title(ticket), "2": int(ticket.id)}
            for ticket in self.tickets.values()
            if field_ == "19" or value in self.title(ticket)
        ]
        answer: dict[str, Any] = {"totalcount": len(found), "count": len(found)}
        return Reply.json(answer | ({"data": found} if found else {}), 206 if found else 200)


_GLPI = {Stage.NEW: 1, Stage.AT_WORK: 2, Stage.WAITING: 4, Stage.RESOLVED: 5, Stage.CLOSED: 6}


class FakeJira(Fake):
    """Cloud, version 2: a workflow with transitions; labels; 204 for what was changed."""

    def settings(self) -> str:
        return (
            f'kind = "jira"\nurl = "{self.server.url}"\nuser = "me@example.com"\n'
            'token = {env = "S"}\nproject = "OPS"\nstatuses = {new = "To Do", '
            'at_work = "In Progress", waiting = "Waiting", resolved = "Resolved", closed = "Done"}\n'
        )

    def allowed(self, asked: Asked) -> bool:
        login = asked.headers.get("authorization", "").removeprefix("Basic ")
        return b64decode(login) == b"me@example.com:secret"

    def title(self, ticket: Kept) -> str:
        return str(ticket.fields["summary"])

    def comment(self, ticket: Kept, text: str) -> None:
        author = {"displayName": "Ann"}
        ticket.comments.append({"id": self.number(), "body": text, "author": author})
        self.touch(ticket)

    def put(self, ticket: Kept, stage: Stage) -> None:
        ticket.fields["status"] = _JIRA[stage]
        self.touch(ticket)

    def stage(self, ticket: Kept) -> Stage:
        return next(stage for stage, name in _JIRA.items() if name == ticket.fields["status"])

    def answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/rest/api/2")
        if path == "/issue":
            return self._make(asked.json()["fields"])
        if path == "/search/jql":
            return self._search(asked.query["jql"])
        parts = path.split("/")
        ticket = self.tickets.get(parts[2])
        if ticket is None:
            return Reply.json({"errorMessages": ["Issue does not exist"]}, 404)
        what = parts[3] if len(parts) > 3 else ""
        if asked.method == "GET":
            return self._shown(ticket, what)
        return self._change(ticket, what, asked.json())

    def _make(self, fields: dict[str, Any]) -> Reply:
        if "\n" in fields["summary"] or fields["project"] != {"key": "OPS"}:
            return Reply.json({"errors": {"summary": "must not contain newlines"}}, 400)
        ticket = Kept(self.number(), {**fields, "status": "To Do"})
        self.tickets[ticket.id] = ticket
        return Reply.json({"id": ticket.id, "key": f"OPS-{ticket.id}"}, 201)

    def _search(self, jql: str) -> Reply:
        label = re.search(r'labels = "([^"]+)"', jql)
        found = [
            {"id": ticket.id, "fields": {"labels": ticket.fields["labels"]}}
            for ticket in self.tickets.values()
            if label is None or label[1] in ticket.fields["labels"]
        ]
        return Reply.json({"issues": found, "isLast": True})

    def _shown(self, ticket: Kept, what: str) -> Reply:
        if what == "comment":
            return Reply.json({"comments": ticket.comments, "total": len(ticket.comments)})
        if what == "transitions":
            names = [name for name in _JIRA.values() if name != ticket.fields["status"]]
            return Reply.json({"transitions": [{"id": n, "to": {"name": n}} for n in names]})
        name = ticket.fields["status"]
        category = {"To Do": "new", "Done": "done"}.get(name, "indeterminate")
        status = {"name": name, "statusCategory": {"key": category}}
        return Reply.json({"id": ticket.id, "fields": {**ticket.fields, "status": status}})

    def _change(self, ticket: Kept, what: str, body: dict[str, Any]) -> Reply:
        if what == "comment":
            ticket.comments.append({"id": self.number(), "author": {"displayName": "F"}, **body})
            return Reply.json({}, 201)
        if what == "transitions":
            ticket.fields["status"] = body["transition"]["id"]
        elif "labels" in body["fields"]:
            return Reply.json({"errors": {"labels": "ours only"}}, 400)
        else:
            ticket.fields |= body["fields"]
        return Reply(204)


_JIRA = {
    Stage.NEW: "To Do",
    Stage.AT_WORK: "In Progress",
    Stage.WAITING: "Waiting",
    Stage.RESOLVED: "Resolved",
    Stage.CLOSED: "Done",
}


class FakeServiceNow(Fake):
    """Table API: `result`, encoded queries, the journal in a table of its own, rules for states."""

    text_field = "value"

    def settings(self) -> str:
        login = 'user = "me"\npassword = {env = "S"}\n'
        return f'kind = "servicenow"\nurl = "{self.server.url}"\n{login}'

    def allowed(self, asked: Asked) -> bool:
        login = asked.headers.get("authorization", "").removeprefix("Basic ")
        return b64decode(login) == b"me:secret"

    def title(self, ticket: Kept) -> str:
        return str(ticket.fields["short_description"])

    def comment(self, ticket: Kept, text: str) -> None:
        ticket.comments.append(
            {"sys_id": f"j{self.number()}", "value": text, "sys_created_by": "ann"}
        )
        self.touch(ticket)

    def put(self, ticket: Kept, stage: Stage) -> None:
        ticket.fields["state"] = _NOW[stage]
        self.touch(ticket)

    def stage(self, ticket: Kept) -> Stage:
        return next(stage for stage, state in _NOW.items() if state == ticket.fields["state"])

    def answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api/now/table")
        if path == "/sys_journal_field":
            element = re.search(r"element_id=(\w+)", asked.query["sysparm_query"])
            assert element is not None
            return Reply.json({"result": self.tickets[element[1]].comments})
        if path == "/incident" and asked.method == "POST":
            return self._make(asked.json())
        if path == "/incident":
            return self._query(asked.query["sysparm_query"])
        ticket = self.tickets.get(path.rpartition("/")[2])
        if ticket is None:
            return Reply.json({"error": {"message": "No Record found"}}, 404)
        if asked.method == "PATCH":
            return self._change(ticket, asked.json())
        return Reply.json({"result": ticket.fields})

    def _make(self, body: dict[str, Any]) -> Reply:
        ticket = Kept(f"s{self.number()}", body)
        self.tickets[ticket.id] = ticket
        return Reply.json({"result": {"sys_id": ticket.id, **body}}, 201)

    def _query(self, query: str) -> Reply:
        name, _, value = query.partition("^")[0].partition("=")
        found = [
            {"sys_id": ticket.id, "correlation_id": ticket.fields["correlation_id"]}
            for ticket in self.tickets.values()
            if name != "correlation_id" or ticket.fields["correlation_id"] == value
        ]
        return Reply.json({"result": found})

    def _change(self, ticket: Kept, body: dict[str, Any]) -> Reply:
        state = body.get("state")
        if (state in ("6", "7") and "close_notes" not in body) or (
            state == "3" and "hold_reason" not in body
        ):
            return Reply.json({"error": {"message": "Data Policy Exception"}}, 403)
        note = body.pop("work_notes", None)
        if note is not None:
            ticket.comments.append({"sys_id": self.number(), "value": note, "sys_created_by": "f"})
        ticket.fields |= body
        return Reply.json({"result": ticket.fields})


_NOW = {
    Stage.NEW: "1",
    Stage.AT_WORK: "2",
    Stage.WAITING: "3",
    Stage.RESOLVED: "6",
    Stage.CLOSED: "7",
}
FAKES: dict[str, type[Fake]] = {
    "zammad": FakeZammad,
    "glpi": FakeGlpi,
    "jira": FakeJira,
    "servicenow": FakeServiceNow,
}
