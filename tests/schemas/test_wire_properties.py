"""Properties of the wire: what is written is read again; whatever comes, it is an event or a `WireError`."""

import json
import string
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.commands import OpenTicket
from schemas.envelope import Event, Instant, Token
from schemas.events import BY_TYPE, AnyEvent
from schemas.facts import TicketDispatched
from schemas.values import Actor, Clock, LimitOverride, Mark, RulebookRef, StoppedClock
from schemas.vocabulary import (
    AcceptedBy,
    Channel,
    ClockKind,
    DispatchReason,
    Kind,
    Lane,
    Role,
    Rung,
    Stage,
    StopOutcome,
)
from schemas.wire import WireError, decode, encode
from tests.schemas.example_records import EVERY, event

TOKEN = TypeAdapter(Token)
FIRST = string.ascii_letters + string.digits
tokens = st.builds(lambda a, b: a + b, st.sampled_from(FIRST), st.text(st.sampled_from(FIRST + "._:@/-"), max_size=79))
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones)  # noqa: DTZ001 - given zones
bases = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)
subjects = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
small = st.integers(0, 2**40)
maybe_tokens = st.none() | tokens

overrides = st.builds(LimitOverride, working_days=st.integers(1, 250), due_at=st.none(), legal_basis=bases) | st.builds(
    LimitOverride, working_days=st.none(), due_at=instants, legal_basis=bases
)
marks = st.builds(Mark, rung=st.sampled_from(Rung), at=instants)
clocks = st.builds(
    Clock, kind=st.sampled_from(ClockKind), cycle=small, started_at=instants, due_at=instants, limit=bases,
    article=bases, calendar=tokens, provisional=st.booleans(), marks=st.lists(marks, max_size=3).map(tuple),
)  # fmt: skip
stopped = st.builds(
    StoppedClock, kind=st.sampled_from(ClockKind), cycle=small, due_at=instants, stopped_at=instants,
    outcome=st.sampled_from(StopOutcome),
)  # fmt: skip
openings = st.builds(
    OpenTicket, id=tokens, source=bases, subject=subjects, time=instants, causation=maybe_tokens,
    sequence=st.none() | st.integers(1, 2**53), actor=st.builds(Actor, role=st.sampled_from(Role), id=tokens),
    platform=tokens, upstream_id=tokens, kind=st.sampled_from(Kind), category=tokens, area=tokens,
    channel=st.sampled_from(Channel), lane=st.sampled_from(Lane), lane_code=maybe_tokens, call_number=maybe_tokens,
    knowledge_article=maybe_tokens, pii_ref=tokens, anonymous=st.booleans(), secrecy_requested=st.booleans(),
    accepted_by=st.sampled_from(AcceptedBy), upstream_due_at=st.none() | instants,
    limit_override=st.none() | overrides,
)  # fmt: skip
dispatches = st.builds(
    TicketDispatched, id=tokens, source=bases, subject=subjects, time=instants, causation=maybe_tokens,
    sequence=st.integers(1, 2**53), stage=st.sampled_from(Stage), kind=st.sampled_from(Kind),
    generation=st.integers(1, 99), round=small, cycle=small, unit=maybe_tokens, unit_group=maybe_tokens, article=bases,
    rulebook=st.builds(RulebookRef, jurisdiction=tokens, version=tokens, hash=tokens),
    started=st.lists(clocks, max_size=3).map(tuple), stopped=st.lists(stopped, max_size=3).map(tuple),
    reason=st.sampled_from(DispatchReason), rule=tokens,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(openings | dispatches)
def test_what_is_written_is_read_again(said: Event) -> None:
    assert said == decode(*encode(said))
    assert encode(said) == encode(decode(*encode(said))), "and writing is deterministic"


@settings(max_examples=100, deadline=None)
@given(openings | dispatches)
def test_the_union_tells_the_same_event_as_the_wire(said: Event) -> None:
    assert said == AnyEvent.validate_json(said.model_dump_json())


@given(instants)
def test_every_instant_is_kept_in_utc_and_stays_the_same_instant(instant: datetime) -> None:
    kept = TypeAdapter(Instant).validate_python(instant)
    assert (instant, UTC) == (kept, kept.tzinfo)


@given(tokens)
@example("T-example2bulky2waste2life")
@example("weixi@2025-11-04:b0ebef10d80a")
def test_a_token_is_taken_as_it_is(token: str) -> None:
    assert token == TOKEN.validate_python(token)


@given(tokens, st.characters().filter(lambda c: c not in FIRST + "._:@/-"), tokens)
@example("a", " ", "b")
@example("a", "\n", "b")
@example("a", "张", "b")
def test_a_token_with_a_space_or_a_letter_of_a_text_is_refused(before: str, between: str, after: str) -> None:
    for planted in (before[:30] + between + after[:30], before[:30] + between, between + after[:30]):
        with pytest.raises(ValidationError):
            TOKEN.validate_python(planted)


@pytest.mark.parametrize(
    "text", ["", " ", "T-1\n", "-x", "住在保和镇", "two words", "x" * 81, "a,b", "a;b", "a|b", "+86"]
)
def test_free_text_is_no_token(text: str) -> None:
    with pytest.raises(ValidationError):
        TOKEN.validate_python(text)


def outcome(headers: Any, value: bytes | None) -> str:
    """Say what became of a record; anything but an event or a `WireError` fails the test by itself."""
    try:
        decode(headers, value)
    except WireError as error:
        return error.code
    return "taken"


names = st.sampled_from(["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_sequence"])
types = st.sampled_from([name.encode() for name in BY_TYPE])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(names | st.text(max_size=9), st.none() | st.binary(max_size=30) | types)), st.binary())
def test_no_bytes_whatever_break_the_reader(headers: Any, value: bytes) -> None:
    assert outcome(headers, value) != ""


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
    | st.sampled_from(["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+14:00", "24:00", "2026-02-30T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([e for _, e in EVERY]), st.data())
def test_no_value_in_any_field_of_any_type_breaks_the_reader(chosen: dict[str, Any], data: st.DataObject) -> None:
    value = dict(chosen["value"])
    headers = list(encode(event(chosen))[0])
    spoilt = data.draw(st.sampled_from([*value, "ce_time", "ce_sequence"]))
    if spoilt.startswith("ce_"):
        headers = [*headers, (spoilt, json.dumps(data.draw(junk)).strip('"').encode())]
    else:
        value[spoilt] = data.draw(junk)
    assert outcome(headers, json.dumps(value).encode()) in {"taken", "invalid-field", "not-json"}
