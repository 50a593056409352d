"""The routes of Open311 GeoReport v2, in XML and JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from services.core.directory import Directory
from services.core.service import Rejected
from services.intake.gateway import limits
from services.intake.gateway.guard import require
from services.intake.gateway.open311 import catalogue, tracking
from services.intake.gateway.open311.posting import PLATFORM, read_form, submitted
from services.intake.gateway.open311.spark import Open311Route, respond
from services.intake.gateway.problems import ProblemError
from services.intake.gateway.writing import Writer
from services.runtime.ticket_search import TicketSearch, Wanted

SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
_BOTH: Final[dict[str, Any]] = {"text/xml": {}, "application/json": {}}
_ERRORS: Final = {400: "Not valid", 403: "No api_key", 404: "Not found", 429: "Too many", 503: "Come back later"}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": _BOTH},
    **{status: {"description": said, "content": _BOTH} for status, said in _ERRORS.items()},
}
Format = Annotated[str, Path(json_schema_extra={"enum": ["xml", "json"]})]
Id = Annotated[str, Path(json_schema_extra={"pattern": "^[A-Za-z0-9_:-]{1,80}$"})]


@dataclass(frozen=True)
class Desk:
    """What the routes need: the door, the view, and which jurisdiction this is."""

    writer: Writer
    search: TicketSearch
    jurisdiction: str

    def opened(self, request: Request, arguments: Mapping[str, str]) -> None:
        """Let a request in: not too many from one address, and for this jurisdiction if it names one."""
        self.writer.guard.anybody(request)
        named = arguments.get("jurisdiction_id", "").strip()
        if named and named != self.jurisdiction:
            raise ProblemError(404, "unknown-jurisdiction", "jurisdiction_id: was not found")

    @property
    def directory(self) -> Directory:
        """The directory in force now."""
        return self.writer.door.policies.at(self.writer.guard.now()).directory

    async def take(self, request: Request, body: bytes) -> str:
        """Hand a posted request to the door; gives the ticket's token once Kafka has it."""
        form = read_form(body, request.headers.get("content-type", ""))
        self.opened(request, form)
        client = self.writer.guard.client(form.get("api_key"), request)
        require(client, "open311-post-request")
        now = self.writer.guard.now()
        policy = self.writer.door.policies.at(now)
        day = now.astimezone(policy.calendar.zone).date().isoformat()
        said = submitted(form, client.id, policy.directory, now, day, self.writer.door.digest_key)
        try:
            heard = self.writer.door.hear(said)
        except Rejected as error:
            raise ProblemError(422, error.code, str(error)) from None
        await self.writer.receiver.take([heard])
        return heard.command.subject

    def found(self, token: str) -> list[dict[str, Any]]:
        """Give one request as a list; raises a 404."""
        requests = tracking.shown(self.search, self.directory, Wanted(PLATFORM, tokens=[token], limit=1))
        if not requests:
            raise ProblemError(404, "unknown-request", "service_request_id: was not found")
        return requests


def _query(**described: str) -> dict[str, Any]:
    described = {"jurisdiction_id": "may be left out: one jurisdiction is served"} | described
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": said, "schema": {"type": "string"}}
            for name, said in described.items()
        ]
    }


def routes(desk: Desk) -> APIRouter:
    """Give the routes."""
    router = APIRouter(prefix="/open311", route_class=Open311Route, tags=["Open311 GeoReport v2"])
    common: dict[str, Any] = {"responses": ANSWERS, "response_class": Response}

    @router.get("/discovery.{format}", operation_id="open311-discovery", **common)
    def discovery(format: Format, request: Request) -> Response:  # noqa: A002 - the specification's word
        """Say where GeoReport v2 is served, and how to get a key. 服务发现。"""
        desk.opened(request, {})
        version = desk.directory.version
        url = f"{str(request.base_url).rstrip('/')}/open311/v2"
        endpoint = {
            "specification": SPECIFICATION, "url": url, "changeset": version, "type": "production",
            "formats": ["text/xml", "application/json"],
        }  # fmt: skip
        found = {
            "changeset": version,
            "contact": "县12345热线办 The county's 12345 hotline office",
            "key_service": "向热线办申请 Ask the hotline office for an api_key",
            "endpoints": [endpoint],
        }
        return respond(format, "discovery", found)

    @router.get("/v2/services.{format}", operation_id="open311-services", openapi_extra=_query(), **common)
    def services(format: Format, request: Request) -> Response:  # noqa: A002
        """List what may be asked for: the categories of the directory. 服务目录。"""
        desk.opened(request, request.query_params)
        return respond(format, "services", catalogue.services(desk.directory))

    @router.get(
        "/v2/services/{service_code}.{format}", operation_id="open311-service", openapi_extra=_query(), **common
    )
    def service(service_code: Id, format: Format, request: Request) -> Response:  # noqa: A002
        """Say what a service needs to know besides. 服务定义。"""
        desk.opened(request, request.query_params)
        return respond(format, "service_definition", catalogue.definition(desk.directory, service_code))

    @router.post("/v2/requests.{format}", operation_id="open311-post-request", **common)
    async def post_request(format: Format, request: Request) -> Response:  # noqa: A002
        """Ask for a service; the request becomes a ticket once Kafka has acknowledged. 提交诉求。"""
        token = await desk.take(request, await limits.read(request))
        found = [{"service_request_id": token, "service_notice": None, "account_id": None}]
        return respond(format, "service_requests", found)

    @router.get("/v2/tokens/{token}.{format}", operation_id="open311-token", openapi_extra=_query(), **common)
    def token(token: Id, format: Format, request: Request) -> Response:  # noqa: A002
        """Give the id of a request by its token: they are the same here, because ids are given at once. 凭证查询。"""
        desk.opened(request, request.query_params)
        found = desk.found(token)[0]["service_request_id"]
        return respond(format, "service_requests", [{"service_request_id": found, "token": token}])

    @router.get(
        "/v2/requests.{format}",
        operation_id="open311-requests",
        openapi_extra=_query(
            service_request_id="ids with commas; overrides the others",
            service_code="codes with commas",
            start_date="time with offset; the span is 90 days at most, and the last 90 days unless said",
            end_date="time with offset",
            status="open, closed, or both with a comma",
        ),
        **common,
    )
    def requests(format: Format, request: Request) -> Response:  # noqa: A002
        """List what came by Open311, at most 1,000, the newest first. 诉求列表。"""
        desk.opened(request, request.query_params)
        asked = tracking.wanted(request.query_params, desk.writer.guard.now())
        return respond(format, "service_requests", tracking.shown(desk.search, desk.directory, asked))

    @router.get(
        "/v2/requests/{service_request_id}.{format}", operation_id="open311-request", openapi_extra=_query(), **common
    )
    def request_(service_request_id: Id, format: Format, request: Request) -> Response:  # noqa: A002
        """Say how a request stands: no word, place or person of it. 诉求进度。"""
        desk.opened(request, request.query_params)
        return respond(format, "service_requests", desk.found(service_request_id))

    return router
