"""The engine: real folds over a table of bytes; keys, wakes, pulses, and the indexes rebuilt after a restart."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from schemas.commands import PulseClock
from schemas.envelope import Event
from schemas.facts import ClockPulsed
from schemas.wire import WireError, encode
from services.core.policy import Policies
from services.core.service import Position, Rejected, unread
from services.router.service import service as router
from services.runtime.engine import Engine, Record, Result
from services.sla_timer.service import service as sla_timer
from tests.builders import at, local, opens, signs, told, withdraws

Table = dict[bytes, bytes]


def record(event: Event, *, key: str | None = None, offset: int = 0, partition: int = 0) -> Record:
    headers, value = encode(event)
    bare = event.subject if key is None else key
    return Record(Position("topic", partition, offset), bare.encode() or None, value, tuple(headers), appended_at=0.0)


def feed(engine: Engine, table: Table, events: Iterable[Event], partition: int = 0) -> list[Result]:
    """Handle and write, as the worker does."""
    results = []
    for event in events:
        result = engine.handle(record(event, partition=partition))
        results.append(result)
        for key, value in result.writes:
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value
    return results


def pulsed(when: str) -> ClockPulsed:
    return ClockPulsed(id=f"p-{at(when).timestamp():.0f}", source="/clock", time=at(when))


def of_ticket(policies: Policies, ticket: str, *commands: Any) -> list[Event]:
    return [fact.model_copy(update={"subject": ticket}) for fact in told(policies, *commands)]


@pytest.fixture
def table() -> Table:
    return {}


@pytest.fixture
def timer(policies: Policies, table: Table) -> Engine:
    return Engine(sla_timer(policies).folds[0], table)


def said(results: list[Result]) -> list[tuple[str, str]]:
    return [(output.event.subject, local(output.event.time)) for result in results for output in result.outputs]


def test_a_record_whose_key_is_not_its_subject_is_rejected(policies: Policies, table: Table) -> None:
    engine = Engine(router(policies).folds[0], table)
    opened = opens("Wed 2026-09-23 09:00")
    for key in ("T-2", ""):
        with pytest.raises(Rejected, match="its order is not assured") as caught:
            engine.handle(record(opened, key=key))
        assert "key-mismatch" == caught.value.code
    assert ({}, {}) == (table, engine.oldest())


def test_an_event_without_a_subject_is_rejected(policies: Policies, table: Table) -> None:
    engine = Engine(router(policies).folds[0], table)
    with pytest.raises(Rejected) as caught:
        engine.handle(record(opens("Wed 2026-09-23 09:00").model_copy(update={"subject": ""})))
    assert "missing-subject" == caught.value.code


def test_bytes_that_are_no_event_are_rejected(timer: Engine) -> None:
    with pytest.raises(WireError) as caught:
        timer.handle(Record(Position("topic", 0, 0), b"T-1", b"{}", (), appended_at=0.0))
    assert "missing-header" == caught.value.code


def test_what_is_to_be_written_is_left_to_the_caller(policies: Policies, timer: Engine, table: Table) -> None:
    facts = told(policies, opens("Wed 2026-09-23 09:00"))
    result = timer.handle(record(facts[0]))
    assert {} == table, "state is never ahead of what was said"
    assert [b"T-1"] == [key for key, _ in result.writes]


def test_a_duplicate_writes_nothing(policies: Policies, timer: Engine, table: Table) -> None:
    facts = told(policies, opens("Wed 2026-09-23 09:00"))
    feed(timer, table, facts)
    before = dict(table)
    (again,) = feed(timer, table, [facts[-1]])
    assert ((), True, before) == (again.writes, again.duplicate, table)


def test_tickets_wake_by_instant_then_by_key(policies: Policies, timer: Engine, table: Table) -> None:
    for ticket, when in (("T-c", "09:00"), ("T-a", "09:30"), ("T-b", "09:00"), ("T-d", "08:45")):
        feed(timer, table, of_ticket(policies, ticket, opens(f"Wed 2026-09-23 {when}")))
    results = feed(timer, table, [pulsed("Wed 2026-09-23 12:00")])
    assert [
        ("T-d", "Wed 2026-09-23 10:45"),
        ("T-b", "Wed 2026-09-23 11:00"),
        ("T-c", "Wed 2026-09-23 11:00"),
        ("T-a", "Wed 2026-09-23 11:30"),
    ] == said(results)
    assert [] == said(feed(timer, table, [pulsed("Wed 2026-09-23 12:00")])), "each rang once"


def test_a_pulse_wakes_only_the_tickets_of_its_own_partition(policies: Policies, timer: Engine, table: Table) -> None:
    feed(timer, table, of_ticket(policies, "T-a", opens("Wed 2026-09-23 09:00")), partition=0)
    feed(timer, table, of_ticket(policies, "T-b", opens("Wed 2026-09-23 09:00")), partition=1)
    assert ["T-b"] == [ticket for ticket, _ in said(feed(timer, table, [pulsed("Wed 2026-09-23 12:00")], partition=1))]
    assert ["T-a"] == [ticket for ticket, _ in said(feed(timer, table, [pulsed("Wed 2026-09-23 12:00")], partition=0))]


def test_a_clock_that_stopped_or_moved_wakes_nobody_at_its_old_instant(
    policies: Policies, timer: Engine, table: Table
) -> None:
    story = (opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"))
    feed(timer, table, of_ticket(policies, "T-a", *story))
    feed(timer, table, of_ticket(policies, "T-b", *story, withdraws("Wed 2026-09-23 10:00")))
    (result,) = feed(timer, table, [pulsed("Wed 2026-09-23 12:00")])
    assert ((), ()) == (result.outputs, result.writes)


def test_a_pulse_never_runs_backwards(policies: Policies, timer: Engine, table: Table) -> None:
    feed(timer, table, [pulsed("Wed 2026-09-23 12:00"), pulsed("Wed 2026-09-23 10:00")])
    assert {0: at("Wed 2026-09-23 12:00")} == timer.pulse_at
    feed(timer, table, of_ticket(policies, "T-a", opens("Wed 2026-09-23 09:00")))
    late = feed(timer, table, [pulsed("Wed 2026-09-23 10:30")])
    assert [("T-a", "Wed 2026-09-23 11:00")] == said(late), "it is past 11:00 already, whatever a late pulse says"


def test_the_router_passes_the_pulse_on_behind_everything_else(policies: Policies, table: Table) -> None:
    engine = Engine(router(policies).folds[0], table)
    pulse = PulseClock(id="p-1", source="/clock", time=at("Wed 2026-09-23 12:00"))
    (result,) = feed(engine, table, [pulse], partition=5)
    assert [("ticket-events", 5, "clock.pulsed.v1")] == [(o.topic, o.partition, o.event.type) for o in result.outputs]
    assert () == result.writes


def restarted(engine: Engine, policies: Policies, table: Table) -> Engine:
    again = Engine(engine.fold, table)
    again.rebuild(0, table.items())
    return again


def test_indexes_rebuilt_from_the_bytes_of_the_table_give_the_same_wakes_and_queue_ages(
    policies: Policies, timer: Engine, table: Table
) -> None:
    for number in range(40):
        minute = number % 7
        story: list[Any] = [opens(f"Wed 2026-09-23 09:0{minute}", kind=["help", "complaint"][number % 2])]
        if number % 3:
            story.append(signs(f"Wed 2026-09-23 09:3{minute}"))
        if number % 5 == 0:
            story.append(withdraws("Wed 2026-09-23 10:00"))
        feed(timer, table, of_ticket(policies, f"T-{number}", *story))
    rebuilt_table = dict(table)
    again = restarted(timer, policies, rebuilt_table)
    assert timer.oldest() == again.oldest()
    assert timer.counts() == again.counts()
    for when in ("Wed 2026-09-23 11:03", "Thu 2026-09-24 09:00", "Wed 2026-10-21 18:00"):
        first, second = feed(timer, table, [pulsed(when)]), feed(again, rebuilt_table, [pulsed(when)])
        assert [r.outputs for r in first] == [r.outputs for r in second]
        assert first[0].outputs
    assert table == rebuilt_table
    assert timer.counts() == again.counts()


def test_a_crash_between_saying_and_writing_says_the_same_again(
    policies: Policies, timer: Engine, table: Table
) -> None:
    feed(timer, table, of_ticket(policies, "T-a", opens("Wed 2026-09-23 09:00")))
    before = dict(table)
    first = timer.handle(record(pulsed("Wed 2026-09-23 12:00")))
    assert before == table, "crashed before the writes"
    second = restarted(timer, policies, table).handle(record(pulsed("Wed 2026-09-23 12:00")))
    assert first.outputs == second.outputs
    assert first.writes == second.writes


def test_rebuilding_forgets_what_is_no_longer_owned(policies: Policies, timer: Engine, table: Table) -> None:
    feed(timer, table, of_ticket(policies, "T-a", opens("Wed 2026-09-23 09:00")), partition=0)
    feed(timer, table, of_ticket(policies, "T-b", opens("Wed 2026-09-23 09:00")), partition=1)
    timer.drop(0)
    timer.rebuild(1, [(b"T-b", table[b"T-b"])])
    assert {1} == {count for _, count in timer.oldest().values()}
    assert [] == said(feed(timer, table, [pulsed("Wed 2026-09-23 12:00")], partition=0))
    assert ["T-b"] == [t for t, _ in said(feed(timer, table, [pulsed("Wed 2026-09-23 12:00")], partition=1))]


def test_a_budget_rings_alarms_in_slices_in_the_same_order(policies: Policies, timer: Engine, table: Table) -> None:
    for number in range(7):
        feed(timer, table, of_ticket(policies, f"T-{number}", opens(f"Wed 2026-09-23 09:0{number % 2}")))
    sliced_table = dict(table)
    sliced = Engine(timer.fold, sliced_table, budget=3)
    sliced.rebuild(0, sliced_table.items())
    (whole,) = feed(timer, table, [pulsed("Wed 2026-09-23 12:00")])
    slices = [sliced.handle(record(pulsed("Wed 2026-09-23 12:00")))]
    assert 4 == sliced.alarms_waiting()
    while sliced.rings(0):
        sliced_table.update(slices[-1].writes)  # type: ignore[arg-type]
        slices.append(sliced.go_on(0))
    assert [3, 3, 1] == [len(part.rang) for part in slices]
    assert whole.outputs == tuple(output for part in slices for output in part.outputs)
    assert 0 == sliced.alarms_waiting()


def test_a_pulse_rings_nothing_by_itself_while_the_one_before_it_still_rings(policies: Policies, table: Table) -> None:
    """Else each second would send a budget past whoever keeps the alarms from running ahead of the router."""
    timer = Engine(sla_timer(policies).folds[0], table, budget=2)
    for number in range(5):
        feed(timer, table, of_ticket(policies, f"T-{number}", opens("Wed 2026-09-23 09:00")))
    assert 2 == len(said(feed(timer, table, [pulsed("Wed 2026-09-23 12:00")])))
    assert [] == said(feed(timer, table, [pulsed("Wed 2026-09-23 12:01")]))
    rest = 0
    while timer.rings(0):
        result = timer.go_on(0)
        table.update({key: value for key, value in result.writes if value is not None})
        rest += len(result.outputs)
    assert 3 == rest


def test_a_reply_that_overtakes_a_waiting_alarm_silences_it(policies: Policies, table: Table) -> None:
    timer = Engine(sla_timer(policies).folds[0], table, budget=1)
    stories = {ticket: of_ticket(policies, ticket, opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"))
               for ticket in ("T-a", "T-b")}  # fmt: skip
    for facts in stories.values():
        feed(timer, table, facts[:-1])
    assert ["T-a"] == [t for t, _ in said(feed(timer, table, [pulsed("Wed 2026-09-23 12:00")]))]
    feed(timer, table, [stories["T-b"][-1]])
    assert () == timer.go_on(0).outputs, "its clock was stopped while it waited"


def test_overdue_clocks_are_counted_from_the_slowest_partition(policies: Policies, timer: Engine, table: Table) -> None:
    feed(timer, table, of_ticket(policies, "T-a", opens("Wed 2026-09-23 09:00")), partition=0)
    feed(timer, table, [pulsed("Wed 2026-09-23 09:00")], partition=1)
    feed(timer, table, [pulsed("Wed 2026-09-23 11:00")], partition=0)
    assert (1, 0) == timer.counts()["sign"], "partition 1 is behind"
    feed(timer, table, [pulsed("Wed 2026-09-23 11:00")], partition=1)
    assert (1, 1) == timer.counts()["sign"]
    assert datetime.fromisoformat("2026-09-23T03:00:00+00:00") == timer.pulse_at[1]


def test_indexes_made_of_a_survey_are_those_made_of_states(policies: Policies, table: Table, timer: Engine) -> None:
    for number in range(4):
        feed(
            timer,
            table,
            of_ticket(
                policies, f"T-{number}", opens(f"Wed 2026-09-23 09:0{number // 2}"), signs("Wed 2026-09-23 09:30")
            ),
        )
    feed(timer, table, of_ticket(policies, "T-5", opens("Wed 2026-09-23 09:00"), withdraws("Wed 2026-09-23 09:10")))
    found = []
    for fold in (timer.fold, replace(timer.fold, survey=unread)):
        engine, values = Engine(fold), dict(table)
        engine.rebuild(0, table.items(), values)
        before = (engine.oldest(), engine.counts())
        results = [engine.handle(record(pulsed(when))) for when in ("Wed 2026-09-23 09:30", "Wed 2026-09-30 18:00")]
        found.append((before, said(results), engine.counts()))
    assert found[0] == found[1]
    assert found[0][0][1]["handle"] == (4, 0)
    assert found[0][2]["handle"] == (4, 4)
