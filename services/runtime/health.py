"""The small HTTP server of every service: /metrics, /livez, /readyz. It shows no data of any ticket."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Check = Callable[[], dict[str, str]]
"""Gives the reasons why not, by name; empty means yes."""


class _Handler(BaseHTTPRequestHandler):
    registry: CollectorRegistry
    checks: dict[str, Check]

    def do_GET(self) -> None:
        """Answer one of the three paths."""
        if self.path.split("?")[0] == "/metrics":
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.registry))
        elif self.path in self.checks:
            reasons = self.checks[self.path]()
            body = json.dumps({"ok": not reasons, "reasons": reasons}).encode()
            self._answer(503 if reasons else 200, "application/json", body)
        else:
            self._answer(404, "text/plain; charset=utf-8", b"try /metrics, /livez or /readyz\n")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Say nothing: scrapes are no news."""


def serve(bind: str, port: int, registry: CollectorRegistry, live: Check, ready: Check) -> ThreadingHTTPServer:
    """Serve in a daemon thread until the process ends; raises OSError if the port is taken."""
    handler = type("Handler", (_Handler,), {"registry": registry, "checks": {"/livez": live, "/readyz": ready}})
    server = ThreadingHTTPServer((bind, port), handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
