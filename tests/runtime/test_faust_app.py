"""The three repairs of Faust, each shown beside the stock behaviour that it replaces."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import faust
import pytest
from faust.transport.producer import ProducerBuffer

from schemas.topics import load
from services.runtime import faust_app
from services.runtime.faust_app import DurableProducer, SeekFirstRecovery, UntestedFaustError, build_app
from services.runtime.settings import Settings
from services.runtime.tail import Tail
from services.runtime.topics_admin import apply


def run(coroutine: Any) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, timeout=60))


def test_another_faust_version_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(faust, "__version__", "0.99")
    with pytest.raises(UntestedFaustError, match=r"0\.99"):
        build_app("router", settings)


def test_the_stock_buffer_gives_up_while_a_send_is_slow() -> None:
    """What is replaced: 0.1 s after one slow send, the stock flush returns with everything unsent."""

    async def stock() -> int:
        class App:
            class conf:  # noqa: N801 - Faust's name
                producer_threaded = False

        buffer = ProducerBuffer()
        buffer.app = App()  # type: ignore[assignment]

        async def slow(_future: Any) -> None:
            await asyncio.sleep(1)

        buffer._send_pending = slow  # type: ignore[method-assign]
        await buffer.start()
        for _ in range(5):
            buffer.put(object())  # type: ignore[arg-type]
        await buffer.flush()
        left = buffer.size
        buffer.pending = asyncio.Queue()
        with contextlib.suppress(RuntimeError):
            await buffer.stop()
        return left

    assert run(stock()) == 4


class _Table:
    """A table that is only its dirty map."""

    def __init__(self) -> None:
        self.dirty: dict[tuple[int, bytes], bytes | None] = {}
        self.changelog_topic = self

    def get_topic_name(self) -> str:
        return "changelog"


class _Wire:
    """Stands where aiokafka's producer does, and keeps the order in which things are sent and acknowledged."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    async def send(self, topic: str, value: bytes, **_: Any) -> "asyncio.Future[None]":
        self.sent.append((topic, value))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def _producer(wire: _Wire, table: _Table) -> DurableProducer:
    producer = DurableProducer.__new__(DurableProducer)
    producer.outputs, producer.flushing, producer.committed_at = [], asyncio.Lock(), 0.0
    producer.failed = None
    producer.app = type("App", (), {"tables": {"t": table}})()
    producer._producer = wire
    return producer


def test_flush_waits_for_a_slow_output_and_writes_the_changelog_only_after_it() -> None:
    async def ours() -> tuple[list[tuple[str, bytes]], bool]:
        wire, table = _Wire(), _Table()
        producer = _producer(wire, table)
        slow = asyncio.get_running_loop().create_future()
        producer.outputs.append(slow)
        table.dirty[0, b"k"] = b"1"
        flush = asyncio.create_task(producer.flush())
        await asyncio.sleep(0.3)
        early = list(wire.sent)
        slow.set_result(None)
        await flush
        return wire.sent, early == []

    assert run(ours()) == ([("changelog", b"1")], True)


def test_flush_raises_when_an_output_was_not_delivered_and_writes_no_state() -> None:
    async def ours() -> list[tuple[str, bytes]]:
        wire, table = _Wire(), _Table()
        producer = _producer(wire, table)
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(ConnectionError("the broker is away"))
        producer.outputs.append(failed)
        table.dirty[0, b"k"] = b"1"
        for _ in range(2):  # a failure is for ever: no later flush may commit past it
            with pytest.raises(ConnectionError):
                await producer.flush()
        return wire.sent

    assert run(ours()) == []


def test_a_cancelled_flush_loses_nothing() -> None:
    async def ours() -> list[tuple[str, bytes]]:
        wire, table = _Wire(), _Table()
        producer = _producer(wire, table)
        slow = asyncio.get_running_loop().create_future()
        producer.outputs.append(slow)
        table.dirty[0, b"k"] = b"old"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(producer.flush(), timeout=0.05)
        table.dirty[0, b"j"] = b"new"
        assert not slow.cancelled()
        slow.set_result(None)
        await producer.flush()
        return wire.sent

    assert [("changelog", b"old"), ("changelog", b"new")] == run(ours())


def test_only_the_last_value_of_a_key_is_written() -> None:
    async def ours() -> list[tuple[str, bytes]]:
        wire, table = _Wire(), _Table()
        producer = _producer(wire, table)
        for number in range(100):
            table.dirty[0, b"k"] = str(number).encode()
        await producer.flush()
        return wire.sent

    assert run(ours()) == [("changelog", b"99")]


