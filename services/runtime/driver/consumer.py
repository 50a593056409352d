"""Faust's consumer on librdkafka: runs in, one by one to the agents; commits; partitions that come and go.

librdkafka calls back in the poller's thread. That thread waits while a partition that is taken away is finished,
committed and dropped in the event loop: until it returns, the group gives the partition to nobody else.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Consumer as Librdkafka
from faust.types import TP, Message
from mode import Service

from services.runtime.driver.faust_consumer import AnyConsumer
from services.runtime.driver.orphans import Lookout
from services.runtime.driver.poller import Poller
from services.runtime.driver.producer import ChangelogEpoch
from services.runtime.driver.recovery import Restore, restore
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


class Consumer(AnyConsumer):
    """Delivers runs to Faust's conductor, and owns the commit."""

    def __init__(self, transport: Any, callback: Callable[[Message], Any], **kwargs: Any) -> None:
        self.transport, self.app = transport, transport.app
        self.positions: dict[TP, int | None] = {}
        """Per owned partition the offset after the last record handled; None: nothing known yet."""
        self.claims: dict[TP, int] = {}
        """Per owned partition which of its assignments this is."""
        self.gaps = 0
        self.committed_at = 0.0
        """Unix time of the last durable commit."""
        self.failed: BaseException | None = None
        self.recovered_records = 0
        self.recovery_seconds = 0.0
        self._callback = callback
        self._committed: dict[TP, int] = {}
        self._runs: asyncio.Queue[Run] = asyncio.Queue()
        self._waiting = 0
        self._busy: dict[TP, asyncio.Event] = {}
        self._committing = asyncio.Lock()
        self._recovering: set[TP] = set()
        self._kafka: Librdkafka | None = None
        self._poller: Poller | None = None
        self._lookout: Lookout | None = None
        super().__init__(**kwargs)

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

    async def _ask(self, do: Callable[[], Any]) -> Any:
        if self._poller is None:
            return None
        return await asyncio.wrap_future(self._poller.ask(do))

    @property
    def kafka(self) -> Librdkafka:
        """Give librdkafka's consumer."""
        if self._kafka is None:
            raise RuntimeError("the consumer is not started")
        return self._kafka

    def fail(self, error: BaseException) -> None:
        """Remember why this worker must end: nothing is committed any more."""
        if self.failed is None:
            self.failed = error
            self.log.error("stopped to lose nothing: %r", error)
            self._crashing = asyncio.ensure_future(self.app.crash(error))

    def _fail_with(self, done: "Future[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self._loop_of_records.call_soon_threadsafe(self.fail, error)

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
        pause = interval = self.app.conf.broker_commit_interval
        while not self.should_stop:
            await self.sleep(pause)
            began = time.monotonic()
            try:
                await self.commit()
            except Exception as error:  # noqa: BLE001 - whatever it is: the worker must not go on
                self.fail(error)
            pause = max(0.01, interval - (time.monotonic() - began))

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
            written = ChangelogEpoch()
            count = 0
            for topic, number, _, changes in changed:
                for key, value in changes.items():
                    producer.write_changelog(written, topic, number, key, value)
                    count += 1
                    if count % CHANGES_AT_ONCE == 0:
                        await asyncio.sleep(0)  # the agents work on: a run, which takes longer than these changes
            await producer.acknowledged(written)
            for topic, number, held, changes in changed:
                held.secured(changes, written.ends[topic, number])
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

    # -- partitions

    def _on_assign(self, kafka: Librdkafka, partitions: list[Any], loop: asyncio.AbstractEventLoop) -> None:
        # In the poller's thread. The assignment names the offset to go on from, and stands paused until its tables
        # are recovered: there is no seek that a fetch could overtake.
        if not partitions:
            return
        committed = kafka.committed(partitions, timeout=30)
        starts = {TP(tp.topic, tp.partition): tp.offset if tp.offset >= 0 else None for tp in committed}
        assigned = [
            TopicPartition(tp.topic, tp.partition, OFFSET_BEGINNING if at is None else at) for tp, at in starts.items()
        ]
        kafka.incremental_assign(assigned)
        kafka.pause(assigned)
        asyncio.run_coroutine_threadsafe(self._assigned(starts), loop).add_done_callback(self._fail_with)

    def _on_revoke(self, partitions: list[Any], loop: asyncio.AbstractEventLoop, *, lost: bool) -> None:
        tps = {TP(tp.topic, tp.partition) for tp in partitions}
        asked = asyncio.run_coroutine_threadsafe(self._revoked(tps, lost=lost), loop)
        while not asked.done():
            if self._poller is not None:
                self._poller.serve(timeout=0.05)  # the commit is made in this thread
            if loop.is_closed():
                return
        error = asked.exception()
        if error is not None:  # it must not vanish in librdkafka
            loop.call_soon_threadsafe(self.fail, error)

    async def _assigned(self, starts: dict[TP, int | None]) -> None:
        app, started = self.app, time.monotonic()
        app.on_rebalance_start()
        app.tables.completed.clear()
        self._recovering |= set(starts)
        generation = {tp: self._claim(tp) for tp in starts}
        jobs = [(tp, table, table.open_partition(tp.partition)) for tp in starts for table in app.tables.of(tp.topic)]
        open_tps = dict(starts)

        def wanted(job: Restore) -> bool:
            return any(other is job and self._claims_made.get(tp) == generation[tp] for tp, _, other in jobs)

        if jobs:
            self.recovered_records += await asyncio.to_thread(
                restore, self.transport.recovery_config(), [job for _, _, job in jobs], wanted
            )
        for _, table, job in jobs:
            if wanted(job):
                await asyncio.to_thread(table.prepare, job)
        for tp in starts:
            if self._claims_made.get(tp) != generation[tp]:  # taken away meanwhile
                open_tps.pop(tp)
        for tp, table, job in jobs:
            if tp in open_tps:
                table.install(job)
            else:
                table.discard(job)
        for tp, at in open_tps.items():
            self.positions[tp] = at
            self.claims[tp] = generation[tp]
        self._recovering -= set(open_tps)
        await app.topics.on_partitions_assigned(set(self.claims))
        app.flow_control.resume()
        self.recovery_seconds = time.monotonic() - started
        await app.on_partitions_assigned.send(set(self.claims))
        if not self._recovering:
            app.tables.completed.set()
            app.tables.on_actives_ready()
            app.tables.on_standbys_ready()
        app.on_rebalance_return()
        app.on_rebalance_end()
        await self._ask(lambda: self._resume({tp: generation[tp] for tp in open_tps}))

    def _resume(self, claims: dict[TP, int]) -> None:
        # In the poller's thread, as revocations are: what went and came again meanwhile stays paused until it is
        # recovered, for what is fetched before that would be dropped.
        still = [tp for tp, claim in claims.items() if self.claims.get(tp) == claim]
        if still:
            self.kafka.resume([TopicPartition(tp.topic, tp.partition) for tp in still])
        for tp in still:
            # To where it stands already, for a seek wakes the thread that fetches, which would sleep on for up to a
            # second. Nothing was fetched yet: records are taken by this thread only.
            at = self.positions[tp]
            self.kafka.seek(TopicPartition(tp.topic, tp.partition, OFFSET_BEGINNING if at is None else at))

    _claims_made: dict[TP, int]

    def _claim(self, tp: TP) -> int:
        self._last_claim += 1
        self._claims_made[tp] = self._last_claim
        return self._last_claim

    def on_init(self) -> None:
        """Begin without claims."""
        self._last_claim = 0
        self._claims_made = {}

    async def _revoked(self, tps: set[TP], *, lost: bool) -> None:
        # From here on no fetched run of these partitions begins; one that is under way ends first.
        for tp in tps:
            self._claims_made.pop(tp, None)
            self.claims.pop(tp, None)
        self._recovering -= tps
        for tp in tps:
            if tp in self._busy:
                await self._busy[tp].wait()
        if lost:
            # Another worker may write already. What this one has under way cannot be called back: it must end.
            raise RuntimeError(f"partitions were lost, not revoked: {sorted(tps)}")
        if self.failed is None:
            await self.commit()
        self.app.tables.drop(tps)
        for tp in tps:
            self.positions.pop(tp, None)
            self._committed.pop(tp, None)
        if not self._recovering:
            self.app.tables.completed.set()
        await self.app.on_partitions_revoked.send(tps)

    def assignment(self) -> set[TP]:
        """Give the owned source partitions."""
        return set(self.claims)

    async def on_task_error(self, exc: BaseException) -> None:
        """An agent failed: nothing of its run may be committed."""
        self.fail(exc)
