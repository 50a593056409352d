"""Signed submissions are taken before FastAPI's routing, and are answered as everything else is."""

import asyncio
from typing import Any, cast

import httpx
import pytest

from services.intake.gateway import limits
from services.intake.gateway.app import application
from services.intake.gateway.writing import Writer

NOBODY = cast("Any", None)  # behind the routes: what needs it is a defect, which is one of the answers
TICKETS = "/v1/platforms/dq12345/tickets"


def ask(method: str, path: str, body: bytes = b"", **headers: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        app = application(Writer(NOBODY, NOBODY, NOBODY, {}), NOBODY, NOBODY)
        door = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=door, base_url="http://door") as client:
            return await client.request(method, path, content=body, headers=headers)

    return asyncio.run(asked())


@pytest.mark.parametrize("path", ["", "/batch", "/native", "/native/batch"])
@pytest.mark.parametrize(
    ("method", "size", "headers", "status", "code"),
    [
        ("POST", limits.MAX_BATCH_BODY + 1, {}, 413, "too-large"),
        ("POST", 1, {"content-encoding": "gzip"}, 415, "content-encoding"),
        ("POST", 1, {}, 500, "defect"),
        ("GET", 0, {}, 405, "method-not-allowed"),
    ],
)
def test_whatever_the_answer_it_is_a_problem_document(
    path: str, method: str, size: int, headers: dict[str, str], status: int, code: str
) -> None:
    answer = ask(method, TICKETS + path, b"x" * size, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/platforms/dq12345/ticket", f"{TICKETS}/batches", f"{TICKETS}/", f"/{TICKETS}"])
def test_a_path_that_is_nearly_one_of_them_is_none(path: str) -> None:
    assert ask("POST", path, b"{}").status_code in {307, 404}
