"""What is owed to platforms follows from the log: owed once, in order, settled for good, and found again anywhere."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.docs import STORY
from schemas.envelope import Event
from schemas.facts import Fact
from schemas.feedback import Fed, FeedbackAbandoned, FeedbackReceived
from schemas.wire import encode
from services.core.feedback import MOVED
from services.core.service import Position
from services.runtime.engine import Record
from services.runtime.letters import REPLAYED
from services.runtime.outbox import Delivery, Outbox
from services.runtime.platform_files import Feedback
from services.runtime.ticket_view import TicketView
from tests.schemas.example_records import of

LIFE = [fact for fact in of("ticket-events", STORY) if isinstance(fact, Fact)]
PLATFORM = str(LIFE[0].model_dump()["platform"])
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
EVENTS = ("ticket.dispatched", "ticket.closed", MOVED)
LATER = 2e9


def asked(since: datetime = BEGIN, events: Iterable[str] = EVENTS) -> dict[str, Feedback]:
    return {PLATFORM: Feedback(url="https://platform.example/in", since=since, events=tuple(events))}


def record(event: Event, topic: str, offset: int, key: str | None = STORY) -> Record:
    headers, value = encode(event)
    return Record(Position(topic, 0, offset), (key or "").encode(), value, tuple(headers), 1000.0 + offset)


FACTS = [record(fact, "ticket-events", offset) for offset, fact in enumerate(LIFE)]


class Desk:
    """A ticket view with its outbox."""

    def __init__(self, path: Path, platforms: dict[str, Feedback] | None = None) -> None:
        self.outbox = Outbox(asked() if platforms is None else platforms)
        self.view = TicketView(path / "tickets.sqlite", self.outbox)

    def heard(self, records: Iterable[Record] = FACTS) -> "Desk":
        self.view.take(list(records))
        return self

    def next(self, now: float = LATER) -> list[Delivery]:
        return self.outbox.due(PLATFORM, now, {0, 1, 2, 3}, 100)

    def owed(self) -> list[tuple[int, str]]:
        """Settle what is owed, one after the other; gives it in the order in which it would be told."""
        found = []
        while self.next():
            (delivery,) = self.next()
            found.append((delivery.sequence, delivery.word))
            self.outbox.settle(outcome(FeedbackReceived, delivery))
        return found


def outcome(cls: type[Fed], delivery: Delivery, at: datetime = BEGIN, **more: str) -> Fed:
    return cls.model_validate(
        {
            "id": f"o-{delivery.id}", "source": "/hotline-mesh/intake", "subject": delivery.ticket, "time": at,
            "causation": delivery.id, "platform": PLATFORM, "upstream_id": "u", "fact_type": "ticket.closed.v1",
            "fact_sequence": delivery.sequence, "attempts": 1,
        } | more
    )  # fmt: skip


def test_the_facts_that_a_platform_asked_for_are_owed_in_the_order_of_the_ticket(tmp_path: Path) -> None:
    assert Desk(tmp_path).heard().owed() == [(5, EVENTS[0]), (10, EVENTS[0]), (20, MOVED), (43, EVENTS[1])]


def test_of_a_ticket_only_the_first_that_is_not_settled_may_go(tmp_path: Path) -> None:
    desk = Desk(tmp_path).heard()
    assert [5] == [delivery.sequence for delivery in desk.next()]
    desk.outbox.failed(desk.next()[0], due=LATER)
    assert [] == desk.next(LATER - 1), "a later fact must not overtake one that waits for its next try"


def test_facts_said_again_and_other_partitions_owe_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path).heard()
    assert [] == desk.outbox.due(PLATFORM, LATER, {1, 2}, 100)
    assert 4 == len(desk.owed())
    again = [replace(r, position=Position("ticket-events", 0, 100 + r.position.offset)) for r in FACTS]
    assert [] == desk.heard(again).owed()


def test_what_happened_before_a_platform_wanted_feedback_is_not_told(tmp_path: Path) -> None:
    closing = LIFE[42].time
    assert [(43, "ticket.closed")] == Desk(tmp_path, asked(since=closing)).heard().owed()
    assert [] == Desk(tmp_path / "b", asked(since=closing + timedelta(seconds=1))).heard().owed()
    assert [] == Desk(tmp_path / "c", {}).heard().owed()


@pytest.mark.parametrize("outcomes_first", [True, False])
def test_a_lost_file_is_read_anew_and_what_was_received_is_not_owed_again(
    tmp_path: Path, *, outcomes_first: bool
) -> None:
    desk = Desk(tmp_path).heard()
    received = [outcome(FeedbackReceived, desk.next()[0])]
    desk.outbox.settle(received[0])
    received.append(outcome(FeedbackReceived, desk.next()[0]))
    outcomes = [record(said, "feedback-events", offset) for offset, said in enumerate(received)]
    fresh = Desk(tmp_path / "fresh")
    if outcomes_first:
        fresh.outbox.take_outcomes(outcomes)
    fresh.heard()
    if not outcomes_first:
        fresh.outbox.take_outcomes(outcomes)
    assert {0: 2} == fresh.outbox.positions()
    assert [20, 43] == [sequence for sequence, _ in fresh.owed()]
    assert {5, 10, 20, 43} == set(fresh.outbox.received(STORY))


def test_what_is_given_up_lets_the_next_go_and_is_owed_again_when_the_dead_letter_is_replayed(tmp_path: Path) -> None:
    desk = Desk(tmp_path).heard()
    (first,) = desk.next()
    given_up = outcome(FeedbackAbandoned, first, at=datetime.fromtimestamp(5000, UTC), code="http-500")
    desk.outbox.settle(given_up)
    assert [10] == [delivery.sequence for delivery in desk.next()]
    assert {} == desk.outbox.received(STORY)
    copy = FACTS[first.sequence - 1]
    copy = replace(copy, position=Position("ticket-events", 0, 200), appended_at=6000.0)
    desk.heard([copy])
    assert [10] == [delivery.sequence for delivery in desk.next()], "a copy that nobody asked for owes nothing"
    asked_for = replace(copy, headers=(*copy.headers, (REPLAYED, b"L-aaaaaaaaaaaa")))
    desk.heard([asked_for])
    assert [(5, 0)] == [(delivery.sequence, delivery.attempts) for delivery in desk.next()]
    desk.outbox.take_outcomes([record(given_up, "feedback-events", 0)])  # heard late, as after a restart
    assert [5, 10, 20, 43] == [sequence for sequence, _ in desk.owed()]
    desk.heard([replace(asked_for, appended_at=7000.0)])
    assert [] == desk.owed(), "what was received is never owed again"


def test_a_moved_deadline_that_was_given_up_can_be_replayed_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, asked(events=(MOVED,))).heard()
    (moved,) = desk.next()
    desk.outbox.settle(outcome(FeedbackAbandoned, moved, code="timeout"))
    copy = FACTS[moved.sequence - 1]
    desk.heard([replace(copy, headers=(*copy.headers, (REPLAYED, b"L-aaaaaaaaaaaa")), appended_at=LATER)])
    assert [(20, MOVED)] == [(d.sequence, d.word) for d in desk.next(LATER + 1)]


def test_other_wishes_of_a_platform_read_the_log_again_and_owe_only_what_is_new(tmp_path: Path) -> None:
    desk = Desk(tmp_path).heard()
    desk.outbox.settle(outcome(FeedbackReceived, desk.next()[0]))
    desk.view.take(FACTS[-1:])
    same = Desk(tmp_path)
    assert {0: len(FACTS)} == same.view.positions()
    changed = Desk(tmp_path, asked(events=("ticket.dispatched", "ticket.signed")))
    assert {} == changed.view.positions()
    owed = changed.heard().owed()
    assert [10] == [sequence for sequence, word in owed if word == "ticket.dispatched"]
    assert {"ticket.dispatched", "ticket.signed"} == {word for _, word in owed}


def test_pending_is_counted_with_the_age_of_the_oldest(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert {PLATFORM: (0, None)} == desk.outbox.pending()
    desk.heard()
    assert {PLATFORM: (4, 1004.0)} == desk.outbox.pending()
