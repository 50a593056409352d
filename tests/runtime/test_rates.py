"""Rate limits: a sliding minute per caller, told between replicas through Redis, kept alone without it."""

import pytest

from services.runtime.rates import Rates
from services.runtime.settings import Settings

NOON = 1_780_000_020.0  # the 0th second of a minute
NO_REDIS = Settings(redis_url=None)


def passed(rates: Rates, now: float, tries: int = 100, caller: str = "platform:p", limit: int = 10) -> int:
    return sum(rates.wait_seconds(caller, limit, now) == 0 for _ in range(tries))


def test_a_minute_has_so_many_places_for_each_caller() -> None:
    rates = Rates(NO_REDIS)
    assert (10, 10) == (passed(rates, NOON), passed(rates, NOON + 59, caller="unit:u"))
    assert 0 == passed(rates, NOON + 59.9)


def test_the_places_of_the_last_minute_become_free_as_it_slides_out() -> None:
    rates = Rates(NO_REDIS)
    passed(rates, NOON + 30)
    assert [0, 5, 0, 4] == [passed(rates, NOON + 60 + seconds) for seconds in (0, 30, 31, 54)]


@pytest.mark.parametrize("seconds", [0.0, 20.0, 59.5, 60.0, 75.0])
def test_who_waits_as_long_as_he_is_told_may_pass(seconds: float) -> None:
    rates = Rates(NO_REDIS)
    passed(rates, NOON + 5)
    now = NOON + seconds
    passed(rates, now)
    wait = rates.wait_seconds("platform:p", 10, now)
    assert 0 < wait <= 61
    for _ in range(2):  # into the next minute the first wait may end at its beginning
        now += wait
        wait = rates.wait_seconds("platform:p", 10, now)
        if wait == 0:
            return
    pytest.fail("never lets the caller pass")


@pytest.mark.broker
def test_replicas_hear_of_each_other_once_a_second_and_each_keeps_the_limit_alone_without_redis(
    settings: Settings,
) -> None:
    here, there = Rates(settings), Rates(settings)
    for rates in (here, there):
        rates.close()  # the test exchanges by hand
    assert 6 == passed(here, NOON, tries=6)
    here.exchange(NOON)
    there.exchange(NOON)
    assert 10 == passed(there, NOON), "it has not asked about this caller yet"
    there.exchange(NOON)
    here.exchange(NOON)
    assert 0 == passed(here, NOON + 1), "16 in all"
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    alone = Rates(away)
    alone.close()
    passed(alone, NOON, tries=6)
    alone.exchange(NOON)
    assert 4 == passed(alone, NOON)
