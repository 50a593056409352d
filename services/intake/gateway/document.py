"""The OpenAPI document that is committed as docs/openapi.yaml: FastAPI's, with the bodies that are read by hand."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.intake.gateway.access import PUBLIC
from services.intake.gateway.actions import ACTIONS, BODIES, EMPTY
from services.intake.gateway.models import Submission
from services.intake.gateway.open311.posting import FORM
from services.intake.gateway.problems import MEDIA_TYPE, TITLES, Problem

_REF: Final = "#/components/schemas/{model}"
_NATIVE: Final = {"type": "object", "description": "a record as the platform writes it; its mapping says what is what"}
SIGNED: Final = frozenset({"submit-ticket", "submit-tickets", "submit-native-ticket", "submit-native-tickets"})
"""Operations of platforms alone: with a signature, never with a token."""


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
    bodies |= {"submit-ticket": one, "submit-tickets": _batch_of(one)}
    bodies |= {"submit-native-ticket": _NATIVE, "submit-native-tickets": _batch_of(_NATIVE)}
    cloud_event: dict[str, Any] = {"type": "object", "required": ["id", "source", "type", "subject", "time", "data"]}
    bodies["submit-commands"] = {"oneOf": [cloud_event, {"type": "array", "items": cloud_event, "maxItems": 500}]}
    for path in found["paths"].values():
        for method, operation in path.items():
            _complete(method, operation, bodies)
    app.openapi_schema = found
    return found


def _batch_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1, "maxItems": 500}


def _complete(method: str, operation: dict[str, Any], bodies: dict[str, Any]) -> None:
    name = operation["operationId"]
    if name.startswith("open311-"):
        operation["responses"].pop("422", None)  # errors are answered in the specification's own form
        operation["security"] = [] if name in PUBLIC else [{"token": []}]
        if name == "open311-post-request":
            operation["requestBody"] = {
                "required": True,
                "content": {"application/x-www-form-urlencoded": {"schema": FORM}},
            }
        return
    if name in bodies:
        operation["requestBody"] = {
            "required": name not in EMPTY,
            "content": {"application/json": {"schema": bodies[name]}},
        }
    signed = name in SIGNED
    operation["security"] = [{"signature": []}] if signed else [{"token": []}, {"signature": []}]
    if method == "post" and name in {action.name for action in ACTIONS}:
        key = {"type": "string", "minLength": 8, "maxLength": 80, "pattern": "^[A-Za-z0-9._:-]+$"}
        operation.setdefault("parameters", []).append(
            {"name": "Idempotency-Key", "in": "header", "required": True, "schema": key}
        )
    problem = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    statuses: tuple[int, ...] = (
        (400, 401, 403, 409, 413, 415, 422, 429, 503) if method == "post" else (401, 403, 404, 422, 429)
    )
    if name in {"submit-native-ticket", "submit-native-tickets"}:
        statuses += (404,)
    for status in statuses:
        operation["responses"][str(status)] = {"description": TITLES[status][0], "content": problem}
