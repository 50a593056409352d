"""A member that dies in the middle of a cooperative rebalance and comes back: its group is made whole again.

Without `services.runtime.driver.orphans` the partitions it gave up stay without an owner: seen for 100 s, then stopped.
"""

import time

import pytest

from services.runtime.processes import Child
from tests.runtime.driver.stage import KEYS, Stage, assert_whole, wait_for

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]
# There is time between giving partitions up and joining again, and a killed worker is back within its session.
OPTIONS = ("--linger-ms", "3000", "--session-timeout", "12")


@pytest.fixture
def given_up(stage: Stage, started: list[Child]) -> Child:
    """A worker that gave two of its four partitions up for another one, and was killed before it joined again."""
    one = stage.worker("ours", "one", *OPTIONS)
    started.append(one)
    stage.feed(KEYS)
    wait_for(stage.all_committed, "the first records", one)
    started.append(stage.worker("ours", "two", *OPTIONS))

    def half_given_up() -> bool:
        stage.feed(KEYS)
        return sorted(stage.owned().values()) == [0, 2]

    wait_for(half_given_up, "the new member to join", *started)
    one.kill()
    return one


def test_a_worker_that_died_before_it_joined_again_and_is_back_leaves_no_partition_without_an_owner(
    stage: Stage, started: list[Child], given_up: Child
) -> None:
    given_up.start()
    wait_for(lambda: sorted(stage.owned().values()) == [2, 2], "the orphans to be shared out", *started)
    wait_for(stage.all_committed, "everything to be committed", *started)
    assert_whole(stage)
    assert any("nobody owns" in worker.log_text() for worker in started)  # whichever of the two looked first


def test_a_worker_whose_group_is_whole_looks_once_and_has_nothing_shared_out(
    stage: Stage, started: list[Child]
) -> None:
    one = stage.worker("ours", "one")
    started.append(one)
    stage.feed(KEYS)
    wait_for(stage.all_committed, "the first records", one)
    one.kill()
    stage.feed(KEYS)
    one.start()
    wait_for(stage.all_committed, "everything to be committed", one)
    time.sleep(6)  # a whole session: more than the lookout waits
    assert "nobody owns" not in one.log_text()
