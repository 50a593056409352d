"""Child processes that never outlive their parent, each with a log file and an orderly end.

On Linux the kernel kills a child when the *thread* that forked it ends (`PR_SET_PDEATHSIG`, prctl(2)), so
every fork is made by one daemon thread that lives as long as the process: `kill -9` of the parent then takes
its children with it. Each child leads its own process group: Ctrl-C in the terminal reaches the parent alone,
which stops them in order.
"""

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_TAIL_LINES = 15


class ProcessFailedError(RuntimeError):
    """A child ended or did not become ready; the message ends with its log's tail, `log_text` has more."""

    def __init__(self, message: str, log_text: str = "") -> None:
        tail = "\n".join(f"  | {line}" for line in log_text.splitlines()[-_TAIL_LINES:])
        super().__init__(f"{message}\n{tail}" if tail else message)
        self.log_text = log_text


class Child:
    """One program run as a child process; it may be stopped or killed and started again.

    `env` is the child's whole environment (None: this process's). Output is appended to `log_dir/name.log`.
    """

    def __init__(self, name: str, argv: Sequence[str], *, log_dir: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.argv = list(argv)
        self.env = None if env is None else dict(env)
        self.log_path = log_dir / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start the program, unless it runs. OSError if it cannot be executed or its log cannot be opened."""
        if self.alive:
            return
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            parent = os.getpid()

            def fork() -> subprocess.Popen[bytes]:
                return subprocess.Popen(
                    self.argv,
                    env=self.env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                    preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509 - calls only prctl and getppid
                )

            self._process = _forker().call(fork)

    @property
    def alive(self) -> bool:
        """Whether the program runs now."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the last start. ProcessFailedError if it was never started."""
        if self._process is None:
            raise ProcessFailedError(f"{self.name} was never started")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status; negative is a signal's number; None while it runs or before the first start."""
        return None if self._process is None else self._process.poll()

    def log_text(self, limit_bytes: int = 20_000) -> str:
        """The end of what the program wrote since its last start."""
        with contextlib.suppress(FileNotFoundError), self.log_path.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - limit_bytes))
            return log.read().decode(errors="replace")
        return ""

    def terminate(self) -> None:
        """Ask the program to end (SIGTERM) and return at once."""
        if self._process is not None and self.alive:
            self._process.terminate()

    def stop(self, grace_s: float = 10.0) -> bool:
        """SIGTERM, then SIGKILL after `grace_s` seconds. Says whether the program ended by itself in time."""
        if self._process is None:
            return True
        self.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """SIGKILL to the program's process group, and wait: for failure tests and as the last resort."""
        if self._process is None:
            return
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def spawn(name: str, argv: Sequence[str], *, log_dir: Path, env: Mapping[str, str] | None = None) -> Child:
    """Make a `Child` and start it."""
    child = Child(name, argv, log_dir=log_dir, env=env)
    child.start()
    return child


def stop_all(children: Iterable[Child], grace_s: float = 10.0) -> None:
    """Ask all children to end at the same time, wait, and kill what still runs after `grace_s` seconds."""
    children = list(children)
    for child in children:
        child.terminate()
    deadline = time.monotonic() + grace_s
    for child in children:
        child.stop(max(0.0, deadline - time.monotonic()))


def wait_until(
    probe: Callable[[], bool],
    timeout_s: float,
    what: str,
    *,
    children: Sequence[Child] = (),
    interval_s: float = 0.05,
) -> None:
    """Return when `probe` says True. ProcessFailedError when a child ends first or time is over."""
    deadline = time.monotonic() + timeout_s
    while not probe():
        for child in children:
            if not child.alive:
                raise ProcessFailedError(
                    f"{child.name} ended ({_ending(child.returncode)}) while waiting for {what}; "
                    f"its log is {child.log_path}",
                    child.log_text(),
                )
        if time.monotonic() > deadline:
            logs = ", ".join(str(child.log_path) for child in children)
            raise ProcessFailedError(
                f"no {what} after {timeout_s:g} s" + (f"; see {logs}" if logs else ""),
                "\n".join(child.log_text() for child in children),
            )
        time.sleep(interval_s)


def runs(pid: int) -> bool:
    """Whether a process of this machine runs, whoever started it; a zombie does not. Linux only."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _ending(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        return f"signal {signal.Signals(-returncode).name}"
    return f"exit {returncode}"


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None  # loaded before any fork


def _die_with(parent_pid: int) -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent_pid:  # the parent ended between fork and prctl
            os._exit(1)


class _Forker:
    """The daemon thread that makes every fork of one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._calls: queue.SimpleQueue[
            tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]
        ] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="forker", daemon=True).start()

    def call(self, fork: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        future: Future[subprocess.Popen[bytes]] = Future()
        self._calls.put((fork, future))
        return future.result()

    def _run(self) -> None:
        while True:
            fork, future = self._calls.get()
            try:
                future.set_result(fork())
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
                future.set_exception(error)


_the_forker: _Forker | None = None
_forker_lock = threading.Lock()


def _forker() -> _Forker:
    global _the_forker  # noqa: PLW0603 - one per process; a forked copy of this process needs its own
    with _forker_lock:
        if _the_forker is None or _the_forker.pid != os.getpid():
            _the_forker = _Forker()
        return _the_forker
