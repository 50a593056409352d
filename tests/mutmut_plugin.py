"""What mutation runs need (`-p tests.mutmut_plugin`).

mutmut 3.7 reads `_nodeid` of a test, which pytest 9 does not have any more. Mutated code is slow and a run must be
repeatable, so properties are drawn from a fixed seed, and nobody looks at the clock.
"""

import pytest
from hypothesis import settings

settings.register_profile("mutation", deadline=None, derandomize=True, database=None, max_examples=25)
settings.load_profile("mutation")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item._nodeid = item.nodeid  # type: ignore[attr-defined]
