"""`hotline dev` as a user runs it: the command in a process of its own, the real servers behind it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.embedded.dev_state import DevState, running
from services.runtime.embedded.home import cache_folder, holder, lock_file
from services.runtime.embedded.jars import class_path
from services.runtime.ports import free_port
from services.runtime.processes import runs, wait_until

pytestmark = pytest.mark.broker
MOUNT, UMOUNT = shutil.which("mount"), shutil.which("umount")
DEV = [sys.executable, "-c", "from services.cli.dev import app; app()"]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    class_path(cache_folder())
    found = {**os.environ, "HOTLINE_HOME": str(tmp_path), "HOTLINE_CACHE": str(cache_folder())}
    yield found
    dev(found, "down")


def test_up_status_down_and_the_same_ports_again(environment: dict[str, str]) -> None:
    assert dev(environment, "status").returncode == 3
    first = up(environment)
    assert dev(environment, "status").returncode == 0
    assert first == up(environment), "a second up changes nothing"
    told = dev(environment, "up", "--brokers", "3")
    assert (told.returncode, "hotline dev down" in told.stderr) == (1, True)
    assert dev(environment, "down").returncode == 0
    assert [pid for pid in pids(first) if runs(pid)] == []
    assert dev(environment, "down").returncode == 0
    assert first.bootstrap_servers == up(environment).bootstrap_servers


def test_kill_9_of_the_keeper_leaves_no_process(environment: dict[str, str]) -> None:
    state = up(environment)
    assert {"java", "redis-server"} == {program(server.pid) for server in state.servers}
    os.kill(state.pid, signal.SIGKILL)
    wait_until(lambda: not any(runs(pid) for pid in pids(state)), 30, "end of all")
    assert dev(environment, "status").returncode == 3


def test_ctrl_c_of_the_keeper_stops_all_in_order(environment: dict[str, str]) -> None:
    state = up(environment)
    os.kill(state.pid, signal.SIGINT)
    wait_until(lambda: not any(runs(pid) for pid in pids(state)), 30, "end of all")
    assert running(home(environment)) is None


def test_a_server_that_died_is_told_and_started_again_by_up(environment: dict[str, str]) -> None:
    state = up(environment)
    os.kill(next(server.pid for server in state.servers if server.name == "redis"), signal.SIGKILL)
    wait_until(lambda: not (running(home(environment)) or state).healthy, 30, "note of the death")
    told = dev(environment, "status")
    assert (told.returncode, "A server died" in told.stdout) == (3, True)
    assert up(environment).healthy


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ending_up_while_it_waits_leaves_no_process(environment: dict[str, str], number: signal.Signals) -> None:
    command = subprocess.Popen([*DEV, "up"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    file = lock_file(home(environment))
    wait_until(lambda: holder(file) is not None, 60, "keeper at work", interval_s=0.01)
    keeper = holder(file)
    assert keeper is not None
    time.sleep(0.3)
    started = children(keeper)
    command.send_signal(number)
    command.communicate(timeout=30)
    assert command.returncode == {signal.SIGINT: 130}.get(number, -number)
    wait_until(lambda: not any(runs(pid) for pid in [keeper, *started]), 30, "end of all")
    assert started != []


def test_a_taken_port_ends_with_5(environment: dict[str, str]) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = str(server.getsockname()[1])
        told = dev(environment, "up", "--kafka-port", port)
    assert (told.returncode, f"Port {port} of 127.0.0.1 is in use" in told.stderr) == (5, True)


def test_no_network_ends_with_4(environment: dict[str, str], tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{free_port()}/maven"
    told = dev({**environment, "HOTLINE_CACHE": str(tmp_path / "empty"), "HOTLINE_MAVEN_REPOSITORY": dead}, "up")
    assert (told.returncode, "HOTLINE_MAVEN_REPOSITORY" in told.stderr) == (4, True)


@pytest.mark.skipif(MOUNT is None, reason="no mount program")
def test_a_full_disk_ends_with_6(environment: dict[str, str], tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        [str(MOUNT), "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        told = dev({**environment, "HOTLINE_HOME": str(small)}, "up")
    finally:
        subprocess.run([str(UMOUNT), str(small)], check=True)
    assert (told.returncode, "Make room there" in told.stderr) == (6, True)


def test_a_java_that_is_too_old_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    old = tmp_path / "old" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    told = dev({**environment, "JAVA_HOME": str(tmp_path / "old")}, "up", "--java", "system")
    assert (told.returncode, "is not Java 17 or newer" in told.stderr) == (1, True)


def test_docker_without_an_engine_says_that_none_is_needed(environment: dict[str, str], tmp_path: Path) -> None:
    told = dev({**environment, "PATH": str(tmp_path)}, "up", "--docker")
    assert (told.returncode, "Leave --docker out" in told.stderr) == (1, True)


def test_ctrl_c_while_jars_come_down_ends_with_130(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as silent:  # a repository that takes requests and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        waiting = f"http://127.0.0.1:{silent.getsockname()[1]}/maven"
        command = subprocess.Popen(
            [*DEV, "up"],
            env={
                **environment,
                "HOTLINE_CACHE": str(tmp_path / "empty"),
                "HOTLINE_MAVEN_REPOSITORY": waiting,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        silent.settimeout(60)
        silent.accept()[0].close()
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=20)
    assert (command.returncode, b"nothing is left running" in said) == (130, True)
    assert holder(lock_file(home(environment))) is None


def dev(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DEV, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120)


def up(environment: dict[str, str]) -> DevState:
    told = dev(environment, "up")
    assert told.returncode == 0, told.stderr
    state = running(home(environment))
    assert state is not None
    assert f"export KAFKA_BOOTSTRAP_SERVERS={state.bootstrap_servers}\n" in told.stdout
    return state


def home(environment: dict[str, str]) -> Path:
    return Path(environment["HOTLINE_HOME"]) / "dev"


def pids(state: DevState) -> list[int]:
    return [state.pid, *(server.pid for server in state.servers)]


def program(pid: int) -> str:
    return Path(f"/proc/{pid}/exe").resolve().name


def children(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
