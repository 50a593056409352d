"""A pulse passed on: one per pulse and partition, under an id of its own, behind whatever was said before."""

from dataclasses import replace
from datetime import datetime, timedelta

from schemas.envelope import Event
from schemas.facts import ClockPulsed
from schemas.supervision import PulseMeasured, PulseRelayed
from services.core.relay import UNHURRIED, Relay
from services.core.service import Output
from tests.builders import at

RELAY = Relay(ClockPulsed, PulseMeasured, "unit-measures", "/test", "measure-pulse")
NOON = at("Wed 2026-09-23 12:00")


def passed_on(minutes: int, partition: int, relay: Relay = RELAY) -> Event:
    heard = ClockPulsed(id=f"p-{minutes}", source="/test", time=NOON + timedelta(minutes=minutes))
    (output,) = relay(heard, partition, NOON)
    assert ("unit-measures", partition) == (output.topic, output.partition)
    return output.event


def test_it_says_what_time_it_is_and_by_which_pulse() -> None:
    said = passed_on(1, 2)
    assert isinstance(said, PulseMeasured)
    assert ("/test", NOON + timedelta(minutes=1), "p-1") == (said.source, said.time, said.causation)


def test_each_pulse_in_each_partition_has_an_id_of_its_own_and_the_same_again() -> None:
    other = Relay(ClockPulsed, PulseMeasured, "unit-measures", "/test", "another")
    ids = {passed_on(minutes, partition).id for minutes in (0, 1) for partition in (0, 1)}
    assert 4 == len(ids)
    assert passed_on(1, 1).id in ids
    assert passed_on(1, 1, other).id not in ids


def test_one_for_unhurried_readers_is_passed_on_once_in_five_seconds_and_after_a_restart() -> None:
    """By the clock, not by counting: so every partition, and whoever reads again, lets the same ones through."""
    relay = replace(RELAY, every=UNHURRIED)
    seconds = [1.0, 4.0, 4.5, 5.0, 5.0, 9.999, 9.0, 10.0, 3.0, 31.0]
    heard = [ClockPulsed(id=f"p-{n}", source="/test", time=NOON + timedelta(seconds=s)) for n, s in enumerate(seconds)]
    newest: datetime | None = None
    told = []
    for pulse in heard:
        told += [output.event.time - NOON for output in relay(pulse, 0, newest)]
        newest = pulse.time if newest is None else max(newest, pulse.time)
    assert [timedelta(seconds=s) for s in (1.0, 5.0, 10.0, 31.0)] == told


def test_another_kind_of_pulse_is_not_its_business() -> None:
    stranger = PulseRelayed(id="p", source="/test", time=NOON)
    nothing: tuple[Output, ...] = ()
    assert nothing == RELAY(stranger, 0, None)
