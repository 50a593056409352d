"""A request posted by an Open311 client becomes the message of a platform; where and who goes into the vault. Pure."""

import base64
import json
import re
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from pydantic import ValidationError

from schemas.upstream import UpstreamTicketSubmitted
from schemas.vocabulary import Channel, Kind
from services.core.directory import Directory
from services.intake.gateway.open311.catalogue import area_of, service
from services.intake.gateway.problems import ProblemError, WrongField, invalid
from services.runtime.sealing import keyed_hash

PLATFORM: Final = "open311:"
"""What the platform of a ticket begins with that came this way; the client's name follows."""
MAX_FIELDS: Final = 100
MAX_DESCRIPTION: Final = 4_000
MAX_FIELD: Final = 1_000
_NUMBER: Final = re.compile(r"-?\d{1,3}(\.\d{1,15})?", re.ASCII)
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")


def read_form(body: bytes, content_type: str) -> dict[str, str]:
    """Give the filled fields of a form; raises a 400. What is empty counts as not sent."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise ProblemError(415, "not-a-form", "content-type: must be application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except (UnicodeDecodeError, ValueError):
        raise ProblemError(400, "not-a-form", f"the body is no form in UTF-8 of at most {MAX_FIELDS} fields") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if not value.strip():
            continue
        if name in found:
            raise ProblemError(400, "twice", "a field was sent twice")
        found[name] = value.strip()
    return found


def submitted(
    form: dict[str, str], client: str, directory: Directory, now: datetime, day: str, key: bytes
) -> UpstreamTicketSubmitted:
    """Give the message; raises a `ProblemError` that names the fields.

    The same form from the same client on the same `day` is the same request, however often it is sent: the
    specification has no id for it. `key` keeps the id from telling what it was made of.
    """
    if "service_code" not in form:
        raise ProblemError(400, "no-service-code", "service_code: was not provided")
    category = service(directory, form["service_code"])
    wrong = _too_long(form)
    lat, long = _degrees(form, "lat", 90, wrong), _degrees(form, "long", 180, wrong)
    if (lat is None) != (long is None) or not (lat is not None or {"address_string", "address_id"} & set(form)):
        wrong.append(_field("lat", "location", "lat and long, address_string or address_id is required"))
    area = area_of(directory, form.get("attribute[area]") or form.get("address_id", ""))
    if area is None:
        wrong.append(_field("attribute[area]", "missing", f"is required; see services/{category.code}"))
    kind = form.get("attribute[kind]", Kind.HELP.value)
    if kind not in set(Kind):
        wrong.append(_field("attribute[kind]", "enum", f"must be one of {', '.join(Kind)}"))
    if wrong:
        raise ProblemError(400, "invalid-field", f"{len(wrong)} fields are not valid", fields=wrong)
    place = {"address": form.get("address_string"), "lat": lat, "long": long}
    number = _number(form, client, day, key)
    description = form.get("description", "")
    message = {
        "id": number, "source": f"/platform/{PLATFORM}{client}", "time": now, "platform": PLATFORM + client,
        "upstream_id": number, "kind": kind, "category": category.code, "area": area, "channel": Channel.APP,
        "title": description.splitlines()[0][:80] if description else category.name_zh,
        "content": "\n".join(filter(None, (description, form.get("media_url")))),
        "reporter": {"name": _name(form), "phone": form.get("phone"), "email": form.get("email")},
        "place": place if any(part is not None for part in place.values()) else None,
    }  # fmt: skip
    try:
        return UpstreamTicketSubmitted.model_validate(message)
    except ValidationError as error:
        raise invalid(error, UpstreamTicketSubmitted) from None


def _number(form: dict[str, str], client: str, day: str, key: bytes) -> str:
    said = json.dumps([client, day, sorted((n, v) for n, v in form.items() if n != "api_key")]).encode()
    return "O-" + base64.b32encode(keyed_hash(key, b"open311\x00" + said)[:15]).decode().lower()


def _field(field: str, code: str, problem: str) -> WrongField:
    return WrongField(field=field, code=code, problem=problem)


def _too_long(form: dict[str, str]) -> list[WrongField]:
    known = ("description", "address_string", "address_id", "email", "first_name", "last_name", "phone", "media_url")
    most = {"description": MAX_DESCRIPTION}
    return [
        _field(name, "too-long", f"may have at most {most.get(name, MAX_FIELD)} characters")
        for name in known
        if len(form.get(name, "")) > most.get(name, MAX_FIELD)
    ]


def _degrees(form: dict[str, str], name: str, most: int, wrong: list[WrongField]) -> float | None:
    if name not in form:
        return None
    if not _NUMBER.fullmatch(form[name]) or abs(float(form[name])) > most:
        wrong.append(_field(name, "not-degrees", f"must be a number from -{most} to {most} (WGS84)"))
        return 0.0
    return float(form[name])


def _name(form: dict[str, Any]) -> str | None:
    first, last = form.get("first_name", ""), form.get("last_name", "")
    return (last + first if _HAN.search(last + first) else f"{first} {last}".strip()) or None


_TEXT: Final[dict[str, Any]] = {"type": "string", "maxLength": MAX_FIELD}
FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["service_code"],
    "description": "One of lat and long, address_string, address_id. Attributes are named attribute[code].",
    "properties": {
        "api_key": {"type": "string", "description": "a token of the role app; or the header Authorization"},
        "jurisdiction_id": {"type": "string"},
        "service_code": {"type": "string", "description": "one of the services"},
        "description": {"type": "string", "maxLength": MAX_DESCRIPTION},
        "lat": {"type": "number", "minimum": -90, "maximum": 90},
        "long": {"type": "number", "minimum": -180, "maximum": 180},
        **dict.fromkeys(
            ("address_string", "address_id", "email", "first_name", "last_name", "phone", "media_url"), _TEXT
        ),
        "attribute[area]": {"type": "string", "description": "the township; or address_id"},
        "attribute[kind]": {"type": "string", "enum": [kind.value for kind in Kind]},
    },
}
"""The form, for the OpenAPI document; device_id and account_id may be sent, and are not kept."""
