"""A stage per test, and workers that end with it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.runtime.processes import Child
from tests.runtime.driver.stage import Stage


@pytest.fixture
def new_stage(servers: object, tmp_path: Path) -> Callable[..., Stage]:
    return lambda **options: Stage(servers.bootstrap_servers, tmp_path, **options)  # type: ignore[attr-defined]


@pytest.fixture
def stage(new_stage: Callable[..., Stage]) -> Stage:
    return new_stage()


@pytest.fixture
def started() -> Iterator[list[Child]]:
    """Workers to be ended, whatever happens."""
    workers: list[Child] = []
    yield workers
    for worker in workers:
        worker.kill()
