"""The small HTTP server of every service."""

import json
import urllib.error
import urllib.request

import pytest

from services.runtime import health
from services.runtime.metrics import Metrics


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_paths_answer_and_reasons_are_named() -> None:
    waiting = {"recovery": "tables are being recovered"}
    metrics = Metrics("router", "1")
    server = health.serve("127.0.0.1", 0, metrics.registry, dict, lambda: waiting)
    port = server.server_address[1]
    assert (200, True) == (get(port, "/livez")[0], json.loads(get(port, "/livez")[1])["ok"])
    status, body = get(port, "/readyz")
    assert (503, waiting) == (status, json.loads(body)["reasons"])
    waiting.clear()
    assert 200 == get(port, "/readyz")[0]
    assert "hotline_build_info" in get(port, "/metrics")[1]
    assert 404 == get(port, "/table/tickets")[0], "no table is served"
    server.shutdown()


def test_a_taken_port_is_an_error() -> None:
    server = health.serve("127.0.0.1", 0, Metrics("router", "1").registry, dict, dict)
    with pytest.raises(OSError, match="in use"):
        health.serve("127.0.0.1", server.server_address[1], Metrics("router", "1").registry, dict, dict)
    server.shutdown()
