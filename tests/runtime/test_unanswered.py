"""An alarm clock rings so far ahead of the router and no farther, and waits for nobody for ever."""

from services.runtime.unanswered import LEAST, MOST, Unanswered


def keys(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


def answered(alarms: Unanswered, count: int, start: int = 0) -> None:
    for key in keys(count, start):
        alarms.heard(key)


def test_so_many_alarms_are_under_way_and_the_next_wait_for_an_answer() -> None:
    alarms = Unanswered()
    alarms.rang(keys(LEAST - 1), 10.0)
    assert not alarms.enough(10.0)
    alarms.rang(keys(2, LEAST - 1), 10.0)
    assert alarms.enough(10.0)
    alarms.heard(b"another ticket")
    alarms.heard(None)
    answered(alarms, LEAST // 2)
    assert alarms.enough(10.1)


def test_the_next_ring_once_half_of_them_are_answered_and_not_one_by_one() -> None:
    alarms = Unanswered()
    alarms.rang(keys(LEAST), 10.0)
    assert alarms.enough(10.0)
    answered(alarms, LEAST // 2)
    assert alarms.enough(10.1)
    alarms.heard(b"%d" % (LEAST // 2))
    assert not alarms.enough(10.1)
    alarms.rang(keys(LEAST // 2, LEAST), 10.2)
    assert not alarms.enough(10.2), "they ring until as many are under way as before"
    alarms.rang(keys(1, 2 * LEAST), 10.2)
    assert alarms.enough(10.2)


def test_a_key_that_rings_twice_is_one() -> None:
    alarms = Unanswered()
    alarms.rang(keys(LEAST - 1), 10.0)
    alarms.rang(keys(LEAST - 1), 10.1)
    assert not alarms.enough(10.1)


def test_a_quick_router_gets_three_quarters_of_a_second_of_work_ahead() -> None:
    alarms = Unanswered()
    alarms.rang(keys(2_499), 10.0)
    answered(alarms, 1_000)
    assert not alarms.enough(10.5), "1,000 in half a second are 2,000 a second: 1,500 may be under way"
    alarms.rang(keys(1, 5_000), 10.5)
    assert alarms.enough(10.5)


def test_the_quickest_router_has_a_bound_too() -> None:
    alarms = Unanswered()
    alarms.rang(keys(60_000), 10.0)
    answered(alarms, 60_000 - MOST)
    assert alarms.enough(11.0)


def test_an_alarm_that_nothing_follows_from_is_given_up() -> None:
    alarms = Unanswered()
    alarms.rang(keys(LEAST), 10.0)
    assert alarms.enough(15.0)
    assert not alarms.enough(15.1)
    alarms.rang(keys(LEAST), 16.0)
    assert alarms.enough(16.0)
