"""How pytest-xdist (`make test`, or `pytest -n 3`) shares the tests out among its workers."""

from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent


class FilesWhole(LoadScopeScheduling):
    """A worker gets a file whole, and all files that share the mesh: each worker has servers and a mesh of its own."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid.partition("::")[0])


@cache
def _scope(path: str) -> str:
    return "the shared mesh" if "shared_mesh" in (ROOT / path).read_text(encoding="utf-8") else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesWhole:
    config.option.loadscopereorder = False  # else the files with most tests go first, which are the quickest
    return FilesWhole(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what waits for a broker first, most of all what shares the mesh, so that no long file is left to the end."""
    if hasattr(config, "workerinput"):
        waiting = {item.path for item in items if item.get_closest_marker("broker")}
        items.sort(key=lambda i: (_scope(i.nodeid.partition("::")[0]) != "the shared mesh", i.path not in waiting))
