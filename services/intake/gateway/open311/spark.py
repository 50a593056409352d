"""One value as XML or as JSON, after Open311's Spark convention: lists have a plural name, members the singular."""

import json
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from services.intake.gateway.problems import ProblemError

FORMATS: Final = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
MEMBERS: Final = {
    "services": "service", "attributes": "attribute", "values": "value", "service_requests": "request",
    "errors": "error", "endpoints": "endpoint", "formats": "format",
}  # fmt: skip
STATUSES: Final = {401: 403, 403: 403, 404: 404, 429: 429, 503: 503}
"""The specification knows 403 and 404, and 400 for the rest; `code` in the body stays what it was."""


def respond(form: str, root: str, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Give the answer in the format that the path asks for; an unknown one gets the required one, XML."""
    if form == "json":
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    else:
        form = "xml"
        element = Element(root)
        _fill(element, value)
        body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(element, encoding="utf-8")
    return Response(body, status, headers, FORMATS[form])


def _fill(element: Element, value: Any) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            _fill(SubElement(element, name), part)
    elif isinstance(value, list):
        for part in value:
            _fill(SubElement(element, MEMBERS[element.tag]), part)
    elif value is not None:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


def refuse(form: str, problem: ProblemError) -> Response:
    """Answer an error as the specification has it: a list, each with a code and words for the user."""
    said = problem.problem
    wrong = [f"{field.field}: {field.problem}" for field in said.fields or ()]
    code = STATUSES.get(said.status, said.status)
    errors = [{"code": code, "description": text} for text in wrong or [f"{said.title_zh}: {said.detail}"]]
    return respond(form, "errors", errors, STATUSES.get(said.status, 400), problem.headers)


class Open311Route(APIRoute):
    """A route that answers what went wrong in the specification's own form."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose method is not the route's likewise."""
        if scope["method"] not in (self.methods or ()):
            alike = scope["app"].openapi()["paths"][self.path]  # another route of this path may know more methods
            allowed = ", ".join(sorted(method.upper() for method in alike))
            answer = refuse(scope["path"].rpartition(".")[2], ProblemError(405, "method-not-allowed", allowed))
            answer.status_code, answer.headers["allow"] = 405, allowed
            await answer(scope, receive, send)
            return
        await super().handle(scope, receive, send)

    def get_route_handler(self) -> Any:
        """Wrap the handler."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            form = request.path_params.get("format", "xml")
            try:
                if form not in FORMATS:
                    raise ProblemError(404, "no-such-format", "ask for .xml or .json")
                answer: Response = await inner(request)
            except ProblemError as problem:
                return refuse(form, problem)
            except RequestValidationError:
                return refuse(form, ProblemError(422, "invalid-field", "a parameter is not valid"))
            return answer

        return handler
