"""Partitions that come and go: what a group member owns, recovers, finishes and gives away.

librdkafka calls back in the poller's thread. That thread waits while a partition that is taken away is finished,
committed and dropped in the event loop: until it returns, the group gives the partition to nobody else.
"""

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, TopicPartition
from confluent_kafka import Consumer as Librdkafka
from faust.types import TP

from services.runtime.driver.faust_consumer import AnyConsumer
from services.runtime.driver.poller import Poller
from services.runtime.driver.recovery import Restore, restore


class Owner(AnyConsumer):
    """Owns partitions; whoever delivers their records says how a commit is made."""

    def __init__(self, transport: Any, **kwargs: Any) -> None:
        self.transport, self.app = transport, transport.app
        self.positions: dict[TP, int | None] = {}
        """Per owned partition the offset after the last record handled; None: nothing known yet."""
        self.claims: dict[TP, int] = {}
        """Per owned partition which of its assignments this is."""
        self.failed: BaseException | None = None
        self.recovered_records = 0
        self.recovery_seconds = 0.0
        self._committed: dict[TP, int] = {}
        self._busy: dict[TP, asyncio.Event] = {}
        self._recovering: set[TP] = set()
        self._last_claim = 0
        self._claims_made: dict[TP, int] = {}
        self._kafka: Librdkafka | None = None
        self._poller: Poller | None = None
        super().__init__(**kwargs)

    @abstractmethod
    async def commit(self, _topics: Any = None, **_: Any) -> bool:
        """Make everything handled so far durable."""

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

    def assignment(self) -> set[TP]:
        """Give the owned source partitions."""
        return set(self.claims)

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

    def _claim(self, tp: TP) -> int:
        self._last_claim += 1
        self._claims_made[tp] = self._last_claim
        return self._last_claim

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
