"""A load generator for HTTP/1.1 with as little of its own as possible: keep-alive connections over asyncio streams."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What a run showed: answers a second, latencies in milliseconds, and the statuses."""

    rate: float
    p50: float
    p99: float
    longest: float
    statuses: dict[int, int]


def post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Give the bytes of one request."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def _connection(port: int, requests: Iterator[bytes], took: list[float], statuses: Counter[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        took.append(time.perf_counter() - began)
        statuses[int(head[9:12])] += 1
    writer.close()


async def _all(port: int, requests: Sequence[bytes], connections: int) -> Measured:
    took: list[float] = []
    statuses: Counter[int] = Counter()
    shared = iter(requests)
    began = time.perf_counter()
    await asyncio.gather(*(_connection(port, shared, took, statuses) for _ in range(connections)))
    seconds = time.perf_counter() - began
    took.sort()

    def at(share: float) -> float:
        return round(1000 * took[min(len(took) - 1, int(share * len(took)))], 1)

    return Measured(round(len(took) / seconds, 1), at(0.5), at(0.99), at(1.0), dict(statuses))


def run(port: int, requests: Sequence[bytes], connections: int) -> Measured:
    """Send every request once over so many connections, each as soon as the one before it was answered."""
    return asyncio.run(_all(port, requests, connections))
