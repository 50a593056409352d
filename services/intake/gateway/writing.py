"""The routes that say something: submissions of platforms, actions on a ticket, commands of trusted systems."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from schemas.upstream import UpstreamTicketSubmitted
from services.core.service import Rejected
from services.core.upstream.mapping import UpstreamMapping
from services.core.upstream.translation import NativeError, translate
from services.intake.door import Heard, actor_command, problems
from services.intake.form import CLOCK_SKEW
from services.intake.front import CONFLICT, CONFLICT_SAID, Door
from services.intake.gateway import limits
from services.intake.gateway.access import Principal
from services.intake.gateway.actions import ACTIONS, BODIES, MAY_DATE, Action, to_command
from services.intake.gateway.guard import Guard, require
from services.intake.gateway.models import BatchResult, IdempotencyKey, ItemResult, Receipt, Submission, TicketToken
from services.intake.gateway.problems import ProblemError, WrongField, invalid
from services.intake.gateway.receiver import Receiver
from services.intake.gateway.signed import SignedRoute

SOME_REFUSED: Final[dict[int | str, dict[str, Any]]] = {207: {"description": "Some were refused"}}
_KEY: Final[TypeAdapter[str]] = TypeAdapter(IdempotencyKey)


@dataclass(frozen=True)
class Writer:
    """Turns requests into commands and hands them to the receiver."""

    door: Door
    guard: Guard
    receiver: Receiver
    mappings: Mapping[str, UpstreamMapping]

    def submission(self, platform: str, data: Any) -> Heard:
        """Turn one matter into the command that opens it; raises `ProblemError`."""
        body = _validated(Submission, data)
        now = self.guard.now()
        said: dict[str, Any] = vars(body).copy()
        said["id"] = said["id"] or said["upstream_id"]
        said["time"] = _not_in_the_future(said["time"] or now, now)
        try:
            return self.door.hear(
                UpstreamTicketSubmitted.model_validate(said | {"platform": platform, "source": f"/platform/{platform}"})
            )
        except ValidationError as error:
            raise invalid(error, UpstreamTicketSubmitted) from None
        except Rejected as error:
            raise ProblemError(422, error.code, str(error)) from None

    def native(self, platform: str, data: Any) -> Heard:
        """Turn a record of the platform's own form into its command; raises `ProblemError`, naming its own paths."""
        mapping = self.mappings.get(platform)
        if mapping is None:
            raise ProblemError(404, "no-mapping", f"{platform}: no mapping in its file; hand matters down in our form")
        now = self.guard.now()
        try:
            said = translate(mapping, platform, data, now)
            _not_in_the_future(said.time, now, " | ".join(mapping.rules.get("time", ("time",))))
            return self.door.hear_native(said)
        except NativeError as error:
            found = [WrongField(field=f.path, code=f.code, problem=f.problem) for f in error.faults[:20]]
            detail = f"{len(error.faults)} places of the record are not valid"
            raise ProblemError(422, "invalid-field", detail, fields=found) from None
        except Rejected as error:
            raise ProblemError(422, error.code, str(error)) from None

    def action(self, action: Action, principal: Principal, ticket: str, key: str | None, data: Any) -> Heard:
        """Turn the body of an action into its command; raises `ProblemError`."""
        body = _validated(BODIES[action.name], data)
        now = self.guard.now()
        time = getattr(body, "time", None)
        if time is not None:
            if principal.access not in MAY_DATE:
                raise _wrong("time", "not-entitled", f"a {principal.access} cannot say when it happened")
            _not_in_the_future(time, now)
        try:
            named = _KEY.validate_python(key)
        except ValidationError:
            raise ProblemError(
                400, "no-idempotency-key",
                "idempotency-key: 8 to 80 letters, digits or . _ : - that name this request, again when it is repeated",
            ) from None  # fmt: skip
        try:
            return to_command(
                action, principal, ticket, named, body, now, self.door.digest_key, self.door.heard_at(now)
            )
        except ValidationError as error:
            raise invalid(error, action.command) from None
        except Rejected as error:
            raise ProblemError(422, error.code, str(error)) from None

    async def pass_on(self, heard: Heard) -> Response:
        """Answer 202 with the receipt once Kafka has it."""
        if await self.receiver.take([heard]):
            raise conflict()
        return Response(receipt(heard).model_dump_json(), 202, media_type="application/json")