def _order_of_recovery(recovery: type[Any]) -> list[str]:
    """Run `on_recovery_completed` and note in which order it seeks and resumes."""
    order: list[str] = []

    class Consumer:
        _committed_offset: Any = None

        def assignment(self) -> set[Any]:
            return {type("TP", (), {"topic": "t", "partition": 0})()}

        async def perform_seek(self) -> None:
            order.append("seek")
            self._committed_offset = dict.fromkeys(self.assignment(), 0)

        def resume_partitions(self, _tps: Any) -> None:
            order.append("resume")

        def resume_flow(self) -> None: ...

        def stop_flow(self) -> None:
            order.append("stop")

    async def nothing(*_: Any, **__: Any) -> None: ...

    async def wait(coroutine: Any, **_: Any) -> None:
        await coroutine

    one = recovery.__new__(recovery)
    consumer = Consumer()
    tp = next(iter(consumer.assignment()))
    consumer.assignment = lambda: {tp}  # type: ignore[method-assign]
    consumer._committed_offset = {tp: 0}
    app: Any = type("App", (), {})()
    app.consumer, app.consumer_generation_id = consumer, 0
    app.on_rebalance_complete = type("Signal", (), {"send": staticmethod(nothing)})()
    app.conf = type("Conf", (), {"broker_request_timeout": 5})()
    app.flow_control = type("Flow", (), {"resume": lambda _self: None})()
    app._fetcher = type("Fetcher", (), {"maybe_start": staticmethod(nothing), "started": False})()
    app.assignor = type("Assignor", (), {"assigned_standbys": lambda _self: {1}})()
    app.on_rebalance_end = lambda: None
    app.after_seek = lambda _positions: None
    tables: Any = type("Tables", (dict,), {"on_actives_ready": lambda _self: None})()
    for name, value in {
        "app": app, "tables": tables, "actives_for_table": {}, "standbys_for_table": {}, "completed": asyncio.Event(),
        "_set_recovery_ended": lambda: None, "_is_changelog_tp": lambda _tp: False, "_wait": wait,
        "log": type("Log", (), {name: lambda *_a, **_k: None for name in ("info", "dev", "warning")})(),
    }.items():  # fmt: skip
        object.__setattr__(one, name, value)
    run(one.on_recovery_completed(0))
    return order


def test_recovery_stands_still_and_seeks_before_it_resumes() -> None:
    assert ["stop", "seek", "resume"] == _order_of_recovery(SeekFirstRecovery)


def test_stock_recovery_resumes_before_it_seeks() -> None:
    """What is replaced: records that stream in between are skipped. If this fails, Faust was mended."""
    from faust.tables.recovery import Recovery

    assert ["resume", "seek"] == _order_of_recovery(Recovery)


@pytest.mark.broker
def test_an_app_starts_without_a_web_server_and_ends(settings: Settings) -> None:
    apply(settings, load())

    async def start() -> bool:
        app = build_app("router", settings)
        app.after_seek = lambda _positions: None
        table = app.Table("tickets", partitions=4, key_type=bytes, value_type=bytes)
        topic = app.topic(settings.topic("ticket-commands"), key_type=bytes, value_type=bytes, partitions=4)

        async def swallow(stream: Any) -> Any:
            async for _ in stream.events():
                yield

        app.agent(topic, name="swallow")(swallow)
        await app.start()
        while not app.tables.recovery.completed.is_set():  # noqa: ASYNC110 - Faust sets and clears it
            await asyncio.sleep(0.05)
        assert table.dirty == {}
        enabled: bool = app.conf.web_enabled
        await app.stop()
        return enabled

    assert run(start()) is False


def _records(settings: Settings, topic: str) -> int:
    tail = Tail(settings, load(), [topic])
    count = sum(1 for _ in tail.catch_up())
    tail.close()
    return count


@pytest.mark.broker
def test_outputs_are_on_the_broker_before_the_changelog(
    settings: Settings, new_settings: Callable[[], Settings]
) -> None:
    """With a real producer: flush leaves both there, and the committed moment is known."""
    apply(settings, load())

    async def emit() -> float:
        app = build_app("router", settings)
        app.after_seek = lambda _positions: None
        table = app.Table("tickets", partitions=4, key_type=bytes, value_type=bytes)
        await app.producer.start()
        await app.producer.emit(settings.topic("ticket-events"), b"k", b"{}", [], 0)
        table.dirty[0, b"k"] = b"v"
        app.tables[table.name] = table
        await app.producer.flush()
        moment: float = app.producer.committed_at
        await app.producer.stop()
        return moment

    assert run(emit()) > 0
    assert (_records(settings, "ticket-events"), _records(settings, "router-tickets-changelog")) == (1, 1)


def test_the_supported_version_is_the_installed_one() -> None:
    assert faust_app.SUPPORTED == faust.__version__
