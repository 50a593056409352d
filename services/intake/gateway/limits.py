"""How large a body may be, and of what shape; checked before anything in it is believed.

Order of checks at the door: size, signature, parse, shape, schema, business.
"""

from typing import Any, Final

from pydantic_core import from_json
from starlette.requests import Request

from services.intake.gateway.problems import ProblemError

MAX_BODY: Final = 262_144
"""Bytes of a single message."""
MAX_BATCH_BODY: Final = 4_194_304
"""Bytes of a batch."""
MAX_BATCH: Final = 500
MAX_DEPTH: Final = 32
MAX_KEYS: Final = 512
MAX_STRING: Final = 32_000
MAX_ARRAY: Final = 200


async def read(request: Request, limit: int = MAX_BODY) -> bytes:
    """Give the raw body; raises a 413 beyond `limit` bytes, a 415 for a compressed body (no bombs at this door)."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(415, "content-encoding", "content-encoding: send the body uncompressed")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise ProblemError(413, "too-large", f"the body may have at most {limit} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise ProblemError(413, "too-large", f"the body may have at most {limit} bytes")
    return bytes(body)


def parse(body: bytes) -> Any:
    """Give the JSON value of `body`; raises a 400 if it is none, a 422 if its shape is beyond the limits."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise ProblemError(400, "not-json", "the body is not JSON in UTF-8") from None
    _check_shape(value)
    return value


def _check_shape(root: Any) -> None:
    keys = 0
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ProblemError(422, "too-deep", f"at most {MAX_DEPTH} levels of nesting")
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                if len(value) > MAX_STRING:
                    raise ProblemError(422, "string-too-long", f"a text may have at most {MAX_STRING} characters")
            elif isinstance(value, dict):
                keys += len(value)
                below += value.values()
            elif isinstance(value, list):
                if depth > 1 and len(value) > MAX_ARRAY:
                    raise ProblemError(422, "array-too-long", f"a list may have at most {MAX_ARRAY} members")
                below += value
        level = below
    if keys > MAX_KEYS * (len(root) if isinstance(root, list) else 1):
        raise ProblemError(422, "too-many-keys", f"a message may have at most {MAX_KEYS} fields")
