"""The project-local folder of everything that is downloaded or stored by embedded infrastructure."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from services.runtime.embedded.errors import StartError


def hotline_home() -> Path:
    """`HOTLINE_HOME`, else `.hotline` in the checkout of this code, else `.hotline` in the current folder."""
    named = os.environ.get("HOTLINE_HOME")
    if named:
        return Path(named).expanduser().absolute()
    root = Path(__file__).parents[3]
    return (root if (root / "pyproject.toml").is_file() else Path.cwd()) / ".hotline"


def cache_folder() -> Path:
    """Where fetched jars are kept: `HOTLINE_CACHE`, else `cache` under the home folder."""
    named = os.environ.get("HOTLINE_CACHE")
    return Path(named).expanduser().absolute() if named else hotline_home() / "cache"


def lock_file(home: Path) -> Path:
    """The file that the process which runs a cluster under `home` holds."""
    return home / "in-use.lock"


@contextlib.contextmanager
def exclusive(file: Path, *, wait_s: float, otherwise: str) -> Iterator[None]:
    """Hold a lock file until this process ends at most. StartError(otherwise) after `wait_s` seconds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    with file.open("a+") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StartError(otherwise) from None
                time.sleep(0.05)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def holder(file: Path) -> int | None:
    """Process id of the living process that holds the lock file, None if nobody does."""
    if not file.exists():
        return None
    with file.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(handle.read() or 0) or None
    return None
