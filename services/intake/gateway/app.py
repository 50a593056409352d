"""The application: routes and problems."""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.core.upstream.mapping import UpstreamMapping
from services.intake.front import Door
from services.intake.gateway import reading, writing
from services.intake.gateway.answers import answer
from services.intake.gateway.document import document
from services.intake.gateway.guard import Guard
from services.intake.gateway.open311 import routes as open311
from services.intake.gateway.open311.routes import Desk
from services.intake.gateway.problems import TITLES, ProblemError, WrongField
from services.intake.gateway.reading import Reader, Received
from services.intake.gateway.receiver import Receiver
from services.intake.gateway.signed import SignedFirst
from services.intake.gateway.writing import Writer
from services.runtime import logs
from services.runtime.ticket_search import TicketSearch
from services.runtime.ticket_view import TicketView

_ABOUT: Final = """The door of a 12345 hotline mesh: platforms hand matters down, units, offices and citizens act.

Everything is answered with 202 only after Kafka acknowledged it, and may be repeated under the same id or
`Idempotency-Key` without harm. Problems are RFC 9457 documents that name the field and never repeat what was sent.
12345 热线工单接口:平台下派、单位办理、热线办裁定、市民评价。"""


def build(
    door: Door, guard: Guard, view: TicketView, received: Received, mappings: Mapping[str, UpstreamMapping]
) -> FastAPI:
    """Give the ASGI application; `received` gives when the platform had each fact of a ticket.

    `mappings` says how to read the records of the platforms that have their own form.
    """
    receiver = Receiver(door.accept)
    writer = Writer(door, guard, receiver, mappings)
    desk = Desk(writer, TicketSearch(view.connection), door.settings.jurisdiction)
    app = application(writer, Reader(view, guard, received, door), desk)
    app.state.receiver = receiver
    return app


def application(writer: Writer, reader: Reader, desk: Desk) -> FastAPI:
    """Give the application around `writer`, `reader` and the desk of Open311."""
    app = FastAPI(
        title="hotline-mesh gateway", version="1", description=_ABOUT, docs_url="/docs", redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )  # fmt: skip
    for router in (writing.routes(writer), reading.routes(reader), open311.routes(desk)):
        # Not `include_router`: every request would be matched anew at each level, for as long as its signature takes.
        app.router.routes.extend(router.routes)
    app.add_middleware(SignedFirst, routes=app.routes)
    app.add_exception_handler(ProblemError, answer)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(RequestValidationError, _bad_query)
    app.add_exception_handler(Exception, _defect)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


async def _plain(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None)
    code = {404: "no-such-path", 405: "method-not-allowed"}.get(status, "bad-request")
    return await answer(
        request, ProblemError(status if status in TITLES else 400, code, "see the document at /docs", headers=headers)
    )


async def _bad_query(request: Request, error: Exception) -> JSONResponse:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    fields = [WrongField(field=".".join(map(str, p["loc"])), code=p["type"], problem=p["msg"]) for p in found]
    return await answer(request, ProblemError(422, "invalid-field", "a parameter is not valid", fields=fields))


async def _defect(request: Request, error: Exception) -> JSONResponse:
    logs.get().error("a request failed", error=type(error).__name__)
    return await answer(request, ProblemError(500, "defect", "a defect of ours; it was logged"))
