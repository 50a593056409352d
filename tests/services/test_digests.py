"""Digests: a unit hears of many tickets at once, each once, whatever is repeated, killed or late (Art. 10)."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.facts import ClockPulsed
from schemas.supervision import DigestIssued, PulseRelayed, ReminderCollected, ReminderIssued
from schemas.values import DigestItem
from schemas.wire import encode
from services.core.policy import Policies, Policy
from services.core.service import Fold, Output, Position, Rejected
from services.reminder.digests import ITEMS_AT_MOST, DigestState, send_at
from services.reminder.service import service
from services.runtime.engine import Engine, Record
from services.runtime.policy_files import load_policies
from tests.builders import (
    SANITATION,
    asks_for_time,
    at,
    elapses,
    grants,
    local,
    new_id,
    opens,
    passes,
    position,
    replies,
    signs,
    told,
)

BY_UNIT: Fold[DigestState] = service(load_policies(Path(__file__).parents[2] / "ops", "weixi")).folds[1]


@pytest.fixture
def ladder(policies: Policies) -> Fold[Any]:
    return service(policies).folds[0]


@pytest.fixture
def fold() -> Fold[DigestState]:
    return BY_UNIT


def collected(offset: int, send: str = "Wed 2026-09-23 09:00", partition: int = 0, **data: Any) -> ReminderCollected:
    number = f"{partition}-{data.pop('ticket', offset)}"
    item = DigestItem(
        reminder=f"r-{number}", ticket=f"T-{number}", clock="handle", clock_cycle=1, due_at=at("Thu 2026-09-24 18:00")
    )
    base = {
        "id": f"c-{partition}-{offset}", "source": "/test", "subject": SANITATION, "time": at("Wed 2026-09-23 08:40"),
        "unit": SANITATION, "item": item, "rung": "half", "channel": "written", "send_at": at(send),
        "partition": partition, "offset": offset, "index": 0,
    }  # fmt: skip
    return ReminderCollected.model_validate(base | data)


def folded(fold: Fold[DigestState], *said: ReminderCollected) -> DigestState:
    state = None
    for event in said:
        state = fold.handle(state, event, position(topic="unit-reminders")).state
    assert state is not None
    return state


def sent(fold: Fold[DigestState], state: DigestState, when: str) -> list[DigestIssued]:
    assert fold.wake is not None
    return [o.event for o in fold.wake(SANITATION, state, at(when)).outputs]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("may_go_out", "prompt", "goes_out"),
    [
        ("Wed 2026-09-23 09:00", False, "Wed 2026-09-23 09:00"),  # the end of a window belongs to it
        ("Wed 2026-09-23 09:00:01", False, "Wed 2026-09-23 09:30"),
        ("Wed 2026-09-23 08:59:59", False, "Wed 2026-09-23 09:00"),
        ("Wed 2026-09-23 11:45", False, "Wed 2026-09-23 14:30"),  # the window ends as the lunch break begins
        ("Wed 2026-09-23 17:40", False, "Thu 2026-09-24 08:30"),
        ("Thu 2026-09-24 17:40", False, "Mon 2026-09-28 08:30"),  # Mid-Autumn
        ("Wed 2026-09-23 08:40", True, "Wed 2026-09-23 08:40"),
        ("Fri 2026-09-25 02:00", True, "Fri 2026-09-25 02:00"),  # statutory: at any hour
    ],
)  # fmt: skip
def test_a_reminder_goes_out_at_the_end_of_its_window(
    policy: Policy, may_go_out: str, prompt: bool, goes_out: str
) -> None:
    assert goes_out == local(send_at(policy, at(may_go_out), prompt=prompt))


def test_many_reminders_of_one_window_are_one_digest_that_lists_each_ticket(fold: Fold[DigestState]) -> None:
    (digest,) = sent(fold, folded(fold, *[collected(n) for n in range(300)]), "Wed 2026-09-23 09:00")
    assert (SANITATION, "half", 300) == (digest.unit, digest.rung, len({item.ticket for item in digest.items}))
    assert "Wed 2026-09-23 09:00" == local(digest.time)


def test_rungs_and_windows_are_told_apart(fold: Fold[DigestState]) -> None:
    state = folded(
        fold, collected(0), collected(1, rung="near_due", channel="phone"), collected(2, send="Wed 2026-09-23 09:30")
    )
    assert ["half", "near_due"] == [d.rung for d in sent(fold, state, "Wed 2026-09-23 09:29:59")]
    assert 3 == len(sent(fold, state, "Wed 2026-09-23 09:30"))
    assert fold.wake_at(state) == at("Wed 2026-09-23 09:00")


def test_a_digest_never_grows_beyond_what_a_record_takes(fold: Fold[DigestState]) -> None:
    digests = sent(fold, folded(fold, *[collected(n) for n in range(ITEMS_AT_MOST + 1)]), "Wed 2026-09-23 09:00")
    assert [ITEMS_AT_MOST, 1] == [len(d.items) for d in digests]
    assert max(len(encode(d)[1]) for d in digests) < 1_000_000


def test_what_was_sent_is_not_sent_again(fold: Fold[DigestState]) -> None:
    assert fold.wake is not None
    state = fold.wake(SANITATION, folded(fold, collected(0)), at("Wed 2026-09-23 09:00")).state
    assert state is not None
    again = fold.handle(state, collected(0), position())
    assert (True, state) == (again.duplicate, again.state)
    assert fold.wake_at(state) is None


def test_a_copy_that_comes_after_its_digest_is_known_by_its_place(fold: Fold[DigestState]) -> None:
    state = folded(fold, collected(5), collected(3, partition=1))
    assert fold.handle(state, collected(4), position()).duplicate
    assert not fold.handle(state, collected(4, partition=1), position()).duplicate
    assert not fold.handle(state, collected(5, index=1), position()).duplicate, "one fact may say two things"


def test_what_waits_shows_as_clocks(fold: Fold[DigestState]) -> None:
    (clock,) = fold.clocks(folded(fold, collected(0)))
    assert ("digest", at("Wed 2026-09-23 09:00")) == (clock.kind, clock.due_at)


def test_what_is_nothing_to_collect_is_rejected(fold: Fold[DigestState], policy: Policy) -> None:
    with pytest.raises(Rejected, match="is nothing to collect"):
        fold.handle(None, told(policy, opens("Wed 2026-09-23 09:00"))[0], position())


# ---------------------------------------------------------------- both folds together


def unit_hears(ladder: Fold[Any], fold: Fold[DigestState], facts: Any, when: str) -> list[DigestIssued]:
    """Give what the unit is sent at `when`, when the ladder heard these facts."""
    state, unit = None, None
    for offset, fact in enumerate(facts):
        step = ladder.handle(state, fact, position(offset))
        state = step.state
        for output in step.outputs:
            if isinstance(output.event, ReminderCollected):
                unit = fold.handle(unit, output.event, position()).state
    return sent(fold, unit, when) if unit else []


NIGHT = (opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"))


def test_a_digest_says_nothing_of_the_matter(ladder: Fold[Any], fold: Fold[DigestState], policy: Policy) -> None:
    facts = told(policy, *NIGHT, elapses("case"), elapses("handle"))
    (digest,) = unit_hears(ladder, fold, facts, "Wed 2026-09-30 08:30")
    assert {"reminder", "ticket", "clock", "clock_cycle", "due_at"} == set(digest.items[0].model_dump())
    assert ("overdue", True) == (digest.rung, digest.to_head)


def test_who_replied_before_the_digest_is_not_in_it(ladder: Fold[Any], fold: Fold[DigestState], policy: Policy) -> None:
    late = (*NIGHT, elapses("case"), elapses("handle"))
    answered = (*late, replies("Tue 2026-09-29 20:00"), passes("Tue 2026-09-29 20:00"))
    assert [] == unit_hears(ladder, fold, told(policy, *answered), "Wed 2026-09-30 08:30")


def test_a_breach_taken_back_drops_the_notice(ladder: Fold[Any], fold: Fold[DigestState], policy: Policy) -> None:
    asked = (*NIGHT, asks_for_time("Tue 2026-09-29 17:00"), elapses("case"), elapses("handle"))
    assert 1 == len(unit_hears(ladder, fold, told(policy, *asked), "Wed 2026-09-30 08:30"))
    facts = told(policy, *asked, grants("Tue 2026-09-29 20:00"))
    assert [] == unit_hears(ladder, fold, facts, "Wed 2026-09-30 08:30")


def test_each_reminder_that_was_issued_is_in_one_digest(
    ladder: Fold[Any], fold: Fold[DigestState], policy: Policy
) -> None:
    facts = told(policy, opens("Wed 2026-09-23 09:00", kind="complaint"), elapses("sign"))
    issued = [
        o.event.id
        for n, f in enumerate(facts)
        for o in ladder.handle(_before(ladder, facts[:n]), f, position(n)).outputs
        if isinstance(o.event, ReminderIssued)
    ]
    (digest,) = unit_hears(ladder, fold, facts, "Wed 2026-09-23 11:00")
    assert issued == [item.reminder for item in digest.items]


def _before(ladder: Fold[Any], facts: Any) -> Any:
    state = None
    for n, fact in enumerate(facts):
        state = ladder.handle(state, fact, position(n)).state
    return state


# ---------------------------------------------------------------- at work


def record(offset: int, event: Any) -> Record:
    headers, value = encode(event)
    key = None if isinstance(event, PulseRelayed) else event.subject.encode()
    return Record(Position("unit-reminders", 0, offset), key, value, tuple(headers), 0.0)


def pulse(when: str) -> PulseRelayed:
    return PulseRelayed(id=new_id("pulse", when), source="/test", time=at(when))


def run(fold: Fold[DigestState], events: list[Any], table: dict[bytes, bytes]) -> list[Output]:
    engine, said = Engine(fold, table), []
    engine.rebuild(0, list(table.items()))
    for offset, event in enumerate(events):
        result = engine.handle(record(offset, event))
        said += result.outputs
        table.update({key: value for key, value in result.writes if value is not None})
    return said


def test_a_window_closes_on_the_pulse_after_its_end(fold: Fold[DigestState]) -> None:
    """What another partition sent here because of the first pulse stands before the second."""
    early, late = pulse("Wed 2026-09-23 09:00"), pulse("Wed 2026-09-23 09:01")
    said = run(fold, [collected(0), early, collected(0, partition=1), late], {})
    assert [2] == [len(o.event.items) for o in said]  # type: ignore[attr-defined]


def test_the_pulse_is_passed_on_into_its_partition(policies: Policies) -> None:
    pass_on = service(policies).folds[0].on_pulse
    (output,) = pass_on(ClockPulsed(id="p", source="/test", time=at("Wed 2026-09-23 09:00")), 3, None)
    assert ("unit-reminders", 3, at("Wed 2026-09-23 09:00")) == (output.topic, output.partition, output.event.time)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whoever_dies_where_he_may_each_reminder_is_in_one_digest(data: st.DataObject) -> None:
    """The ladder's worker dies and says its last words again; the digest's dies and reads again from an older table."""
    fold = BY_UNIT
    lanes = {p: [collected(n, partition=p) for n in range(data.draw(st.integers(1, 6)))] for p in (0, 1)}
    stream: list[Any] = []
    for lane in lanes.values():
        for position_, event in enumerate(lane):
            stream.append(event)
            if data.draw(st.booleans()):  # killed: everything since its last commit comes once more
                stream += lane[data.draw(st.integers(0, position_)) : position_ + 1]
    stream += [pulse("Wed 2026-09-23 09:00"), pulse("Wed 2026-09-23 09:01")]
    stream += lanes[0][data.draw(st.integers(0, len(lanes[0]) - 1)) :]
    stream += [pulse("Wed 2026-09-23 09:02"), pulse("Wed 2026-09-23 09:03")]
    table: dict[bytes, bytes] = {}
    committed = data.draw(st.integers(0, len(stream)))
    said = run(fold, stream[:committed], table)
    kept = dict(table)
    said += run(fold, stream[committed:], table)
    said += run(fold, stream[committed:], kept)  # killed before the second commit
    digests = {o.event.id: o.event for o in said}
    items = [item.reminder for d in digests.values() for item in d.items]  # type: ignore[attr-defined]
    # A restart forgets the pulse before; the windows then close one pulse later, with the same in them.
    assert sorted(items) == sorted({event.item.reminder for lane in lanes.values() for event in lane})
