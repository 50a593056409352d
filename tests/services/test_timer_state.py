"""The table value of sla-timer: back and forth, surveyed with others, and read in its older form."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import ClockKind, Rung, Stage
from services.core.service import unread
from services.sla_timer import state as values
from services.sla_timer.service import clocks as clocks_of
from services.sla_timer.service import queue
from services.sla_timer.state import RunningClock, TimerState, dump, load, micros
from services.sla_timer.survey import survey

instants = st.integers(1_500_000_000_000_000, 2_900_000_000_000_000)
clocks = st.builds(
    RunningClock,
    st.sampled_from([kind for kind in ClockKind if kind in values.CLOCK_CODES]),
    st.integers(0, 60_000),
    instants,
    st.booleans(),
    st.none() | instants,
    st.lists(
        st.tuples(st.sampled_from([rung for rung in Rung if rung in values.RUNG_CODES]), instants), max_size=4
    ).map(tuple),
    st.sampled_from(["", "3debdce45ce0", "e9b0e9a784c3"]),
)
groups = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
states = st.builds(
    TimerState,
    st.integers(1, 2**32 - 1),
    st.sampled_from(Stage).map(str),
    st.sampled_from(["help", "report"]),
    groups,
    instants,
    st.lists(clocks, max_size=5).map(tuple),
)


@given(states)
def test_a_value_gives_the_state_that_it_was_made_of(state: TimerState) -> None:
    assert load(dump(state)) == state


@given(st.lists(states, max_size=8))
def test_a_survey_says_what_the_states_say(some: list[TimerState]) -> None:
    items = [(b"T-%d" % number, dump(state)) for number, state in enumerate(some)]
    seen = survey(items)
    assert seen.unread == []
    wakes = [(state.next, key) for (key, _), state in zip(items, some, strict=True) if state.next is not None]
    assert sorted(pair for pairs in seen.wakes for pair in pairs) == sorted(wakes)
    waiting = sorted((label, at) for label, instants in seen.waiting for at in instants)
    entries = [(entry, state.since) for state in some if (entry := queue(state)) is not None]
    assert waiting == sorted(((entry.stage, entry.kind, entry.unit_group), since) for entry, since in entries)
    running = sorted((kind, at) for kind, dues in seen.running for at in dues)
    assert running == sorted((clock.kind, micros(clock.due_at)) for state in some for clock in clocks_of(state))


def test_values_of_one_length_that_are_not_of_one_shape_are_kept_apart() -> None:
    """A mark in place of nine letters of the label, or of no clock at all."""
    due = 1_790_676_000_000_000
    marked, plain = (RunningClock(ClockKind.CASE, 0, due, marks=marks) for marks in (((Rung.HALF, due - 1),), ()))
    some = [
        TimerState(3, "in_progress", "help", group, due - 2, clocks)
        for group, clocks in (("u" * 5, (marked,)), ("u" * 14, (plain,)), ("u" * 27, ()))
    ]
    items = [(b"T-%d" % number, dump(state)) for number, state in enumerate(some)]
    assert len({len(value) for _, value in items}) == 1
    seen = survey(items)
    assert sorted(pair for pairs in seen.wakes for pair in pairs) == [(due - 1, b"T-0"), (due, b"T-1")]
    assert [(label[2], list(instants)) for label, instants in seen.waiting] == [
        (state.unit_group, [state.since]) for state in some
    ]
    assert [(kind, list(dues)) for kind, dues in seen.running] == [("case", [due]), ("case", [due])]


@given(st.lists(states, max_size=8))
def test_a_value_with_a_calendar_that_others_follow_is_left_to_be_loaded(some: list[TimerState]) -> None:
    """Its alarm stands in the value, but a notice that came since may wake it earlier."""
    followed = frozenset({bytes.fromhex("3debdce45ce0"), b"\xff" * 6})
    items = [(b"T-%d" % number, dump(state)) for number, state in enumerate(some)]
    calendars = [{clock.calendar for clock in state.clocks} for state in some]
    left = [item for item, own in zip(items, calendars, strict=True) if "3debdce45ce0" in own or len(own) > 1]
    assert sorted(survey(items, followed).unread) == sorted(left)


def test_a_value_with_three_clocks_is_compact() -> None:
    due = micros(datetime(2026, 9, 29, 10, tzinfo=UTC))
    marks = ((Rung.HALF, due), (Rung.FOUR_FIFTHS, due), (Rung.NEAR_DUE, due))
    others = (RunningClock(kind, 1, due) for kind in (ClockKind.CASE, ClockKind.RETURN))
    clocks = (RunningClock(ClockKind.HANDLE, 1, due, marks=marks), *others)
    assert len(dump(TimerState(3, "in_progress", "help", "urban", due, clocks))) < 120


def test_a_code_stands_for_one_kind() -> None:
    for codes, names in ((values.CLOCK_CODES, ClockKind), (values.RUNG_CODES, Rung)):
        assert set(codes) <= {str(name) for name in names}
        assert len(set(codes.values())) == len(codes)


@pytest.mark.parametrize("codes", ["CLOCK_CODES", "RUNG_CODES"])
def test_a_state_with_a_kind_that_has_no_code_is_kept_as_json(codes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = RunningClock(ClockKind.HANDLE, 1, 1_790_676_000_000_000, marks=((Rung.HALF, 1_790_000_000_000_000),))
    state = TimerState(3, "in_progress", "help", "urban", 1_789_000_000_000_000, (clock,))
    monkeypatch.setattr(values, codes, {})
    value = dump(state)
    assert (value[:1], survey([(b"T-1", value)]).unread, load(value)) == (b"2", [(b"T-1", value)], state)


def test_the_older_form_is_still_read() -> None:
    older = (
        b'2[3,"in_progress","help","urban",1790127000000000,[["handle",1,1790676000000000,0,null,'
        b'[["half",1790556300000000],["near_due",1790668800000000]]],["case",0,1790676000000000,1,1790700000000000,[]]]]'
    )
    state = load(older)
    assert survey([(b"T-1", older)]) == unread([(b"T-1", older)])
    assert load(dump(state)) == state
    assert (state.sequence, [(c.kind, len(c.marks), c.elapsed) for c in state.clocks]) == (
        3, [(ClockKind.HANDLE, 2, False), (ClockKind.CASE, 0, True)],
    )  # fmt: skip
    assert state.clocks[1].daily == micros(datetime(2026, 9, 29, 16, 40, tzinfo=UTC))


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="not known"):
        load(b"9...")
