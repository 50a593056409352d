"""An agent of runs: one begins only while its partition is owned, and is acknowledged once all of it is handled."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from services.runtime.driver.runs import Run

Handle = Callable[[Run], Awaitable[None]]


def follow(
    app: Any, topic: Any, handle: Handle, tables: tuple[Any, ...] = (), *, name: str, rest: Handle | None = None
) -> Any:
    """Make a Faust agent out of `handle`, which gets the runs of `topic` one after the other.

    `tables` are folded from this topic: they are there by partition before a run of it comes. Whatever `handle` raises
    ends the worker with nothing of the run committed, so it deals itself with what may be retried or set aside.
    A table may only be written in one step with the outputs that belong to it, without an await between.
    `rest` is called after each run when it is acknowledged, for work that may take longer than a run should.
    """
    for table in tables:
        if table.source is not None:
            raise ValueError(f"table {table.name} is folded from {table.source} already")
        table.source = topic.get_topic_name()

    async def agent(stream: Any) -> AsyncIterator[None]:
        stream.enable_acks = False  # Faust would acknowledge also what failed; `finish` does it
        async for event in stream.events():
            run: Run = event.value
            consumer = app.consumer
            if consumer.begin(run):
                await handle(run)
                await app.producer.breathe()
                consumer.finish(run)
                if rest is not None:
                    await rest(run)
            yield

    return app.agent(topic, name=name, concurrency=1)(agent)
