"""Children of this process: orderly end, violent end, and no orphan whatever happens to the parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from services.runtime.processes import Child, ProcessFailedError, runs, spawn, stop_all, wait_until

SLEEPER = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True); time.sleep(600)",
]
PARENT = """
import sys, threading, time
from pathlib import Path
from services.runtime.processes import spawn
def begin():
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    print(spawn("child", sleeper, log_dir=Path(sys.argv[1])).pid, flush=True)
if sys.argv[2] == "thread":
    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
else:
    begin()
time.sleep(600)
"""


def test_a_child_is_stopped_in_order(tmp_path: Path) -> None:
    child = spawn("sleeper", SLEEPER, log_dir=tmp_path)
    assert child.alive
    assert child.stop()
    assert child.returncode == -signal.SIGTERM
    assert not child.alive


def test_a_child_that_ignores_the_request_is_killed_after_the_grace(tmp_path: Path) -> None:
    child = spawn("stubborn", STUBBORN, log_dir=tmp_path)
    wait_until(lambda: "ready" in child.log_text(), 10, "the child's first line", children=[child])
    assert not child.stop(grace_s=0.2)
    assert child.returncode == -signal.SIGKILL


def test_all_children_are_stopped_within_one_grace(tmp_path: Path) -> None:
    children = [spawn(f"stubborn-{n}", STUBBORN, log_dir=tmp_path) for n in range(3)]
    for child in children:
        wait_until(lambda child=child: "ready" in child.log_text(), 10, "first line")  # type: ignore[misc]
    begun = time.monotonic()
    stop_all(children, grace_s=1.0)
    assert time.monotonic() - begun < 2.0
    assert [child.alive for child in children] == [False] * 3


def test_a_killed_child_starts_again_and_its_log_text_is_of_the_last_start(tmp_path: Path) -> None:
    child = Child("greeter", [sys.executable, "-c", "import os; print('pid', os.getpid())"], log_dir=tmp_path)
    pids = []
    for _ in range(2):
        child.start()
        wait_until(lambda: not child.alive, 10, "the end")
        pids.append(child.pid)
    assert f"pid {pids[1]}\n" == child.log_text()
    assert f"pid {pids[0]}\npid {pids[1]}\n" == child.log_path.read_text()


def test_a_child_has_only_the_environment_that_it_is_given(tmp_path: Path) -> None:
    show = [sys.executable, "-c", "import os; print(sorted(k for k in os.environ if k != 'LC_CTYPE'))"]
    child = spawn("show", show, log_dir=tmp_path, env={"ONLY": "this"})
    wait_until(lambda: not child.alive, 10, "the end")
    assert child.log_text() == "['ONLY']\n"


def test_waiting_for_a_child_that_dies_shows_the_end_of_its_log(tmp_path: Path) -> None:
    child = spawn("failing", [sys.executable, "-c", "raise SystemExit('the reason')"], log_dir=tmp_path)
    with pytest.raises(ProcessFailedError, match=r"failing ended \(exit 1\).*\n  \| the reason"):
        wait_until(lambda: False, 10, "what never comes", children=[child])


def test_waiting_too_long_says_what_did_not_come(tmp_path: Path) -> None:
    child = spawn("sleeper", SLEEPER, log_dir=tmp_path)
    with pytest.raises(ProcessFailedError, match=r"no second line after 0\.3 s"):
        wait_until(lambda: False, 0.3, "second line", children=[child])
    child.kill()


def test_a_program_that_is_missing_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        spawn("missing", [str(tmp_path / "missing")], log_dir=tmp_path)


@pytest.mark.parametrize("forked_by", ["main", "thread"])
def test_kill_9_of_the_parent_takes_the_child_with_it(tmp_path: Path, forked_by: str) -> None:
    parent, child_pid = _parent(tmp_path, forked_by)
    parent.kill()
    parent.wait()
    wait_until(lambda: not runs(child_pid), 5, "end of the child")


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[Child] = []
    thread = threading.Thread(target=lambda: started.append(spawn("sleeper", SLEEPER, log_dir=tmp_path)))
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert started[0].alive
    started[0].kill()


def test_the_guard_against_orphans_is_what_kills_the_child(tmp_path: Path) -> None:
    """Planted violation: the same parent without the guard leaves its child running."""
    unguarded = "import services.runtime.processes as p\np._libc = None\n" + PARENT
    parent, child_pid = _parent(tmp_path, "main", unguarded)
    parent.kill()
    parent.wait()
    time.sleep(0.3)
    assert runs(child_pid)
    os.kill(child_pid, signal.SIGKILL)


def test_ctrl_c_reaches_the_parent_and_not_its_children(tmp_path: Path) -> None:
    parent, child_pid = _parent(tmp_path, "main")
    assert os.getpgid(parent.pid) != os.getpgid(child_pid)
    parent.kill()
    parent.wait()


def _parent(tmp_path: Path, forked_by: str, program: str = PARENT) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-c", program, str(tmp_path), forked_by]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())
