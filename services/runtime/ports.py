"""TCP ports of 127.0.0.1 for servers that are started here, without two processes choosing the same one.

A port that is free when it is chosen is bound seconds later, by a child. So each process chooses from blocks that it
holds alone: as long as it lives it keeps the UDP port of the block's first number bound, and the system frees that
with it, however it ends.
"""

import os
import random
import socket
from collections.abc import Iterator

from services.runtime.processes import ProcessFailedError

BLOCK = 20
PORTS = range(20_000, 32_000)  # below Linux's ephemeral range: no outgoing connection takes a stopped server's port


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now; connections in TIME_WAIT do not hinder it."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, port))
        except OSError:
            return False
    return True


def port_accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something listens on the port and takes a connection."""
    try:
        socket.create_connection((host, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def free_port(preferred: int | None = None) -> int:
    """A free port, never given twice by this process: `preferred` if free, else one of a block held by it alone.

    Raises `ProcessFailedError` if there is none.
    """
    if preferred is not None and preferred not in _given and port_is_free(preferred):
        _given.add(preferred)
        return preferred
    for port in _own:
        if port not in _given and port_is_free(port):
            _given.add(port)
            return port
    raise ProcessFailedError(f"no free TCP port between {PORTS.start} and {PORTS.stop} on 127.0.0.1")


def _blocks() -> Iterator[int]:
    starts = list(PORTS[::BLOCK])
    random.SystemRandom().shuffle(starts)
    for start in starts:
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            holder.bind(("127.0.0.1", start))
        except OSError:
            holder.close()
            continue
        _holders.append(holder)
        yield from range(start, start + BLOCK)


def _begin_anew() -> None:
    global _own  # noqa: PLW0603 - one per process; a forked copy must not go on in the same block
    _own = _blocks()


_given: set[int] = set()
_holders: list[socket.socket] = []
_own = _blocks()
os.register_at_fork(after_in_child=_begin_anew)
