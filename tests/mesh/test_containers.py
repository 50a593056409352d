"""The same end-to-end suite against Kafka and Redis in containers, where a Docker engine exists."""

import os
import subprocess
import sys
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

ROOT = Path(__file__).parent.parent.parent


def engine_missing() -> str:
    """Say why containers cannot run here; empty if they can."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        return f"no Docker engine answers ({type(error).__name__})"
    client.close()
    return ""


@pytest.mark.docker
@pytest.mark.timeout(900)
def test_every_branch_also_runs_against_containers() -> None:
    reason = engine_missing()
    if reason:
        pytest.skip(reason)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/mesh/test_every_branch.py", "tests/mesh/test_bad_records.py"],
        cwd=ROOT, env={**os.environ, "HOTLINE_TEST_SERVERS": "containers"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stdout[-4000:]
