"""Somebody else's HTTP server, on a real socket: notes what it is asked and answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Header names in small letters."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def json(value: object, status: int = 200) -> Reply:
        headers = {"content-type": "application/json"}
        return Reply(status, json.dumps(value).encode(), headers)


Answering = Callable[[Asked], Reply | None]
"""What a server says to a request; None: it hangs up without an answer."""


@dataclass
class Server:
    """Notes what it was asked; requests are answered one at a time."""

    answer: Answering = lambda _: Reply()
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    lock: Lock = field(default_factory=Lock)

    def take(self, asked: Asked) -> Reply | None:
        with self.lock:
            self.asked.append(asked)
            return self.answer(asked)


@contextmanager
def serving(answer: Answering = lambda _: Reply()) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    server = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            body = self.rfile.read(length)
            reply = server.take(Asked(self.command, parts.path, query, headers, body))
            self.close_connection = True
            if reply is None:
                return
            self.send_response(reply.status)
            for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _take  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{listener.server_port}"
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
