"""Faust's consumer on librdkafka: runs in, one by one to the agents; commits."""

import asyncio
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from confluent_kafka import Consumer as Librdkafka
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from faust.types import TP, Message
from mode import Service

from services.runtime.driver.orphans import Lookout
from services.runtime.driver.owner import Owner
from services.runtime.driver.poller import Poller
from services.runtime.driver.producer import Epoch
from services.runtime.driver.runs import OffsetGapError, Run, split

CHANGES_AT_ONCE = 2000
"""Changelog records of a commit that are handed over before the agents get their turn: some milliseconds."""
REBALANCING = {
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError._STATE,  # noqa: SLF001 - the public name of a librdkafka error
    KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001
}
"""Answers to an offset commit after which the records are only read again: by us, or by the next owner."""


class Consumer(Owner):
    """Delivers runs to Faust's conductor, and owns the commit."""

    def __init__(self, transport: Any, callback: Callable[[Message], Any], **kwargs: Any) -> None:
        self.gaps = 0
        self.committed_at = 0.0
        """Unix time of the last durable commit."""
        self._callback = callback
        self._runs: asyncio.Queue[Run] = asyncio.Queue()
        self._waiting = 0
        self._committing = asyncio.Lock()
        self._lookout: Lookout | None = None
        super().__init__(transport, **kwargs)

    # -- life

    async def on_start(self) -> None:
        """Connect; nothing is fetched before `subscribe`."""
        self._config = self.transport.consumer_config()
        self._kafka = Librdkafka(self._config)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group; partitions come through the callbacks."""
        loop = self._loop_of_records = asyncio.get_running_loop()
        if self._poller is not None:
            raise NotImplementedError("the topics of a running worker cannot change")

        def to_loop(function: Callable[..., None], *args: Any) -> None:
            loop.call_soon_threadsafe(function, *args)

        self.kafka.subscribe(
            sorted(topics),
            on_assign=lambda kafka, tps: self._on_assign(kafka, tps, loop),
            on_revoke=lambda _, tps: self._on_revoke(tps, loop, lost=False),
            on_lost=lambda _, tps: self._on_revoke(tps, loop, lost=True),
        )
        self._poller = Poller(
            self.kafka, lambda records: to_loop(self._deliver, records), lambda error: to_loop(self.fail, error)
        )
        self._poller.start()
        if "group.instance.id" in self._config:
            changelogs = [table.changelog_topic.get_topic_name() for table in self.app.tables.values()]
            self._lookout = Lookout(self._config, topics, changelogs, lambda error: to_loop(self.fail, error))
            self._lookout.start()

    async def on_stop(self) -> None:
        """Finish and commit what was begun, then leave; a static member keeps its place until the session ends."""
        await self.wait_empty()
        if self._lookout is not None:
            self._lookout.stop()
        if self._poller is not None:
            self._poller.stop()
            # Leaving calls `_on_revoke`, which needs this loop.
            await asyncio.get_running_loop().run_in_executor(None, self._poller.join, 30)
            self._poller = None

    # -- records

    def _deliver(self, records: list[Any]) -> None:
        for run in split(records):
            claim = self.claims.get(TP(run.topic, run.partition))
            if claim is None:  # taken away since it was fetched
                self._room(len(run.messages))
                continue
            run.claim = claim
            self._waiting += 1
            self._runs.put_nowait(run)

    @Service.task
    async def _pass_on(self) -> None:
        while not self.should_stop:
            run = await self._runs.get()
            last = run.messages[-1]
            message = Message(
                run.topic, run.partition, run.end - 1, last.timestamp()[1] / 1000, 1, [], None, run, None,
                0, 0, tp=TP(run.topic, run.partition), generation_id=self.app.consumer_generation_id,
            )  # fmt: skip
            await self._callback(message)

    def _room(self, count: int) -> None:
        if self._poller is not None:
            self._poller.handled(count)

    @property
    def idle(self) -> bool:
        """Say whether no fetched run waits."""
        return self._waiting == 0

    def owns(self, topic: str, partition: int) -> bool:
        """Say whether the partition is this worker's, recovered and not about to be taken away."""
        return TP(topic, partition) in self.claims

    def begin(self, run: Run) -> bool:
        """Claim a run for handling; False: its partition was taken away, drop it. Raises `OffsetGapError`."""
        self._waiting -= 1
        tp = TP(run.topic, run.partition)
        if self.failed is not None or self.claims.get(tp) != run.claim:
            self._room(len(run.messages))
            return False
        try:
            run.check(self.positions[tp], holes_allowed=run.topic in self.transport.topics_with_holes)
        except OffsetGapError:
            self.gaps += 1
            raise
        self._busy[tp] = asyncio.Event()
        return True

    def finish(self, run: Run) -> None:
        """Say that everything of a run is handled: its offset may be committed."""
        tp = TP(run.topic, run.partition)
        self.positions[tp] = run.end
        self._busy.pop(tp).set()
        self._room(len(run.messages))

    # -- commit

    @Service.task
    async def _committer(self) -> None:
        interval, due = self.app.conf.broker_commit_interval, time.monotonic()
        while not self.should_stop:
            # By the clock, not by pauses: under load each pause ends a run or two late, a tenth of a second.
            due = max(due + interval, time.monotonic())
            await self.sleep(max(0.01, due - time.monotonic()))
            try:
                await self.commit()
            except Exception as error:  # noqa: BLE001 - whatever it is: the worker must not go on
                self.fail(error)

    async def commit(self, _topics: Any = None, **_: Any) -> bool:
        """Make everything handled so far durable: outputs, changelog, local store, offsets, in this order.

        Raises what went wrong; then nothing after that step was done, and nothing will ever be committed again.
        """
        async with self._committing:
            if self.failed is not None:
                raise self.failed
            producer = self.app.producer
            # Taken in one step, without an await between: the outputs behind each change and offset are among these.
            epoch = producer.take_epoch()
            changed = self.app.tables.take()
            offsets = {tp: at for tp, at in self.positions.items() if at is not None and at != self._committed.get(tp)}
            await producer.acknowledged(epoch)
            written = [Epoch() for _ in changed]
            for own, (topic, number, _, changes) in zip(written, changed, strict=True):
                records = iter(changes.items())
                while some := list(islice(records, CHANGES_AT_ONCE)):
                    producer.write_changelog(own, topic, number, some)
                    await asyncio.sleep(0)  # the agents work on: a run, which takes longer than these changes
            for own in written:
                await producer.acknowledged(own)
            for own, (_, _, held, changes) in zip(written, changed, strict=True):
                held.secured(changes, own.end)
            if offsets:
                await self._ask(lambda: self._commit_offsets(offsets))
            self.committed_at = time.time()
        return bool(offsets)

    def _commit_offsets(self, offsets: dict[TP, int]) -> None:
        wanted = [TopicPartition(tp.topic, tp.partition, at) for tp, at in offsets.items()]
        try:
            answers = self.kafka.commit(offsets=wanted, asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() in REBALANCING or error.args[0].retriable():
                self.log.info("offsets not committed, to be tried again: %s", error.args[0].name())
                return
            raise
        for answer in answers:
            if answer.error is None:
                self._committed[TP(answer.topic, answer.partition)] = answer.offset

    async def wait_empty(self) -> None:
        """Wait until begun runs are handled and everything handled is committed."""
        while self._busy:
            await next(iter(self._busy.values())).wait()
        if self.failed is None:
            await self.commit()

    async def on_task_error(self, exc: BaseException) -> None:
        """An agent failed: nothing of its run may be committed."""
        self.fail(exc)
