"""How pytest-xdist (`make test`, or `pytest -n 3`) shares the tests out among its workers."""

from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
SHARED_MESH = "the shared mesh"
LONGEST = (
    SHARED_MESH,
    "tests/runtime/driver/test_faults.py",
    "tests/examples/test_consumers.py",
    "tests/bench/test_kill_rounds.py",
    "tests/demo/test_demo_command.py",
    "tests/rules/test_plants.py",
    "tests/mesh/test_digests_of_units.py",
    "tests/core/test_merged_lives.py",
    "tests/mesh/test_way_out.py",
    "tests/mesh/test_every_branch.py",
    "tests/mesh/test_repeats.py",
)
"""What takes a minute or more of processor time, the longest first: begun last, it would keep one worker alone."""


class FilesWhole(LoadScopeScheduling):
    """A worker gets a file whole, and all files that share the mesh: each worker has servers and a mesh of its own."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid.partition("::")[0])


@cache
def _scope(path: str) -> str:
    return SHARED_MESH if "shared_mesh" in (ROOT / path).read_text(encoding="utf-8") else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesWhole:
    config.option.loadscopereorder = False  # else the files with most tests go first, which are the quickest
    return FilesWhole(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest first, then what waits for a broker, so that no long file is left to the end."""
    if hasattr(config, "workerinput"):
        waiting = {item.path for item in items if item.get_closest_marker("broker")}
        items.sort(key=lambda item: (_place(item.nodeid.partition("::")[0]), item.path not in waiting))


def _place(path: str) -> int:
    scope = _scope(path)
    return LONGEST.index(scope) if scope in LONGEST else len(LONGEST)