def receipt(heard: Heard) -> Receipt:
    """Give the receipt of a command; the same command always gives the same receipt."""
    ticket, submission = heard.command.subject, heard.command.id
    return Receipt(ticket=ticket, submission=submission, status_url=f"/v1/tickets/{ticket}/submissions/{submission}")


def conflict() -> ProblemError:
    """Give the 409 of a message whose id came before with another body."""
    return ProblemError(409, CONFLICT, CONFLICT_SAID)


def _validated(model: type[BaseModel], data: Any) -> BaseModel:
    if not isinstance(data, dict):
        raise ProblemError(422, "not-an-object", "the body must be a JSON object")
    try:
        # Strict, as the document says it: 0 is no false, "1" no number. Only JSON mode knows what is text there.
        return model.model_validate_json(to_json(data), strict=True)
    except ValidationError as error:
        raise invalid(error, model) from None


def _wrong(field: str, code: str, problem: str) -> ProblemError:
    found = [WrongField(field=field, code=code, problem=problem)]
    return ProblemError(422, "invalid-field", f"{field}: {problem}", fields=found)


def _not_in_the_future(time: datetime, now: datetime, field: str = "time") -> datetime:
    if time > now + CLOCK_SKEW:
        raise _wrong(field, "in-the-future", "lies in the future")
    return time


def routes(writer: Writer) -> APIRouter:
    """Give the routes."""
    router, signed = APIRouter(prefix="/v1"), APIRouter(prefix="/v1", route_class=SignedRoute)

    @signed.post("/platforms/{platform}/tickets", operation_id="submit-ticket", status_code=202, response_model=Receipt)
    async def submit_ticket(platform: str, request: Request) -> Response:
        """Hand one matter down. Signed (Standard Webhooks); 202 only after Kafka acknowledged. 提交一件诉求。"""
        return await _hand_down(writer, platform, request, "submit-ticket", writer.submission)

    @signed.post(
        "/platforms/{platform}/tickets/batch",
        operation_id="submit-tickets",
        status_code=207,
        response_model=BatchResult,
    )
    async def submit_tickets(platform: str, request: Request) -> JSONResponse:
        """Hand up to 500 matters down; each is answered on its own. 批量提交。"""
        return await _hand_down_many(writer, platform, request, "submit-tickets", writer.submission)

    @signed.post(
        "/platforms/{platform}/tickets/native",
        operation_id="submit-native-ticket",
        status_code=202,
        response_model=Receipt,
    )
    async def submit_native_ticket(platform: str, request: Request) -> Response:
        """Hand a record down as the platform itself writes it; read by the mapping in its file. 按平台原格式提交。"""
        return await _hand_down(writer, platform, request, "submit-native-ticket", writer.native)

    @signed.post(
        "/platforms/{platform}/tickets/native/batch",
        operation_id="submit-native-tickets",
        status_code=207,
        response_model=BatchResult,
    )
    async def submit_native_tickets(platform: str, request: Request) -> JSONResponse:
        """Hand up to 500 records down as the platform writes them, each on its own. 按平台原格式批量提交。"""
        return await _hand_down_many(writer, platform, request, "submit-native-tickets", writer.native)

    @router.post(
        "/commands",
        operation_id="submit-commands",
        status_code=202,
        responses={207: {"description": "Some were refused"}},
    )
    async def submit_commands(request: Request) -> JSONResponse:
        """Say what actors did, as CloudEvents in JSON (one or many); for trusted systems. 代行为人提交命令。"""
        body = await limits.read(request, limits.MAX_BATCH_BODY)
        require(writer.guard.caller(request, body), "submit-commands")
        data = limits.parse(body)
        batch = data if isinstance(data, list) else [data]
        if len(batch) > limits.MAX_BATCH:
            raise ProblemError(422, "not-a-batch", f"at most {limits.MAX_BATCH} commands in one request")
        heard, places, refused = _judge_each(batch, writer.door.digest_key, writer.door.heard_at(writer.guard.now()))
        conflicts = await writer.receiver.take(heard)
        refused += [{"index": places[place], "code": CONFLICT, "problem": CONFLICT_SAID} for place in sorted(conflicts)]
        accepted = [
            {"id": item.command.id, "ticket": item.command.subject}
            for place, item in enumerate(heard)
            if place not in conflicts
        ]
        return JSONResponse({"accepted": accepted, "refused": refused}, 207 if refused else 202)

    for action in ACTIONS:
        _add_action(router, writer, action)
    signed.routes.extend(router.routes)
    return signed


