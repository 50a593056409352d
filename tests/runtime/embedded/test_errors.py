"""What the operating system or a child's log says becomes an exit code and advice."""

import errno
from pathlib import Path

import pytest

from services.runtime.embedded.errors import DiskFullError, StartError, ensure_room, explained
from services.runtime.processes import ProcessFailedError

HOME = Path("home")


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 6),
        (ProcessFailedError("kafka-1 ended", "java.io.IOException: No space left on device"), 6),
        (OSError(errno.EADDRINUSE, "Address already in use"), 5),
        (ProcessFailedError("kafka-1 ended", "java.net.BindException: Address already in use"), 5),
        (ProcessFailedError("redis ended", "something else"), 1),
        (PermissionError(errno.EACCES, "Permission denied"), 1),
    ],
)
def test_each_cause_has_its_exit_code(error: OSError | ProcessFailedError, exit_code: int) -> None:
    assert exit_code == explained(error, HOME).exit_code


def test_the_words_of_another_failure_stay() -> None:
    found = explained(ProcessFailedError("redis ended", "the reason"), HOME)
    assert StartError is type(found)
    assert str(found) == "redis ended\n  | the reason"


def test_a_real_write_to_a_full_device_is_a_full_disk() -> None:
    with (
        pytest.raises(OSError, match="No space") as caught,
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")
    assert explained(caught.value, HOME).exit_code == 6


def test_too_little_room_says_how_much_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match=r"1000000000 MB are needed.*HOTLINE_HOME"):
        ensure_room(tmp_path, needed_mb=10**9)
    ensure_room(tmp_path, needed_mb=0)
