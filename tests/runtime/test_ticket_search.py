"""Questions about many tickets at once, asked of a view that was fed the facts of real lives."""

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