async def _hand_down(
    writer: Writer, platform: str, request: Request, operation: str, heard: Callable[[str, Any], Heard]
) -> Response:
    body = await limits.read(request)
    require(writer.guard.platform(platform, request, body), operation)
    return await writer.pass_on(heard(platform, limits.parse(body)))


async def _hand_down_many(
    writer: Writer, platform: str, request: Request, operation: str, hear: Callable[[str, Any], Heard]
) -> JSONResponse:
    body = await limits.read(request, limits.MAX_BATCH_BODY)
    require(writer.guard.platform(platform, request, body), operation)
    items = limits.parse(body)
    if not isinstance(items, list) or not 0 < len(items) <= limits.MAX_BATCH:
        raise ProblemError(422, "not-a-batch", f"the body must be a list of 1 to {limits.MAX_BATCH} matters")
    heard: list[Heard] = []
    places: list[int] = []
    results: list[ItemResult] = []
    for index, item in enumerate(items):
        try:
            heard.append(hear(platform, item))
            places.append(index)
            results.append(ItemResult(index=index, status=202, receipt=receipt(heard[-1])))
        except ProblemError as error:
            results.append(ItemResult(index=index, status=error.problem.status, problem=error.body()))
    for place in await writer.receiver.take(heard):
        results[places[place]] = ItemResult(index=places[place], status=409, problem=conflict().body())
    return JSONResponse(BatchResult(results=results).model_dump(exclude_none=True), 207)


def _judge_each(
    batch: list[Any], digest_key: bytes, heard_at: datetime | None
) -> tuple[list[Heard], list[int], list[Mapping[str, Any]]]:
    heard: list[Heard] = []
    places: list[int] = []
    refused: list[Mapping[str, Any]] = []
    for index, message in enumerate(batch):
        try:
            if not isinstance(message, dict):
                raise Rejected("invalid-field", "each command must be a CloudEvent in JSON")
            heard.append(actor_command(message, digest_key, heard_at))
            places.append(index)
        except Rejected as error:
            refused.append({"index": index, "code": error.code, "problem": str(error)})
        except ValidationError as error:
            refused.append({"index": index, "code": "invalid-field", "fields": problems(error)})
    return heard, places, refused


def _add_action(router: APIRouter, writer: Writer, action: Action) -> None:
    async def act(ticket: TicketToken, request: Request) -> Response:
        body = await limits.read(request)
        principal = writer.guard.caller(request, body)
        require(principal, action.name, ticket)
        key = request.headers.get("idempotency-key")
        return await writer.pass_on(writer.action(action, principal, ticket, key, limits.parse(body or b"{}")))

    router.add_api_route(
        f"/tickets/{{ticket}}/{action.path}", act, methods=["POST"], operation_id=action.name, status_code=202,
        response_model=Receipt, summary=action.summary, description=f"{action.summary}. {action.summary_zh}。",
    )  # fmt: skip
