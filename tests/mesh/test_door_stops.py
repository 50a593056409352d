"""A defect of ours at the door stops it; what a platform sends wrongly never does. One topic alone is in the clear."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from schemas.topics import load
from schemas.wire import encode
from services.core.policy import Policies
from services.core.service import Position
from services.intake.front import FEED, Door
from services.runtime import wall
from services.runtime.engine import Record
from services.runtime.letters import read_letters
from services.runtime.metrics import Metrics
from services.runtime.policy_files import load_knowledge
from services.runtime.settings import Settings
from services.runtime.spoilage import TooManyDeadLettersError
from services.runtime.topics_admin import apply
from tests.mesh.test_bad_records import attributes
from tests.services.test_door import submitted

pytestmark = pytest.mark.broker


@pytest.fixture
def door(settings: Settings, policies: Policies) -> Iterator[Door]:
    apply(settings, load())
    knowledge = load_knowledge(settings.policy_dir, settings.jurisdiction)
    door = Door(settings, policies, knowledge, Metrics("intake", "0"))
    yield door
    door.close()


def records(count: int, *, readable: bool) -> list[Record]:
    headers, value = encode(submitted()) if readable else (attributes(b"upstream.ticket.submitted.v1"), b"{")
    return [Record(Position(FEED, 0, number), b"k", value, tuple(headers), 1.0) for number in range(count)]


def test_hundreds_of_unreadable_records_of_a_platform_do_not_close_the_door(door: Door) -> None:
    door.carry(records(300, readable=False))
    assert 300 == len(read_letters(door.settings, load(), ["intake"]))


def test_a_failing_deployment_of_the_door_stops_it_and_the_batch_is_not_committed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_said: object) -> None:
        raise ZeroDivisionError  # planted

    monkeypatch.setattr(door, "hear", fails)
    door.carry(records(49, readable=True))
    with pytest.raises(TooManyDeadLettersError, match=r"50 of the last 50 of upstream-tickets/0"):
        door.carry(records(1, readable=True))  # the feed commits only what `carry` returned from
    letters = read_letters(door.settings, load(), ["intake"])
    assert ({"handler-error"}, 49) == ({letter.code for letter in letters}, len(letters))


def test_one_topic_alone_is_in_the_clear_and_no_other_with_tickets_is_kept_for_a_shorter_time() -> None:
    topics = load()
    assert [FEED] == [name for name, topic in topics.items() if topic.personal_data == "clear"]
    with_tickets = [t for t in topics.values() if t.role != "watermarks" and t.retention.days != -1]
    assert topics[FEED].retention.days == min(topic.retention.days for topic in with_tickets) == 3


def test_a_record_that_the_gateway_would_refuse_is_set_aside_and_nothing_of_it_is_lost_or_said(door: Door) -> None:
    headers, value = encode(submitted())
    ahead = encode(submitted(id="m-2", upstream_id="2", time=wall.now() + timedelta(hours=1)))
    mistyped = (headers, value.replace(b'"content"', b'"conten"'))
    came = [Record(Position(FEED, 0, n), b"k", v, tuple(h), 1.0) for n, (h, v) in enumerate((mistyped, ahead))]
    door.carry(came)
    letters = read_letters(door.settings, load(), ["intake"])
    assert [("invalid-field", 0), ("invalid-field", 1)] == [(letter.code, letter.offset) for letter in letters]
    assert ["?: extra_forbidden", "time: lies in the future"] == [letter.reason for letter in letters]
