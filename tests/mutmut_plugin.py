"""What mutation runs need (`-p tests.mutmut_plugin`).

mutmut 3.7 reads `_nodeid` of a test, which pytest 9 does not have any more. Mutated code is slow and a run must be
repeatable, so properties are drawn from a fixed seed, no failure is shrunk, and nobody looks at the clock. The machine
is put into a zone of its own: whoever takes the machine's zone for the jurisdiction's, or for UTC, is noticed. What a
test takes is counted in processor time: a busy machine, or a run that is paused, makes no test slow.
"""

import os
import time

import pytest
from _pytest import timing
from hypothesis import Phase, settings

os.environ["TZ"] = "America/St_Johns"
time.tzset()
timing.perf_counter = time.process_time
settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, max_examples=25,
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
settings.load_profile("mutation")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item._nodeid = item.nodeid  # type: ignore[attr-defined]
