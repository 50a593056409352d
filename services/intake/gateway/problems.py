"""Answers that say no: problem details (RFC 9457) that name the field and never repeat what was sent."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, ValidationError

MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final = {
    400: ("Bad request", "请求格式错误"),
    401: ("Not authenticated", "未通过身份验证"),
    403: ("Not permitted", "无权进行此操作"),
    404: ("Not found", "未找到"),
    405: ("Method not allowed", "不支持的方法"),
    409: ("Conflict with an earlier message", "与先前的消息冲突"),
    413: ("Too large", "请求过大"),
    415: ("Unsupported media type", "不支持的编码或类型"),
    422: ("Not valid", "内容无效"),
    429: ("Too many requests", "请求过于频繁"),
    500: ("A defect of ours", "系统内部错误"),
    503: ("Come back later", "暂时不可用,请稍后重试"),
}


class WrongField(BaseModel):
    """One wrong field: its path, a stable code, and what is wrong with it."""

    field: str
    code: str
    problem: str


class Problem(BaseModel):
    """Problem details (RFC 9457); `code` is a stable word for programs."""

    type: str
    title: str
    title_zh: str
    status: int
    code: str
    detail: str
    fields: list[WrongField] | None = None


class ProblemError(Exception):
    """A request that is answered with a problem instead of a result."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: list[WrongField] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        title, title_zh = TITLES[status]
        self.headers = dict(headers or {})
        self.problem = Problem(
            type=f"urn:hotline-mesh:problem:{code}", title=title, title_zh=title_zh, status=status, code=code,
            detail=detail, fields=fields,
        )  # fmt: skip
        super().__init__(detail)

    def body(self) -> dict[str, Any]:
        """Give the JSON of the answer."""
        return self.problem.model_dump(exclude_none=True)


def invalid(error: ValidationError, model: type[BaseModel]) -> ProblemError:
    """Give the 422 that names each wrong field and why, without its content.

    The name of an unknown field is content as well: it becomes `?`, with the field that was perhaps meant.
    """
    found = error.errors(include_url=False, include_input=False, include_context=False)
    fields = []
    for wrong in found[:20]:
        path, said = [str(part) for part in wrong["loc"]], wrong["msg"]
        if wrong["type"] == "extra_forbidden":
            meant = get_close_matches(path[-1], model.model_fields, 1)
            path[-1], said = "?", "unknown field" + (f"; did you mean {meant[0]}?" if meant else "")
        fields.append(WrongField(field=".".join(path), code=wrong["type"], problem=said))
    return ProblemError(422, "invalid-field", f"{len(found)} fields are not valid", fields=fields)
