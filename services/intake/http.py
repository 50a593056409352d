"""The HTTP gateway: tickets and actors' commands in; 202 only after Kafka acknowledged."""

import asyncio
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from schemas.envelope import derived_id
from schemas.upstream import UpstreamTicketSubmitted
from services.core.service import Rejected
from services.intake.door import Heard, actor_command, problems
from services.intake.front import Door
from services.runtime import wall
from services.runtime.publisher import NotAcknowledgedError

MAX_BODY = 4 * 1_048_576
MAX_BATCH = 500
Problem = dict[str, Any]


class _Refused(Exception):
    """A request that is answered with this status and body."""

    def __init__(self, status: int, problem: str, **more: Any) -> None:
        self.status = status
        self.body = {"problem": problem, **more}
        super().__init__(problem)


async def _json(request: Request) -> Any:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _Refused(413, f"the body is larger than {MAX_BODY} bytes")
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        raise _Refused(400, "the body is not JSON in UTF-8") from None


def build(door: Door) -> Starlette:
    """Give the ASGI application in front of `door`."""

    async def acknowledged(heard: list[Heard]) -> None:
        known = await asyncio.to_thread(door.seen.known, [item.command.id for item in heard])
        fresh = [item for item in heard if item.command.id not in known]
        futures = await asyncio.to_thread(door.pass_on, fresh)
        try:
            await asyncio.wait_for(asyncio.gather(*(asyncio.wrap_future(f) for f in futures)), timeout=20)
        except (NotAcknowledgedError, TimeoutError):
            raise _Refused(503, "Kafka did not acknowledge: send it again, under the same id") from None
        await asyncio.to_thread(door.seen.remember, [item.command.id for item in fresh])
        door.count("http", fresh, len(heard) - len(fresh))

    async def tickets(request: Request) -> JSONResponse:
        data = await _json(request)
        if not isinstance(data, dict):
            raise _Refused(400, "the body must be a JSON object")
        named = derived_id("http", data.get("platform"), data.get("upstream_id"))
        defaults = {
            "id": named,
            "source": f"/platform/{data.get('platform')}",
            "time": wall.now().isoformat(),
        }
        try:
            said = UpstreamTicketSubmitted.model_validate(defaults | data)
        except ValidationError as error:
            raise _Refused(422, "the ticket is not valid", fields=problems(error)) from None
        try:
            heard = door.hear(said)
        except Rejected as error:
            raise _Refused(422, str(error), code=error.code) from None
        await acknowledged([heard])
        return JSONResponse({"ticket": heard.command.subject, "id": said.id}, status_code=202)

    async def commands(request: Request) -> JSONResponse:
        data = await _json(request)
        batch = data if isinstance(data, list) else [data]
        if len(batch) > MAX_BATCH:
            raise _Refused(413, f"at most {MAX_BATCH} commands in one request")
        heard: list[Heard] = []
        refused: list[Problem] = []
        for index, message in enumerate(batch):
            try:
                if not isinstance(message, dict):
                    raise Rejected("invalid-field", "each command must be a CloudEvent in JSON")
                heard.append(actor_command(message, door.digest_key))
            except Rejected as error:
                refused.append({"index": index, "code": error.code, "problem": str(error)})
            except ValidationError as error:
                refused.append({"index": index, "code": "invalid-field", "fields": problems(error)})
        await acknowledged(heard)
        accepted = [{"id": item.command.id, "ticket": item.command.subject} for item in heard]
        status = 202 if not refused else (207 if heard else 422)
        return JSONResponse({"accepted": accepted, "refused": refused}, status_code=status)

    async def refuse(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, _Refused):
            raise error
        headers = {"retry-after": "5"} if error.status == 503 else None
        return JSONResponse(error.body, status_code=error.status, headers=headers)

    routes = [Route("/tickets", tickets, methods=["POST"]), Route("/commands", commands, methods=["POST"])]
    return Starlette(routes=routes, exception_handlers={_Refused: refuse})
