"""The driver against a real broker, and stock Faust's defect beside it wherever it has one.

A test named `stock_...` asserts the defect: should Faust be mended, it fails, and the driver can lose that part.
`HOTLINE_KILL_ROUNDS` (default 3; `make fault-tests` takes 100) says how often the kill -9 tests strike.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.runtime.embedded import EmbeddedCluster
from services.runtime.processes import Child
from tests.runtime.driver.job import PARTITIONS
from tests.runtime.driver.stage import KEYS, Stage, assert_whole, wait_for

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1800)]
ROUNDS = int(os.environ.get("HOTLINE_KILL_ROUNDS", "3"))
STORES = ["memory", "rocksdb"]


# -- kill -9


@pytest.mark.parametrize("store", STORES)
def test_kill_9_in_recovery_with_a_backlog_leaves_no_hole(stage: Stage, started: list[Child], store: str) -> None:
    chance = random.Random(5)
    worker = stage.worker("ours", "a", "--store", store)
    started.append(worker)
    stage.feed(KEYS, 5)
    wait_for(stage.all_committed, "the first records", worker)
    for _ in range(ROUNDS):
        worker.kill()
        stage.feed(KEYS, 12)  # 480 records of backlog
        worker.start()
        time.sleep(chance.uniform(0.5, 2.5))  # somewhere from its start over recovery into the backlog
    worker.kill()
    stage.feed(KEYS, 12)
    worker.start()
    wait_for(stage.all_committed, "everything to be committed", worker)
    assert_whole(stage)


def test_stock_faust_skips_records_after_a_recovery_with_a_backlog(stage: Stage, started: list[Child]) -> None:
    """A busy worker is what makes it likely, so the second life has one: slow, and late to hear of its own seek."""
    first = stage.worker("stock")
    started.append(first)
    stage.feed(KEYS, 5)
    wait_for(lambda: len(set(stage.said())) >= 200, "the first records", first)
    first.kill()
    stage.feed(KEYS, 12)
    second = stage.worker("stock", None, "--late-seek", "3", "--slow", "0.02")
    started.append(second)
    wait_for(lambda: len(set(stage.said())) > 200, "the backlog", second)

    def skipped() -> bool:
        stage.feed(KEYS[:4])  # what was skipped is seen by what comes behind it
        return any(line.startswith(b"hole") for line in stage.said())

    wait_for(skipped, "a hole", second)


# -- commit


def test_offsets_are_committed_only_after_what_was_said_is_on_the_broker(stage: Stage, started: list[Child]) -> None:
    worker = stage.worker("ours", "a", "--linger-ms", "1500")  # every send waits 1.5 s in the producer
    started.append(worker)
    for _ in range(8):
        stage.feed(KEYS)
        committed, said = sum(stage.committed().values()), sum(stage.ends(stage.out).values())
        assert committed <= said
        time.sleep(0.4)
    wait_for(stage.all_committed, "everything to be committed", worker)
    assert_whole(stage)


def test_a_commit_writes_only_the_last_value_of_a_key(stage: Stage, started: list[Child]) -> None:
    stage.feed(KEYS[:1], 1000)
    worker = stage.worker("ours", "a")
    started.append(worker)
    wait_for(stage.all_committed, "everything to be committed", worker)
    assert_whole(stage)
    assert len(stage.read(stage.changelog)) < 50


def test_a_failed_delivery_ends_the_worker_and_commits_nothing_past_it(
    new_stage: Callable[..., Stage], started: list[Child]
) -> None:
    stage = new_stage(out_config={"max.message.bytes": "40"})  # less than any batch has: the broker takes no output
    worker = stage.worker("ours", "a")
    started.append(worker)
    stage.feed(KEYS)
    wait_for(lambda: not worker.alive, "the worker's end")
    assert "UndeliveredError" in worker.log_text()
    assert (set(stage.committed().values()), stage.said(), stage.state()) == ({0}, [], {})


def test_stock_faust_commits_past_a_failed_delivery(new_stage: Callable[..., Stage], started: list[Child]) -> None:
    stage = new_stage(out_config={"max.message.bytes": "40"})
    worker = stage.worker("stock")
    started.append(worker)
    stage.feed(KEYS)
    wait_for(lambda: sum(stage.committed().values()) > 0, "offsets to be committed", worker)
    assert stage.said() == []


# -- bad records and handlers


def test_an_exception_in_the_handler_commits_nothing_of_its_run(stage: Stage, started: list[Child]) -> None:
    stage.feed([b"x"], 3, partition=0)
    worker = stage.worker("ours", "a")
    started.append(worker)
    wait_for(stage.all_committed, "the good records", worker)
    stage.poison(partition=0)
    wait_for(lambda: not worker.alive, "the worker's end")
    assert "poison" in worker.log_text()
    assert stage.committed()[0] == 3
    worker.start()
    wait_for(lambda: not worker.alive, "its end again: the record is still there")
    assert stage.committed()[0] == 3


def test_stock_faust_loses_the_record_whose_handler_raised(stage: Stage, started: list[Child]) -> None:
    stage.feed([b"x"], 3, partition=0)
    worker = stage.worker("stock")
    started.append(worker)
    wait_for(lambda: stage.committed()[0] == 3, "the good records", worker)
    stage.poison(partition=0)
    wait_for(lambda: stage.committed()[0] == 4, "the poison to be committed though nobody handled it", worker)


# -- recovery and rebalances


@pytest.mark.parametrize("store", STORES)
def test_empty_changelog_partitions_recover_at_once(stage: Stage, started: list[Child], store: str) -> None:
    stage.feed([b"only"], 7, partition=2)
    worker = stage.worker("ours", "a", "--store", store)
    started.append(worker)
    wait_for(stage.all_committed, "the first life", worker)
    worker.kill()
    stage.feed([b"only"], 7, partition=2)
    stage.feed([b"other"], 1, partition=0)
    worker.start()
    wait_for(stage.all_committed, "the second life", worker)
    assert_whole(stage)


def test_a_store_that_the_changelog_does_not_know_is_made_anew(stage: Stage, started: list[Child]) -> None:
    worker = stage.worker("ours", "a", "--store", "rocksdb")
    started.append(worker)
    stage.feed(KEYS, 20)
    wait_for(stage.all_committed, "the first life", worker)
    worker.terminate()
    wait_for(lambda: not worker.alive, "its end")
    for future in stage.admin.delete_topics([stage.changelog]).values():
        future.result()
    time.sleep(1)
    from confluent_kafka.admin import NewTopic

    for future in stage.admin.create_topics([NewTopic(stage.changelog, PARTITIONS, 1)]).values():
        future.result()
    stage.feed([b"new-%d" % n for n in range(8)], 1)
    worker.start()
    wait_for(stage.all_committed, "the second life", worker)
    assert set(stage.state().values()) == {b"1"}, "nothing of the other life is left"


@pytest.mark.parametrize("store", STORES)
def test_two_workers_that_swap_partitions_under_load_lose_and_mix_nothing(
    stage: Stage, started: list[Child], store: str
) -> None:
    one, two = (stage.worker("ours", name, "--store", store) for name in ("one", "two"))
    started += [one, two]
    chance = random.Random(7)
    for number in range(3 * ROUNDS):
        stage.feed(KEYS, 10)
        moving = (one, two)[number % 2]
        if chance.random() < 0.5:
            moving.kill()
        else:
            moving.terminate()
        time.sleep(chance.uniform(0.1, 1.5))
        stage.feed(KEYS, 10)
        moving.start()
        time.sleep(chance.uniform(0.5, 2.0))
    wait_for(stage.all_committed, "everything to be committed", one, two)
    assert_whole(stage)


def test_a_worker_that_joins_during_slow_commits_takes_over_without_a_hole(stage: Stage, started: list[Child]) -> None:
    """Every commit takes a second, so partitions are taken away in the middle of one, and no output is said twice."""
    options = ("--linger-ms", "1000", "--slow", "0.001")
    one = stage.worker("ours", None, *options)
    started.append(one)
    stage.feed(KEYS, 10)
    wait_for(lambda: sum(stage.committed().values()) > 0, "the first commit", one)
    stage.feed(KEYS, 30)
    two = stage.worker("ours", "second", *options)
    started.append(two)
    wait_for(stage.all_committed, "everything to be committed", one, two)
    assert_whole(stage)
    repeated = {line: count for line, count in Counter(stage.said()).items() if count > 1}
    assert repeated == {}, "a revoked partition is finished and committed before it is given away"


def test_a_worker_that_lost_its_partitions_ends_and_harms_nothing(stage: Stage, started: list[Child]) -> None:
    one = stage.worker("ours", "one")
    started.append(one)
    stage.feed(KEYS, 20)
    wait_for(stage.all_committed, "the first records", one)
    os.kill(one.pid, signal.SIGSTOP)
    stage.feed(KEYS, 20)
    two = stage.worker("ours", "two")
    started.append(two)
    wait_for(stage.all_committed, "the second worker to take over", two)
    os.kill(one.pid, signal.SIGCONT)
    stage.feed(KEYS, 5)
    wait_for(stage.all_committed, "everything to be committed", two)
    wait_for(lambda: not one.alive, "the end of the worker that slept through its session")
    assert_whole(stage)


# -- the broker


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    """A broker that may be killed: nobody else uses it."""
    with EmbeddedCluster(tmp_path_factory.mktemp("own-broker"), redis=False) as cluster:
        yield cluster


@pytest.mark.parametrize("away", [0.5, 5.0], ids=["shorter than the session", "longer than the session"])
def test_a_broker_that_is_killed_and_comes_back_costs_nothing(
    own_cluster: EmbeddedCluster, tmp_path: Path, started: list[Child], away: float
) -> None:
    """The worker may end when its session did, for another may have had its partitions; then it is started again."""
    stage, (broker,) = Stage(own_cluster.bootstrap_servers, tmp_path), own_cluster.brokers
    worker = stage.worker("ours", "a", "--session-timeout", "3", "--slow", "0.002")
    started.append(worker)
    stage.feed(KEYS, 2)
    wait_for(lambda: sum(stage.committed().values()) > 0, "the first commit", worker)
    stage.feed(KEYS, 30)  # 2.4 s of work: the broker goes in the middle of it
    broker.kill()
    time.sleep(away)
    broker.start()
    own_cluster.wait_ready()
    stage.feed(KEYS, 2)

    ended: list[int | None] = []

    def over() -> bool:
        if not worker.alive:
            ended.append(worker.returncode)
            assert ended[-1] == 70, worker.log_text()
            worker.start()
        return stage.all_committed()

    wait_for(over, "everything to be committed", seconds=90)
    assert_whole(stage)
    if not ended:  # a worker that went on through it says nothing twice; one that began again may, under the same ids
        assert {line for line, count in Counter(stage.said()).items() if count > 1} == set()
