"""A platform's end of result feedback: a real HTTP server that checks every signature and notes what it was told."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass
class Told:
    """One request that was confirmed with 204."""

    id: str
    body: bytes
    at: float

    @property
    def said(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def place(self) -> tuple[str, int]:
        """The ticket, and the number of the fact."""
        return self.said["data"]["ticket"], self.said["data"]["sequence"]


@dataclass
class Behaviour:
    """How a platform answers: its keys, and what it does with request number n (a status, or None to hang up)."""

    keys: list[bytes]
    answer: Callable[[int], int | None] = lambda _number: 204
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    forged: int = 0


class Receiver:
    """Platforms by the first part of the path; `url(name)` is where each is told."""

    def __init__(self) -> None:
        self.platforms: dict[str, Behaviour] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                owner._take(self, owner.platforms[self.path.strip("/")], body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}"

    def _take(self, request: BaseHTTPRequestHandler, platform: Behaviour, body: bytes) -> None:
        platform.requests.append(time.time())
        number = len(platform.requests)
        time.sleep(platform.delay)
        headers = dict(request.headers.items())
        try:
            for key in platform.keys:
                Webhook(key).verify(body, headers)
        except WebhookVerificationError:
            platform.forged += 1
            status: int | None = 401
        else:
            status = platform.answer(number)
        if status is None:
            request.close_connection = True
            return
        if status == 204:
            names = {name.lower(): value for name, value in headers.items()}
            platform.told.append(Told(names["webhook-id"], body, time.time()))
        request.send_response(status)
        for name, value in platform.headers.items():
            request.send_header(name, value)
        request.send_header("content-length", "0")
        request.end_headers()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
