"""The jars of Apache Kafka: named with their SHA-256 in `kafka.lock`, fetched once through `jgo`.

`python -m services.runtime.embedded.jars 4.4.0` resolves a version anew and rewrites the lock file.
"""

import contextlib
import functools
import hashlib
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from services.runtime.embedded.errors import NoNetworkError, StartError, ensure_room
from services.runtime.embedded.home import exclusive

LOCK_FILE = Path(__file__).with_name("kafka.lock")
LOGGING_BACKEND = "org.slf4j:slf4j-simple:1.7.36"  # Kafka's own backend costs half a second at each start
_TRIES = 3
_PARALLEL = 6


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar: Maven coordinate `group:artifact:version`, size in bytes, SHA-256 in hex."""

    coordinate: str
    size: int
    sha256: str

    def path(self, repository: Path) -> Path:
        """Where the jar lies in a folder laid out as a Maven repository."""
        group, artifact, version = self.coordinate.split(":")
        return repository.joinpath(*group.split("."), artifact, version, f"{artifact}-{version}.jar")


def locked_jars() -> list[Jar]:
    """The class path as the lock file has it, in order."""
    rows = (line.split() for line in LOCK_FILE.read_text().splitlines() if line and not line.startswith("#"))
    return [Jar(coordinate, int(size), sha256) for coordinate, size, sha256 in rows]


def kafka_version() -> str:
    """The version of Apache Kafka that the lock file names."""
    return locked_jars()[0].coordinate.split(":")[2]


def class_path(cache: Path, *, console: Console | None = None) -> list[Path]:
    """Paths of all jars; fetches those that `cache` lacks, and touches no network when it lacks none.

    `HOTLINE_MAVEN_REPOSITORY` names a mirror to fetch from. Progress goes to `console` (else standard error).
    NoNetworkError when a jar cannot be had, DiskFullError, StartError when a jar's contents are others.
    """
    jars = locked_jars()
    repository = cache / "maven"
    stamp = cache / f"kafka-{kafka_version()}.checked"
    wanted = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()
    if not _checked(stamp, wanted, jars, repository):
        ensure_room(cache)
        busy = f"Another process has been fetching jars into {cache} for ten minutes; wait for it or end it."
        with exclusive(cache / "fetch.lock", wait_s=600, otherwise=busy):
            missing = [jar for jar in jars if not _intact(jar, repository)]
            _fetch(missing, repository, console or Console(stderr=True))
            stamp.write_text(wanted)
    return [jar.path(repository) for jar in jars]


def _checked(stamp: Path, wanted: str, jars: list[Jar], repository: Path) -> bool:
    try:
        return stamp.read_text() == wanted and all(jar.path(repository).stat().st_size == jar.size for jar in jars)
    except FileNotFoundError:
        return False


def _intact(jar: Jar, repository: Path) -> bool:
    path = jar.path(repository)
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def _fetch(jars: list[Jar], repository: Path, console: Console) -> None:
    if not jars:
        return
    total = sum(jar.size for jar in jars)
    title = f"Apache Kafka {kafka_version()}: fetching {len(jars)} jars, once"
    if not console.is_terminal:
        console.print(f"{title} ({total // 1_000_000} MB)")
    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("jars", total=total)
        maven = _maven(repository, lambda count: progress.advance(task, count))
        _in_parallel([functools.partial(_fetch_one, jar, maven, repository) for jar in jars])


def _in_parallel(calls: Sequence[Callable[[], None]]) -> None:
    """Make the calls in a few daemon threads, so that Ctrl-C need not wait for a network that is silent."""
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    over = threading.Event()

    def work() -> None:
        while not (over.is_set() or waiting.empty()):
            with contextlib.suppress(queue.Empty):
                call = waiting.get_nowait()
                try:
                    call()
                except Exception as error:  # noqa: BLE001 - raised in the caller's thread
                    outcomes.put(error)
                else:
                    outcomes.put(None)

    for call in calls:
        waiting.put(call)
    for _ in range(_PARALLEL):
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in calls:
            error = outcomes.get()
            if error is not None:
                raise error
    finally:
        over.set()


def _fetch_one(jar: Jar, maven: Any, repository: Path) -> None:
    from requests import RequestException

    group, artifact, version = jar.coordinate.split(":")
    path = jar.path(repository)
    problem: Exception | None = None
    for _ in range(_TRIES):
        path.unlink(missing_ok=True)  # jgo takes a file that is there as it is, also a half one
        try:
            maven.project(group, artifact).at_version(version).artifact().resolve()
        except (RequestException, RuntimeError) as error:
            problem = error
            continue
        if _intact(jar, repository):
            return
        problem = None
    path.unlink(missing_ok=True)
    if problem is None:
        raise StartError(
            f"{jar.coordinate} came with other contents than services/runtime/embedded/kafka.lock names, "
            f"{_TRIES} times. Do not use it; look at what stands between this machine and the repository."
        )
    raise NoNetworkError(
        f"Cannot fetch {jar.coordinate} from the Maven repository ({type(problem).__name__}). Connect this "
        "machine to the network (proxy: HTTPS_PROXY), name a mirror in HOTLINE_MAVEN_REPOSITORY, or copy the "
        f"folder {repository} from a machine that has it. Details: {problem}"
    ) from problem


def _maven(repository: Path, advance: Callable[[int], None]) -> Any:
    # Not above: it takes a sixth of the start of every `hotline` command, and nothing is fetched but once.
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    @contextlib.contextmanager
    def report(_filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    url = os.environ.get("HOTLINE_MAVEN_REPOSITORY", MAVEN_CENTRAL_URL).rstrip("/")
    # The pure-Python resolver is named because jgo would otherwise follow its user-wide settings to `mvn`.
    return MavenContext(
        resolver=PythonResolver(progress_callback=report), repo_cache=repository, remote_repos={"maven": url}
    )


def lock(version: str, cache: Path) -> None:
    """Resolve one version of Apache Kafka from the network and write the lock file."""
    maven = _maven(cache / "maven", lambda _count: None)
    roots = [f"org.apache.kafka:kafka_2.13:{version}", LOGGING_BACKEND]
    inputs, others = maven.resolver.resolve([maven.create_dependency(root) for root in roots])
    found = [*inputs, *sorted((d for d in others if d.scope in ("compile", "runtime")), key=str)]
    lines = [f"# Made by `python -m {__spec__.name} {version}`: coordinate, bytes, SHA-256. Do not edit."]
    for artifact in (dependency.artifact for dependency in found):
        data = artifact.resolve().read_bytes()
        coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
        lines.append(f"{coordinate} {len(data)} {hashlib.sha256(data).hexdigest()}")
    LOCK_FILE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    from services.runtime.embedded.home import cache_folder

    lock(sys.argv[1], cache_folder())
