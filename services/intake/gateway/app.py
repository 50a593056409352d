"""The application: routes, problems, and the OpenAPI document that is committed as docs/openapi.yaml."""

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from services.intake.front import Door
from services.intake.gateway import reading, writing
from services.intake.gateway.actions import ACTIONS, BODIES, EMPTY
from services.intake.gateway.guard import Guard
from services.intake.gateway.models import Submission
from services.intake.gateway.problems import MEDIA_TYPE, TITLES, Problem, ProblemError, WrongField, answer
from services.intake.gateway.reading import Reader, Received
from services.intake.gateway.receiver import Receiver
from services.intake.gateway.writing import Writer
from services.runtime import logs
from services.runtime.ticket_view import TicketView

_REF: Final = "#/components/schemas/{model}"
_ABOUT: Final = """The door of a 12345 hotline mesh: platforms hand matters down, units, offices and citizens act.

Everything is answered with 202 only after Kafka acknowledged it, and may be repeated under the same id or
`Idempotency-Key` without harm. Problems are RFC 9457 documents that name the field and never repeat what was sent.
12345 热线工单接口:平台下派、单位办理、热线办裁定、市民评价。"""


def build(door: Door, guard: Guard, view: TicketView, received: Received) -> FastAPI:
    """Give the ASGI application; `received` gives when the platform had each fact of a ticket."""
    receiver = Receiver(door.accept)
    app = application(Writer(door, guard, receiver), Reader(view, guard, received, door.policies))
    app.state.receiver = receiver
    return app


def application(writer: Writer, reader: Reader) -> FastAPI:
    """Give the application around `writer` and `reader`."""
    app = FastAPI(title="hotline-mesh gateway", version="1", description=_ABOUT, docs_url="/docs", redoc_url=None)
    app.include_router(writing.routes(writer))
    app.include_router(reading.routes(reader))
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


def document(app: FastAPI) -> dict[str, Any]:
    """Give the OpenAPI document: FastAPI's, with the bodies that our own order of checks reads by hand."""
    if app.openapi_schema:
        return app.openapi_schema
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    models: list[type[BaseModel]] = [Submission, Problem, *BODIES.values()]
    _, more = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(more["$defs"])
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "signature": {"type": "apiKey", "in": "header", "name": "webhook-signature"},
    }
    bodies: dict[str, Any] = {
        action.name: {"$ref": _REF.format(model=BODIES[action.name].__name__)} for action in ACTIONS
    }
    one: dict[str, Any] = {"$ref": _REF.format(model="Submission")}
    bodies |= {"submit-ticket": one, "submit-tickets": {"type": "array", "items": one, "minItems": 1, "maxItems": 500}}
    cloud_event: dict[str, Any] = {"type": "object", "required": ["id", "source", "type", "subject", "time", "data"]}
    bodies["submit-commands"] = {"oneOf": [cloud_event, {"type": "array", "items": cloud_event, "maxItems": 500}]}
    for path in found["paths"].values():
        for method, operation in path.items():
            _complete(method, operation, bodies)
    app.openapi_schema = found
    return found


def _complete(method: str, operation: dict[str, Any], bodies: dict[str, Any]) -> None:
    name = operation["operationId"]
    if name in bodies:
        operation["requestBody"] = {
            "required": name not in EMPTY,
            "content": {"application/json": {"schema": bodies[name]}},
        }
    signed = name in {"submit-ticket", "submit-tickets"}
    operation["security"] = [{"signature": []}] if signed else [{"token": []}, {"signature": []}]
    if method == "post" and name in {action.name for action in ACTIONS}:
        key = {"type": "string", "minLength": 8, "maxLength": 80, "pattern": "^[A-Za-z0-9._:-]+$"}
        operation.setdefault("parameters", []).append(
            {"name": "Idempotency-Key", "in": "header", "required": True, "schema": key}
        )
    problem = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    statuses = (400, 401, 403, 409, 413, 415, 422, 429, 503) if method == "post" else (401, 403, 404, 422, 429)
    for status in statuses:
        operation["responses"][str(status)] = {"description": TITLES[status][0], "content": problem}
