"""Faust behind one thin module: its own aiokafka transport with the fixes that keep state, outputs and offsets in step.

Four parts of Faust 0.15.3 are replaced (ADR 0002):

* `DurableProducer.flush`, which Faust calls before each offset commit, really waits: first for every output, then
  for the last changelog value of every changed key; a failed delivery raises instead of being logged. The stock one
  gives up after 0.1 s and swallows failures. So the order is outputs, changelog, offsets, and state is never ahead
  of what was said.
* `SeekFirstRecovery` stops the fetch loop (`ParkingConsumer`), seeks to the committed offsets, and only then resumes
  the source partitions; the stock order skips records after a recovery, and so does a fetch still under way.
* `ChangedKeysTable` keeps changed keys in a dirty map until that flush, instead of one unordered send per write.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

import faust
from aiokafka.partitioner import murmur2
from faust.tables import Table, TableManager
from faust.tables.recovery import Recovery
from faust.transport.drivers import aiokafka as driver

from services.runtime.settings import Settings

SUPPORTED = "0.15.3"


class UntestedFaustError(RuntimeError):
    """This module replaces internals of one Faust version; another one must be tested first."""


Dirty = dict[tuple[int, bytes], bytes | None]
"""Changed keys and their last values (None: deleted), by partition."""


async def acknowledged(futures: Sequence["asyncio.Future[Any]"]) -> None:
    """Wait for deliveries and raise the first failure; being cancelled oneself cancels no delivery."""
    if futures:
        await asyncio.wait(futures)
    for future in futures:
        future.result()


class ChangedKeysTable(Table):
    """A Faust table whose changelog writes wait in a dirty map: the last value per key, until the flush."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dirty: Dirty = {}

    def on_key_set(self, key: bytes, value: bytes) -> None:
        """Remember the new value for the next flush."""
        self.dirty[self.partition_for_key(key), key] = value

    def on_key_del(self, key: bytes) -> None:
        """Remember the deletion (a tombstone) for the next flush."""
        self.dirty[self.partition_for_key(key), key] = None

    def owned(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Give (partition, key, value) of the partitions that this worker owns; stale keys of others are left out."""
        topic = self.changelog_topic.get_topic_name()
        partitions = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == topic}
        count = self.partitions
        for key, value in self.data.items():
            partition = (murmur2(key) & 0x7FFFFFFF) % count
            if partition in partitions:
                yield partition, key, value


class DurableProducer(driver.Producer):
    """Faust's producer with a flush that waits for everything and fails loudly."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.outputs: list[asyncio.Future[Any]] = []
        self.flushing = asyncio.Lock()
        self.committed_at = 0.0
        self.failed: Exception | None = None
        """Why a delivery failed, for ever: the worker must end, since what it said or wrote is not on the broker."""

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def emit(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: list[tuple[str, bytes]],
        partition: int | None,
    ) -> "asyncio.Future[Any]":
        """Hand one output to the producer; its delivery is verified by the next flush at the latest."""
        producer = self._ensure_producer()
        future: asyncio.Future[Any] = await producer.send(topic, value, key=key, partition=partition, headers=headers)
        self.outputs.append(future)
        return future

    async def flush(self) -> None:
        """Wait until outputs, then changelog values, are acknowledged; raises what the broker said otherwise."""
        async with self.flushing:
            if self.failed is not None:
                raise self.failed
            # Taken in one step, without an await between: each dirty value's outputs are among these.
            outputs, self.outputs = self.outputs, []
            taken = [(table, table.dirty) for table in self.app.tables.values() if table.dirty]
            for table, _ in taken:
                table.dirty = {}
            try:
                await acknowledged(outputs)
                await acknowledged(await self._send_changes(taken))
            except asyncio.CancelledError:
                self.outputs = outputs + self.outputs
                for table, dirty in taken:
                    table.dirty = dirty | table.dirty
                raise
            except Exception as error:
                self.failed = error
                raise
            self.committed_at = time.time()

    async def _send_changes(self, taken: list[tuple[Any, Dirty]]) -> list["asyncio.Future[Any]"]:
        producer = self._ensure_producer()
        sent = []
        for table, dirty in taken:
            topic = table.changelog_topic.get_topic_name()
            for (partition, key), value in dirty.items():
                sent.append(await producer.send(topic, value, key=key, partition=partition))
        return sent


class ParkingConsumer(driver.Consumer):
    """Faust's consumer, whose fetch loop can be waited for until it stands still.

    A fetch under way keeps a live set of the partitions that it may return. When recovery ends, that set runs empty,
    which aiokafka takes for "all": it hands out source records that Faust then drops, because their partitions are
    not resumed yet. Whoever seeks must therefore stop the flow and wait until `parked` is set.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parked = asyncio.Event()

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        if not self.flow_active:
            self.parked.set()
            try:
                await self.wait(self.can_resume_flow)
            finally:
                self.parked.clear()
        live = self._get_active_partitions()
        if not live:
            await self.sleep(0.1)
            return {}, live
        return await self._getmany(active_partitions=set(live), timeout=timeout), live


class DurableTransport(driver.Transport):
    """Faust's aiokafka transport with that producer and that consumer."""

    Producer = DurableProducer
    Consumer = ParkingConsumer


class SeekFirstRecovery(Recovery):
    """Faust's recovery, which seeks before it resumes (the order was swapped in faust-streaming 0.7.7, #241)."""

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """End the recovery: indexes first, then seek, then resume; a failing callback is not swallowed."""
        consumer = self.app.consumer
        await self.app.on_rebalance_complete.send()
        self._set_recovery_ended()
        for table in self.tables.values():
            await table.on_recovery_completed(self.actives_for_table[table], self.standbys_for_table[table])
        if self.app.consumer_generation_id != generation_id:
            return
        consumer.stop_flow()
        if self.app._fetcher.started:  # noqa: SLF001 - before its first start no fetch can be under way
            await self._wait(consumer.parked.wait(), timeout=self.app.conf.broker_request_timeout)
        assignment = consumer.assignment()
        if assignment:
            await self._wait(consumer.perform_seek(), timeout=self.app.conf.broker_request_timeout)
            committed = consumer._committed_offset  # noqa: SLF001 - perform_seek leaves it there, and only there
            self.app.after_seek({tp: committed[tp] for tp in assignment if not self._is_changelog_tp(tp)})
        consumer.resume_partitions({tp for tp in assignment if not self._is_changelog_tp(tp)})
        self.completed.set()
        self.app.flow_control.resume()
        consumer.resume_flow()
        await self.app._fetcher.maybe_start()  # noqa: SLF001 - as Faust's own recovery does
        self.tables.on_actives_ready()
        if not self.app.assignor.assigned_standbys():
            self.tables.on_standbys_ready()
        self.app.on_rebalance_end()


class SeekFirstTableManager(TableManager):
    """Faust's table manager with that recovery."""

    _recovery: Any = None

    @property
    def recovery(self) -> Recovery:
        """Give the recovery service, made once."""
        made: Recovery | None = self._recovery
        if made is None:
            made = self._recovery = SeekFirstRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return made


def build_app(service: str, settings: Settings) -> Any:
    """Give the Faust app of a service, configured for at-least-once; raises `UntestedFaustError`."""
    if faust.__version__ != SUPPORTED:
        raise UntestedFaustError(f"Faust {faust.__version__} is installed; only {SUPPORTED} is tested with this mesh")
    servers = settings.bootstrap_servers.split(",")
    datadir = settings.home / "faust" / f"{settings.group(service)}-{settings.instance}"
    datadir.mkdir(parents=True, exist_ok=True)  # Faust insists on one, though memory tables leave it empty
    app = faust.App(
        settings.group(service),
        broker=[f"kafka://{server.strip()}" for server in servers],
        TableManager=SeekFirstTableManager,
        Table=ChangedKeysTable,
        processing_guarantee="at_least_once",
        store="memory://",
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        broker_commit_interval=settings.commit_interval,
        broker_commit_every=2000,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=min(3.0, settings.session_timeout / 3),
        broker_max_poll_interval=300.0,
        broker_max_poll_records=500,
        stream_buffer_maxsize=1024,
        stream_wait_empty=True,
        stream_recovery_delay=0.0,
        consumer_group_instance_id=f"{settings.group(service)}-{settings.instance}",
        producer_acks=-1,
        producer_linger=0.002,
        producer_max_batch_size=131_072,
        producer_max_request_size=4_194_304,
        consumer_max_fetch_size=1_048_576,
        producer_compression_type="lz4",
        producer_request_timeout=90.0,
        web_enabled=False,
        web_tables_enabled=False,
        web_router_enabled=False,
        monitor=_NoMonitor(),
        datadir=datadir,
        autodiscover=False,
        reply_create_topic=False,
    )
    app.transport = DurableTransport(app.conf.broker_consumer, app)
    app.producer_transport = app.transport
    return app


class _NoMonitor(faust.Monitor):
    """Faust's monitor, which costs 22 µs an event and keeps its figures to itself; ours are in metrics.py."""
