"""mutmut 3.7 reads `_nodeid` of a test, which pytest 9 does not have any more: give it (`-p tests.mutmut_plugin`)."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item._nodeid = item.nodeid  # type: ignore[attr-defined]
