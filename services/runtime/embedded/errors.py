"""Why embedded infrastructure did not start, as exit codes and messages that say what to do."""

import errno
import shutil
from pathlib import Path

from services.runtime.processes import ProcessFailedError

NEEDED_FREE_MB = 300  # a fresh broker with its logs and topics; the jars take 45 MB


class StartError(RuntimeError):
    """Infrastructure did not start; `exit_code` is what `hotline dev` ends with (1: no special case)."""

    exit_code: int = 1


class NoNetworkError(StartError):
    """The jars could not be fetched (exit 4)."""

    exit_code = 4


class PortTakenError(StartError):
    """A port that was asked for, or remembered, is in use (exit 5)."""

    exit_code = 5


class DiskFullError(StartError):
    """No room under the data folder (exit 6)."""

    exit_code = 6


def explained(error: OSError | ProcessFailedError, home: Path) -> StartError:
    """The start error that says what an operating system's error or a child's last log lines mean."""
    text = error.log_text if isinstance(error, ProcessFailedError) else str(error)
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in text:
        return DiskFullError(f"No space left on the disk of {home}. {_MAKE_ROOM}\n{error}")
    if number == errno.EADDRINUSE or "Address already in use" in text:
        return PortTakenError(
            f"A port is in use by another program. Run the command again to have other ports chosen, "
            f"or name free ones with --kafka-port and --redis-port.\n{error}"
        )
    return StartError(str(error))


def ensure_room(home: Path, needed_mb: int = NEEDED_FREE_MB) -> None:
    """DiskFullError when the disk of `home` has less than `needed_mb` MB left."""
    home.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(home).free // 1_000_000
    if free_mb < needed_mb:
        raise DiskFullError(f"{free_mb} MB are free on the disk of {home}, {needed_mb} MB are needed. {_MAKE_ROOM}")


_MAKE_ROOM = "Make room there, or set HOTLINE_HOME to a folder on another disk."
