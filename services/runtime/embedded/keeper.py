"""The background process of `hotline dev up` that owns Kafka and Redis as its children.

It says one line of JSON on standard output: `{"ready": true}` or `{"exit_code": 5, "error": "..."}`. Standard
input is its leash: if that closes before the line `detach` came, the command that started it was ended, and
the keeper stops all.
"""

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TextIO

from services.runtime.embedded.cluster import EmbeddedCluster
from services.runtime.embedded.dev_state import chosen_ports, forget, remember
from services.runtime.embedded.errors import StartError, explained

DETACH = "detach\n"
_CHECK_S = 0.5
_log = logging.getLogger("keeper")


def main() -> int:
    """Run the servers until SIGTERM or SIGINT."""
    options = _options().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    home: Path = options.home
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    threading.Thread(target=_hold_leash, args=(sys.stdin,), daemon=True).start()
    try:
        ports = chosen_ports(home, options.brokers, kafka_port=options.kafka_port, redis_port=options.redis_port)
        cluster = EmbeddedCluster(
            home, options.brokers, fresh=options.fresh, java=options.java, ports=ports, jvm_options=()
        )
        with cluster:
            state = remember(home, os.getpid(), cluster)
            _say({"ready": True})
            try:
                _watch(home, cluster, state.pid)
            finally:
                forget(home)
    except StartError as error:
        _say({"exit_code": error.exit_code, "error": str(error)})
        return error.exit_code
    except OSError as error:
        start_error = explained(error, home)
        _say({"exit_code": start_error.exit_code, "error": str(start_error)})
        return start_error.exit_code
    return 0


def _watch(home: Path, cluster: EmbeddedCluster, pid: int) -> None:
    """Write down which servers died; they are not started again, so that a failure stays visible."""
    alive = [child.name for child in cluster.children]
    while True:
        time.sleep(_CHECK_S)
        now = [child.name for child in cluster.children if child.alive]
        if now != alive:
            _log.error("died: %s", ", ".join(sorted(set(alive) - set(now))))
            remember(home, pid, cluster)
            alive = now


def _leave(number: int, _frame: FrameType | None) -> None:
    for again in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(again, signal.SIG_IGN)  # one orderly stop is under way
    _log.info("stopping on %s", signal.Signals(number).name)
    raise SystemExit(0)


def _hold_leash(leash: TextIO) -> None:
    if leash.readline() != DETACH:
        os.kill(os.getpid(), signal.SIGTERM)


def _say(message: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):  # `up` has ended: it is the leash that tells
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.runtime.embedded.keeper", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of data, logs and state")
    parser.add_argument("--brokers", type=int, default=1, choices=(1, 3))
    parser.add_argument("--java", default="packaged", choices=("packaged", "system"))
    parser.add_argument("--fresh", action="store_true", help="remove the data of earlier runs first")
    parser.add_argument("--kafka-port", type=int)
    parser.add_argument("--redis-port", type=int)
    return parser


if __name__ == "__main__":
    sys.exit(main())
