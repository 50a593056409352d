"""The least that takes a message by HTTP and answers when Kafka has it: FastAPI and aiokafka, without any check.

What benchmark `door` measures the gateway against. `python -m bench.minimal_endpoint BOOTSTRAP TOPIC PORT`.
"""

import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import Body, FastAPI
from pydantic_core import to_json


def application(bootstrap: str, topic: str) -> FastAPI:
    """Give the application."""
    producers: list[AIOKafkaProducer] = []

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=2, compression_type="lz4"
        )
        await producer.start()
        producers.append(producer)
        yield
        await producer.stop()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/platforms/{platform}/tickets", status_code=202)
    async def take(platform: str, matter: dict[str, Any] = Body()) -> dict[str, str]:  # noqa: B008 - FastAPI's way
        await producers[0].send_and_wait(topic, to_json(matter), key=matter["upstream_id"].encode())
        return {"platform": platform, "taken": matter["upstream_id"]}

    return app


if __name__ == "__main__":
    uvicorn.run(application(*sys.argv[1:3]), port=int(sys.argv[3]), log_level="warning", access_log=False)
