"""The clock: wall time on whole intervals, simulated time at any speed, pulses in every partition."""

import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest

from schemas.commands import PulseClock
from schemas.topics import load
from schemas.wire import decode
from services.runtime.clock import pulse, simulated_time, tick, wall_time
from services.runtime.publisher import Publisher
from services.runtime.settings import Settings
from services.runtime.tail import Tail
from services.runtime.topics_admin import apply

START = datetime(2026, 9, 23, 0, 0, tzinfo=UTC)


def test_simulated_time_runs_at_its_speed() -> None:
    instants = [at for at, _ in itertools.islice(simulated_time(START, speed=3600, interval=0.5), 4)]
    assert [START + timedelta(minutes=30 * n) for n in (1, 2, 3, 4)] == instants


def test_wall_time_falls_on_whole_intervals() -> None:
    at, seconds = next(wall_time(5.0))
    assert (0.0, True) == (at.timestamp() % 5, 0 < seconds <= 5)


@pytest.mark.broker
def test_a_pulse_stands_in_every_partition_under_one_id_per_partition(settings: Settings) -> None:
    apply(settings, load())
    publisher = Publisher(settings, "test")
    for _ in range(2):  # two clocks at once
        pulse(publisher, 4, START)
    publisher.close()
    tail = Tail(settings, load(), ["ticket-commands"])
    events = [(record.position.partition, decode(record.headers, record.value)) for record in tail.catch_up()]
    tail.close()
    assert [0, 0, 1, 1, 2, 2, 3, 3] == sorted(partition for partition, _ in events)
    assert 4 == len({event.id for _, event in events})
    assert all(isinstance(event, PulseClock) and event.time == START for _, event in events)


@pytest.mark.broker
def test_the_clock_stops_when_it_is_told_to(settings: Settings) -> None:
    apply(settings, load())
    publisher, stop = Publisher(settings, "test"), threading.Event()
    threading.Timer(1.0, stop.set).start()
    last = tick(publisher, 4, simulated_time(START, speed=60, interval=0.1), stop)
    publisher.close()
    assert last is not None
    assert START < last <= START + timedelta(seconds=66)
