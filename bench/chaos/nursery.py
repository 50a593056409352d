"""Workers of sla-timer forked from a process that has imported all they need: a hundred starts in minutes.

What is spared is the imports, at which nothing is at stake; each worker connects, joins, recovers and works as any.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Nursery:
    """Starts one worker at a time; to be used like `services.runtime.processes.Child`."""

    def __init__(self, log_path: Path, env: Mapping[str, str]) -> None:
        self.log_path = log_path
        self._pid: int | None = None
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env=dict(env), cwd=ROOT,
            )  # fmt: skip

    def start(self) -> None:
        """Fork a worker."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"start\n")
        self._process.stdin.flush()
        self._pid = int(self._process.stdout.readline())

    @property
    def alive(self) -> bool:
        """Say whether the worker runs; the nursery leaves no zombie behind."""
        if self._pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, 0)
            return True
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, how)
        while self.alive:
            time.sleep(0.005)

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the worker in order, and the nursery."""
        self._end(signal.SIGTERM)
        self._process.communicate()

    def log_text(self) -> str:
        """Give the end of what the workers wrote."""
        return self.log_path.read_text(errors="replace")[-20_000:]


def main() -> None:
    """Import, then fork a worker for each line of standard input; all end with this process."""
    from services.cli.run import run
    from services.runtime import worker  # noqa: F401 - the workers' imports, made once
    from services.sla_timer import service  # noqa: F401

    libc = ctypes.CDLL(None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin.buffer:
        pid = os.fork()
        if pid == 0:
            libc.prctl(1, signal.SIGKILL, 0, 0, 0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(2, 1)
            os.close(0)
            run("sla-timer")
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
