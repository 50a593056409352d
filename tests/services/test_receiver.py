"""The receiver between requests and Kafka: many requests, one acknowledgement; and back-pressure instead of memory."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from services.intake.door import Heard, urge_command
from services.intake.front import Passed
from services.intake.gateway import receiver as module
from services.intake.gateway.problems import ProblemError
from services.intake.gateway.receiver import Receiver
from tests.builders import at
from tests.services.test_door import UpstreamTicketUrged

SAID = UpstreamTicketUrged(
    id="u-1", source="/platform/p", time=at("Wed 2026-09-23 09:00"), platform="p", upstream_id="1"
)
HEARD = urge_command(SAID, "T-1")


class Kafka:
    """Takes when `flows` is set, at once if it is from the beginning, and notes the sizes of batches.

    What it took it acknowledges when `acknowledges` is set.
    """

    def __init__(self) -> None:
        self.flows, self.acknowledges = threading.Event(), threading.Event()
        self.acknowledges.set()
        self.entered = threading.Event()
        self.batches: list[int] = []

    def accept(self, heard: Sequence[Heard]) -> Passed:
        self.entered.set()
        assert self.flows.wait(30)
        self.batches.append(len(heard))
        return Passed(frozenset(), self.acknowledged)

    def acknowledged(self) -> None:
        assert self.acknowledges.wait(30)


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def receiver(kafka: Kafka) -> Iterator[Receiver]:
    made = Receiver(kafka.accept)
    yield made
    kafka.flows.set()
    kafka.acknowledges.set()
    made.close()


Script = Callable[[], Coroutine[Any, Any, None]]


async def refused(receiver: Receiver, *heard: Heard) -> ProblemError:
    with pytest.raises(ProblemError) as found:
        await receiver.take(heard)
    assert (503, str(module.RETRY_AFTER_SECONDS)) == (found.value.problem.status, found.value.headers["retry-after"])
    return found.value


async def standing(receiver: Receiver, kafka: Kafka, *heard: Heard) -> "asyncio.Task[frozenset[int]]":
    """Have one request under way that Kafka does not acknowledge yet."""
    task = asyncio.ensure_future(receiver.take(heard))
    await asyncio.to_thread(kafka.entered.wait, 10)
    return task


def test_what_waits_goes_in_one_batch(receiver: Receiver, kafka: Kafka) -> None:
    async def script() -> None:
        first = await standing(receiver, kafka, HEARD)
        others = [asyncio.ensure_future(receiver.take([HEARD])) for _ in range(30)]
        await asyncio.sleep(0)
        kafka.flows.set()
        await asyncio.gather(first, *others)

    asyncio.run(script())
    assert [1, 30] == kafka.batches


def test_while_a_batch_waits_for_kafka_the_next_is_taken_but_no_third_and_nobody_is_answered(
    receiver: Receiver, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALLED_SECONDS", 0.5)
    kafka.flows.set()
    kafka.acknowledges.clear()

    async def script() -> None:
        tasks = []
        for count in (1, 2, 3, 4, 5):
            tasks.append(asyncio.ensure_future(receiver.take([HEARD] * count)))
            await asyncio.sleep(0.05)
        assert not any(task.done() for task in tasks)
        assert [1, 2, 3] == kafka.batches, "one waits for Kafka, one is ready, one waits for its place"
        await asyncio.sleep(0.4)
        assert "does not acknowledge" in str(await refused(receiver, HEARD))
        kafka.acknowledges.set()
        assert [frozenset()] * 5 == await asyncio.gather(*tasks)
        await receiver.take([HEARD])

    asyncio.run(script())
    assert [1, 2, 3, 9, 1] == kafka.batches


def test_a_batch_that_kafka_does_not_take_fails_alone(receiver: Receiver, kafka: Kafka) -> None:
    def fails() -> None:
        raise TimeoutError

    failing = [True, False]

    def accept(heard: Sequence[Heard]) -> Passed:
        return Passed(frozenset(), fails if failing.pop(0) else kafka.acknowledged)

    receiver._accept = accept

    async def script() -> None:
        assert "send it again" in str(await refused(receiver, HEARD))
        assert frozenset() == await receiver.take([HEARD])

    asyncio.run(script())


def test_a_standing_kafka_closes_the_door_to_new_messages_and_its_return_opens_it(
    receiver: Receiver, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALLED_SECONDS", 0.2)

    async def script() -> None:
        first = await standing(receiver, kafka, HEARD)
        await asyncio.sleep(0.3)
        assert "does not acknowledge" in str(await refused(receiver, HEARD))
        kafka.flows.set()
        assert frozenset() == await first
        assert frozenset() == await receiver.take([HEARD])

    asyncio.run(script())
    assert [1, 1] == kafka.batches


def test_no_caller_waits_for_ever_and_what_nobody_waits_for_is_not_said(
    receiver: Receiver, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)

    async def script() -> None:
        await standing(receiver, kafka, HEARD)
        await refused(receiver, HEARD)
        kafka.flows.set()
        monkeypatch.setattr(module, "ANSWER_SECONDS", 20.0)
        await receiver.take([HEARD, HEARD, HEARD])

    asyncio.run(script())
    assert 3 == kafka.batches[-1]
    assert 1 == sum(kafka.batches[:-1]), "the second caller had gone: its message was dropped"


@pytest.mark.parametrize(("name", "limit"), [("MAX_WAITING", 3), ("MAX_WAITING_BYTES", 3000)])
def test_what_waits_is_bounded_in_number_and_in_bytes(
    receiver: Receiver, kafka: Kafka, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(module, name, limit)
    big = replace(HEARD, body=b"x" * 1000)

    async def script() -> None:
        first = await standing(receiver, kafka, big, big)
        second = asyncio.ensure_future(receiver.take([big]))
        await asyncio.sleep(0)
        assert "too much" in str(await refused(receiver, big))
        kafka.flows.set()
        await asyncio.gather(first, second)
        await receiver.take([big] * 5)  # alone, a large batch is taken

    asyncio.run(script())
