"""What a platform is told of its matters: which facts, in which words, and when it is tried again (Art. 4)."""

import json
from datetime import timedelta

import pytest

from schemas.docs import STORY
from schemas.events import type_of
from schemas.facts import TICKET_FACTS, Fact
from schemas.vocabulary import Role
from services.core.feedback import (
    DETAILS,
    JITTER,
    MOVED,
    REFUSED,
    RETRY_SECONDS,
    USUAL,
    case_due,
    message,
    wait_seconds,
    word_of,
)
from tests.schemas.example_records import of
from tests.schemas.test_contract_words import PERSONAL

LIFE = [fact for fact in of("ticket-events", STORY) if isinstance(fact, Fact)]
FAMILIES = {type_of(cls).rsplit(".", 1)[0] for cls in TICKET_FACTS}


def words(events: tuple[str, ...]) -> dict[int, str]:
    """Give the word for each fact of the story that a platform is told of, by the fact's number."""
    found: dict[int, str] = {}
    before: str | None = None
    for number, fact in enumerate(LIFE, 1):
        due = case_due(fact.model_dump(mode="json")["started"])
        asked_by = getattr(fact, "asked_by", None)
        word = word_of(fact.type, events, moves=None not in {before, due} and before != due, asked_by=asked_by)
        before = due or before
        if word is not None:
            found[number] = word
    return found


def told(sequence: int, **own: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(message(LIFE[:sequence], words(USUAL)[sequence], own))
    return found


def test_every_word_but_one_is_a_fact_of_the_mesh() -> None:
    assert {MOVED} == set(DETAILS) - FAMILIES
    assert set(USUAL) <= set(DETAILS)


def test_a_platform_is_usually_told_of_its_ticket_s_stations_in_their_order() -> None:
    assert list(words(USUAL).items()) == [
        (5, "ticket.dispatched"), (10, "ticket.dispatched"), (16, "extension.requested"), (17, "extension.refused"),
        (18, "extension.requested"), (20, "extension.granted"), (21, "reply.submitted"), (29, "reply.submitted"),
        (35, "ticket.redispatched"), (37, "reply.submitted"), (43, "ticket.closed"), (44, "ticket.reopened"),
        (47, "ticket.withdrawn"),
    ]  # fmt: skip


def test_a_moved_deadline_is_told_once_under_its_own_name_or_as_such() -> None:
    assert words((MOVED,)) == {20: MOVED}
    assert words((MOVED, "extension.granted")) == {20: "extension.granted"}


@pytest.mark.parametrize("role", [*Role, None])
def test_a_refusal_is_told_to_the_platform_that_was_refused_and_to_no_other(role: Role | None) -> None:
    word = word_of("command.refused.v1", (REFUSED,), moves=False, asked_by=role)
    assert word == (REFUSED if role is Role.PLATFORM else None)


def test_the_due_instant_is_the_case_clock_s_as_it_stood_after_the_fact() -> None:
    dues = [told(sequence)["data"]["due_at"] for sequence in (5, 16, 20, 43)]  # type: ignore[index]
    assert dues == ["2026-09-21T10:00:00Z"] * 2 + ["2026-09-23T10:00:00Z"] * 2


def test_the_closing_tells_outcome_rating_and_stations_under_the_platform_s_own_number() -> None:
    said = told(43, **{"ticket.closed": "已办结"})
    assert (said["type"], said["timestamp"]) == ("ticket.closed", "2026-09-30T02:00:00Z")
    data = said["data"]
    assert isinstance(data, dict)
    expected = {
        "upstream_id": LIFE[0].model_dump()["upstream_id"], "status": "已办结", "stage": "closed", "sequence": 43,
        "resolution": "explained", "rating": "dissatisfied", "unit": "U-SANITATION", "round": 1,
    }  # fmt: skip
    assert expected == {name: data[name] for name in expected}


def test_a_message_of_a_reply_has_this_and_nothing_else() -> None:
    opened, reply = LIFE[0], LIFE[20]
    assert {
        "type": "reply.submitted",
        "timestamp": reply.model_dump(mode="json")["time"],
        "data": {
            "ticket": reply.subject,
            "platform": opened.model_dump()["platform"],
            "upstream_id": opened.model_dump()["upstream_id"],
            "sequence": 21,
            "submission": reply.causation,
            "status": "replied",
            "stage": "replied",
            "kind": "help",
            "generation": 1,
            "round": 0,
            "unit": "U-SANITATION",
            "opened_at": opened.model_dump(mode="json")["time"],
            "due_at": "2026-09-23T10:00:00Z",
            "accepted_by": "prefecture",
            "article": reply.article,
            "result": "promised",
        },
    } == told(21)


def test_instants_of_a_fact_s_own_are_told_as_the_contract_writes_them() -> None:
    data = told(20)["data"]
    assert isinstance(data, dict)
    own = LIFE[19].model_dump(mode="json")
    assert [own["old_due_at"], own["new_due_at"], 1] == [data[name] for name in ("old_due_at", "new_due_at", "count")]


def test_facts_without_the_opening_are_no_ticket() -> None:
    with pytest.raises(TypeError, match=r"^a ticket begins with ticket\.opened$"):
        message(LIFE[1:3], "ticket.dispatched", {})


def test_an_unknown_fact_is_told_of_only_if_it_moves_the_deadline() -> None:
    assert (None, MOVED) == tuple(word_of("new.fact.v1", USUAL, moves=moves) for moves in (False, True))


def test_nothing_that_is_told_is_about_a_person_nor_leads_to_the_vault() -> None:
    for sequence, word in words(tuple(DETAILS)).items():
        data = json.loads(message(LIFE[:sequence], word, {}))["data"]
        assert [] == [name for name in data if name.endswith("_ref") or set(name.split("_")) & PERSONAL]


def test_the_same_facts_give_the_same_bytes() -> None:
    assert message(LIFE[:20], MOVED, {}) == message(list(LIFE[:20]), MOVED, {})


def test_the_waits_grow_over_days_and_end() -> None:
    waits = [wait_seconds("d", attempt, RETRY_SECONDS) for attempt in range(1, len(RETRY_SECONDS) + 1)]
    assert all(w is not None for w in waits)
    assert waits == sorted(w for w in waits if w is not None)
    assert timedelta(days=3) < timedelta(seconds=sum(RETRY_SECONDS)) < timedelta(days=4)
    assert wait_seconds("d", len(RETRY_SECONDS) + 1, RETRY_SECONDS) is None


@pytest.mark.parametrize("attempt", [1, 11])
def test_the_jitter_spreads_deliveries_and_is_the_same_for_the_same_one(attempt: int) -> None:
    wait = RETRY_SECONDS[attempt - 1]
    found = [wait_seconds(f"d{n}", attempt, RETRY_SECONDS) for n in range(200)]
    assert found == [wait_seconds(f"d{n}", attempt, RETRY_SECONDS) for n in range(200)]
    shares = [w / wait for w in found if w is not None]
    assert 1 - JITTER / 2 <= min(shares) < 1 - JITTER / 4
    assert 1 + JITTER / 4 < max(shares) <= 1 + JITTER / 2
