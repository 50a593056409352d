"""The wire: every record that is no event of the mesh is refused with a stable code, and never repeated."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid5

import pytest
from pydantic import ValidationError

from schemas import wire
from schemas.commands import AssignTicket, PulseClock
from schemas.envelope import NAMESPACE, derived_id
from schemas.supervision import ScorePublished
from schemas.values import Actor
from schemas.vocabulary import Role
from schemas.wire import MAX_BYTES, WireError, decode, encode
from tests.schemas.example_records import EVERY, event

CANARY = "CANARY-张三-13912345678"
"""Stands for what must not leak into a message, a log or a header."""
NOON = datetime(2026, 9, 17, 4, tzinfo=UTC)
ASSIGN = AssignTicket(
    id="m-1", source="/office/desk", subject="T-1", time=NOON, actor=Actor(role=Role.OFFICE, id="desk"), unit="U-1"
)
GOOD_HEADERS, GOOD_VALUE = encode(ASSIGN)
BODY = json.loads(GOOD_VALUE)


def headers(**changes: bytes | None) -> list[tuple[str, bytes | None]]:
    """Give good headers with some replaced, or left out (None)."""
    told = dict(GOOD_HEADERS) | {f"ce_{name}": content for name, content in changes.items()}
    return [(name, content) for name, content in told.items() if content is not None]


def body(**changes: Any) -> bytes:
    return json.dumps(BODY | changes, ensure_ascii=False).encode()


def score(**changes: Any) -> tuple[list[tuple[str, bytes | None]], bytes]:
    """Give the example of a score with some fields replaced; NaN and Infinity are written as Python does."""
    said = next(event(e) for p, e in EVERY if p.parent.name == "score.published.v1")
    told, value = encode(said)
    return list(told), json.dumps(json.loads(value) | changes).encode()


def watermark() -> tuple[list[tuple[str, bytes | None]], bytes]:
    told = headers(type=b"watermark.published.v1")
    return told, json.dumps({"service": "router", "positions": {CANARY: CANARY}}).encode()


C = CANARY.encode()
HOSTILE: dict[str, tuple[str, Callable[[], tuple[Any, bytes | None]]]] = {
    "too long": ("oversized", lambda: (headers(), b'{"unit":"' + C * (MAX_BYTES // len(C) + 1) + b'"}')),
    "no headers": ("missing-header", lambda: (None, C)),
    "no type": ("missing-header", lambda: (headers(type=None), C)),
    "a type without content": ("missing-header", lambda: ([("ce_type", None)], C)),
    "an id that is not UTF-8": ("bad-header", lambda: (headers(id=C + b"\xff"), GOOD_VALUE)),
    "another CloudEvents version": ("bad-header", lambda: (headers(specversion=C), GOOD_VALUE)),
    "no CloudEvents version": ("bad-header", lambda: (headers(specversion=None), GOOD_VALUE)),
    "an unknown type": ("unknown-type", lambda: (headers(type=C), GOOD_VALUE)),
    "an unknown version": ("unknown-version", lambda: (headers(type=b"ticket.assign.v" + C), GOOD_VALUE)),
    "a tombstone": ("empty-value", lambda: (headers(), None)),
    "nothing": ("not-json", lambda: (headers(), b"")),
    "no JSON": ("not-json", lambda: (headers(), C)),
    "a JSON text": ("not-json", lambda: (headers(), b'"' + C + b'"')),
    "a JSON list": ("not-json", lambda: (headers(), b'["' + C + b'"]')),
    "cut off": ("not-json", lambda: (headers(), b'{"unit": "' + C)),
    "not UTF-8": ("not-json", lambda: (headers(), b'{"unit": "' + C + b'\xff"}')),
    "GBK": ("not-json", lambda: (headers(), '{"unit": "维西"}'.encode("gbk"))),
    "a lone surrogate": ("not-json", lambda: (headers(), b'{"unit": "' + C + b'\\ud800"}')),
    "nested 300 deep": ("not-json", lambda: (headers(), b'{"x":' * 300 + b'"' + C + b'"' + b"}" * 300)),
    "a number of 5,000 digits": ("not-json", lambda: (headers(), b'{"x":' + b"9" * 5000 + b"}")),
    "NaN": ("not-json", lambda: score(score=float("nan"))),
    "Infinity": ("not-json", lambda: score(score=float("inf"))),
    "a number beyond floats": ("invalid-field", lambda: (score()[0], score()[1].replace(b"null", b"1e999"))),
    "free text as a token": ("invalid-field", lambda: (headers(), body(unit=CANARY))),
    "a wrong word": ("invalid-field", lambda: (headers(), body(actor={"role": CANARY, "id": "x"}))),
    "a missing field": ("invalid-field", lambda: (headers(), json.dumps({"actor": CANARY}).encode())),
    "a wrong number in a map": ("invalid-field", watermark),
    "an id with spaces": ("invalid-field", lambda: (headers(id=b"a b " + C), GOOD_VALUE)),
    "no id": ("invalid-field", lambda: (headers(id=None), GOOD_VALUE)),
    "no source": ("invalid-field", lambda: (headers(source=None), GOOD_VALUE)),
    "no time": ("invalid-field", lambda: (headers(time=None), GOOD_VALUE)),
    "a time in words": ("invalid-field", lambda: (headers(time=C), GOOD_VALUE)),
    "a naive time": ("invalid-field", lambda: (headers(time=b"2026-09-17T12:00:00"), GOOD_VALUE)),
    "a time as a number": ("invalid-field", lambda: (headers(time=b"1789617600"), GOOD_VALUE)),
    "a time before year 1 in UTC": ("invalid-field", lambda: (headers(time=b"0001-01-01T00:00:00+08:00"), GOOD_VALUE)),
    "a time after 9999 in UTC": ("invalid-field", lambda: (headers(time=b"9999-12-31T23:59:59-08:00"), GOOD_VALUE)),
    "a sequence in words": ("invalid-field", lambda: (headers(sequence=C), GOOD_VALUE)),
    "a sequence of zero": ("invalid-field", lambda: (headers(sequence=b"0"), GOOD_VALUE)),
    "a subject too long": ("invalid-field", lambda: (headers(subject=C * 9), GOOD_VALUE)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_record_is_refused_with_its_code_and_never_repeated(name: str) -> None:
    code, planted = HOSTILE[name]
    with pytest.raises(WireError) as caught:
        decode(*planted())
    assert code == caught.value.code
    for leak in ("CANARY", "张三", "139123"):
        assert leak not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert len(str(caught.value)) < 600


def test_every_code_of_the_wire_is_produced_here_and_explained_in_the_readme() -> None:
    source = Path(wire.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r'raise WireError\(\s*"([a-z-]+)"', source))
    assert codes == {code for code, _ in HOSTILE.values()}
    readme = (Path(wire.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert [] == [code for code in sorted(codes) if f"| `{code}` |" not in readme]


def test_the_unspoilt_record_is_taken() -> None:
    assert ASSIGN == decode(headers(), GOOD_VALUE)


def test_the_largest_value_allowed_is_taken() -> None:
    padding = MAX_BYTES - len(body(later=""))
    assert ASSIGN == decode(headers(), body(later="x" * padding))
    with pytest.raises(WireError, match="1000001 bytes"):
        decode(headers(), body(later="x" * (padding + 1)))


def test_readers_ignore_fields_and_headers_that_they_do_not_know() -> None:
    more = [*headers(), ("ce_traceparent", b"\xff\xfe"), (f"ce_{CANARY}", b"\xff"), ("other", b"\xff"), ("ce_x", None)]
    assert ASSIGN == decode(more, body(later=CANARY, actor=BODY["actor"] | {"later": 1}))


def test_a_field_in_the_value_does_not_stand_for_a_header() -> None:
    assert ASSIGN == decode(headers(), body(id="m-2", source="/elsewhere", subject="T-2", time="2020-01-01T00:00:00Z"))


def test_writers_cannot_emit_undeclared_fields() -> None:
    told = AssignTicket.model_validate(ASSIGN.model_dump() | {"citizen": CANARY})
    assert GOOD_VALUE == encode(told)[1]
    assert GOOD_VALUE == encode(ASSIGN.model_copy(update={"citizen": CANARY}))[1]


def test_writers_cannot_emit_a_class_of_their_own() -> None:
    class Chatty(AssignTicket):
        citizen: str = CANARY

    with pytest.raises(TypeError, match=r"^Chatty is not the class of ticket\.assign\.v1 in schemas\.events$"):
        encode(Chatty.model_validate(ASSIGN.model_dump()))


def test_writers_cannot_emit_undeclared_fields_inside_a_value() -> None:
    class ChattyActor(Actor):
        citizen: str = CANARY

    told = ASSIGN.model_copy(update={"actor": ChattyActor(role=Role.OFFICE, id="desk")})
    assert GOOD_VALUE == encode(told)[1]


def test_a_naive_time_is_refused_before_it_is_written() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        PulseClock(id="p", source="/x", time=datetime(2026, 9, 17, 12))  # noqa: DTZ001 - the point of the test


def test_a_local_time_is_kept_and_written_in_utc() -> None:
    pulse = PulseClock(id="p", source="/x", time=datetime(2026, 9, 17, 12, tzinfo=timezone(timedelta(hours=8))))
    assert (NOON, UTC) == (pulse.time, pulse.time.tzinfo)
    assert b"2026-09-17T04:00:00Z" == dict(encode(pulse)[0])["ce_time"]
    assert NOON == decode(headers(time=b"2026-09-17T12:00:00+08:00"), GOOD_VALUE).time


def test_nan_is_refused_before_it_is_written() -> None:
    said = next(event(e) for p, e in EVERY if p.parent.name == "score.published.v1")
    with pytest.raises(ValidationError, match="finite"):
        ScorePublished.model_validate(said.model_dump() | {"score": float("nan")})


def test_the_sequence_header_is_text() -> None:
    example = next(e for p, e in EVERY if p.parent.name == "ticket.closed.v1")
    told = dict(encode(event(example))[0])
    assert b"43" == told["ce_sequence"]
    assert 43 == event(example).sequence


def test_headers_are_those_of_the_binary_mode() -> None:
    expected = {
        "ce_specversion": b"1.0", "ce_id": b"m-1", "ce_source": b"/office/desk", "ce_type": b"ticket.assign.v1",
        "ce_time": b"2026-09-17T04:00:00Z", "content-type": b"application/json", "ce_subject": b"T-1",
        "ce_partitionkey": b"T-1",
    }  # fmt: skip
    assert expected == dict(GOOD_HEADERS)
    assert len(expected) == len(GOOD_HEADERS), "no header twice"


def test_a_pulse_has_no_subject_no_key_and_an_empty_value() -> None:
    told, value = encode(PulseClock(id="p", source="/x", time=NOON))
    assert not {"ce_subject", "ce_partitionkey", "ce_sequence", "ce_causation"} & {name for name, _ in told}
    assert b"{}" == value


def test_a_derived_id_is_the_same_on_every_machine() -> None:
    assert "5365fda2-59de-5143-bbdb-6779f15b1d04" == derived_id("T-example2bulky2waste2life", 5, "ticket.dispatched.v1")


def test_a_derived_id_is_a_uuid_of_version_5() -> None:
    assert derived_id("單", 7, None) == str(uuid5(NAMESPACE, "單|7|None"))
