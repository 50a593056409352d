"""A pulse passed on: one per pulse and partition, under an id of its own, behind whatever was said before."""

from datetime import timedelta

from schemas.envelope import Event
from schemas.facts import ClockPulsed
from schemas.supervision import PulseMeasured, PulseRelayed
from services.core.relay import Relay
from services.core.service import Output
from tests.builders import at

RELAY = Relay(ClockPulsed, PulseMeasured, "unit-measures", "/test", "measure-pulse")
NOON = at("Wed 2026-09-23 12:00")


def passed_on(minutes: int, partition: int, relay: Relay = RELAY) -> Event:
    heard = ClockPulsed(id=f"p-{minutes}", source="/test", time=NOON + timedelta(minutes=minutes))
    (output,) = relay(heard, partition)
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


def test_another_kind_of_pulse_is_not_its_business() -> None:
    stranger = PulseRelayed(id="p", source="/test", time=NOON)
    nothing: tuple[Output, ...] = ()
    assert nothing == RELAY(stranger, 0)
