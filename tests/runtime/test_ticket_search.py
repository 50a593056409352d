"""Questions about many tickets at once, asked of a view that was fed the facts of real lives."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schemas.facts import Fact, TicketOpened
from schemas.wire import encode
from services.core.policy import Policy
from services.core.service import Position
from services.runtime.engine import Record
from services.runtime.ticket_search import TicketSearch, Wanted
from services.runtime.ticket_view import TicketView
from tests.explained import life


def urged(by: str, number: int, **named: str) -> Record:
    """A fact of ticket T-a: its caller brought the matter again."""
    fact = {"stage": "dispatched", "generation": 1, "unit": None, "platform": by, **named}
    headers = {"ce_type": "ticket.urged.v1", "ce_id": f"f-{number}", "ce_time": "2026-09-24T09:00:00Z"}
    said = [(name, text.encode()) for name, text in (headers | {"ce_sequence": str(number)}).items()]
    return Record(Position("ticket-events", 0, 1000 + number), b"T-a", json.dumps(fact).encode(), tuple(said), 0)


def facts_of(policy: Policy) -> list[Fact]:
    return list(life(policy)[1])


def fed(path: Path, facts: list[Fact], platforms: dict[str, str]) -> TicketSearch:
    view = TicketView(path / "view.sqlite")
    records = []
    for token, platform in platforms.items():
        for fact in facts:
            said = fact.model_copy(update={"subject": token})
            if isinstance(said, TicketOpened):
                said = said.model_copy(update={"platform": platform})
            headers, value = encode(said)
            records.append(Record(Position("ticket-events", 0, len(records)), token.encode(), value, tuple(headers), 0))
    view.take(records)
    return TicketSearch(view.connection)


@pytest.fixture
def facts(policy: Policy) -> list[Fact]:
    return facts_of(policy)


@pytest.fixture
def search(tmp_path: Path, facts: list[Fact]) -> TicketSearch:
    return fed(tmp_path, facts, {"T-a": "open311:app", "T-b": "open311:other", "T-c": "dq12345", "T-d": "open3110"})


def tokens(search: TicketSearch, **asked: object) -> list[str]:
    return [row["token"] for row in search.tickets(Wanted("open311:", **asked))]  # type: ignore[arg-type]


def test_tickets_are_found_by_the_beginning_of_their_platform(search: TicketSearch, facts: list[Fact]) -> None:
    assert tokens(search) == ["T-a", "T-b"]
    assert tokens(search, limit=1) == ["T-a"]
    assert tokens(search, tokens=["T-b", "T-c", "T-x"]) == ["T-b"]
    opened = facts[0]
    assert isinstance(opened, TicketOpened)
    assert tokens(search, categories=[opened.category, "x"]) == ["T-a", "T-b"]
    assert tokens(search, categories=["x"]) == []
    assert tokens(search, stages={facts[-1].stage}) == ["T-a", "T-b"]
    assert tokens(search, stages={"held"}) == []


def test_the_days_asked_for_are_met_to_the_second(search: TicketSearch, facts: list[Fact]) -> None:
    at, second = facts[0].time, timedelta(seconds=1)

    def found(since: datetime, until: datetime) -> int:
        return len(tokens(search, since=since, until=until))

    assert found(at, at) == 2
    assert found(at + second, at + 2 * second) == 0
    assert found(at - 2 * second, at - second) == 0


def test_the_newest_fact_and_the_newest_case_clock_are_given(search: TicketSearch, facts: list[Fact]) -> None:
    types = {"ticket.opened.v1", "ticket.dispatched.v1"}
    last = [fact for fact in facts if fact.type in types][-1]
    found = search.latest(["T-a", "T-x"], types)
    assert list(found) == ["T-a"]
    assert found["T-a"][0] == last.type
    assert datetime.fromisoformat(found["T-a"][1]) == last.time
    due = [clock.due_at for fact in facts for clock in fact.started if clock.kind == "case"]
    assert len(due) > 1, "an extension moved it"
    assert datetime.fromisoformat(search.due(["T-a"], "case")["T-a"]) == due[-1]
    assert search.due(["T-a"], "no-such-clock") == search.due([], "case") == {}


def test_a_matter_that_was_taken_for_an_urge_is_found_as_the_ticket_that_it_urged(
    tmp_path: Path, facts: list[Fact]
) -> None:
    search = fed(tmp_path, facts, {"T-a": "open311:app", "T-b": "open311:app"})
    view = TicketView(tmp_path / "view.sqlite")
    view.take([urged("dq12345", 101), urged("yn12345", 102, instead_of="T-z"), urged("yn12345", 102, instead_of="T-y")])
    assert ["T-a", "T-a", "T-b", None] == [view.handled_as(token) for token in ("T-z", "T-a", "T-b", "T-y")]
    assert [True, False] == [view.urged(platform, "T-a") for platform in ("yn12345", "dq12345")]
    assert not view.urged("yn12345", "T-b")
    assert ["T-a"] == tokens(search, tokens=["T-z"])
    assert ["T-a", "T-b"] == tokens(search, tokens=["T-b", "T-z"])
    assert [] == tokens(search, tokens=["T-y"])
