"""Queue ages and clock counts against a naive oracle that scans everything."""

from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from services.core.service import OpenClock, QueueEntry
from services.runtime.queues import ClockCounts, Label, QueueAges


def instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


keys = st.sampled_from(["a", "b", "c", "d"])
instants = st.integers(0, 12).map(instant)
entries = st.none() | st.builds(
    QueueEntry, st.sampled_from(["held", "queued"]), st.sampled_from(["help", "report"]), st.just("urban"), instants
)


def oldest_by_scan(waiting: dict[str, QueueEntry]) -> dict[Label, tuple[float, int]]:
    found: dict[Label, list[float]] = {}
    for entry in waiting.values():
        found.setdefault((entry.stage, entry.kind, entry.unit_group), []).append(entry.since.timestamp())
    return {label: (min(since), len(since)) for label, since in found.items()}


@settings(deadline=None)
@given(st.lists(st.tuples(keys, entries, st.booleans()), max_size=60))
def test_the_oldest_and_the_counts_are_those_of_a_scan(moves: list[tuple[str, QueueEntry | None, bool]]) -> None:
    ages, waiting = QueueAges(), dict[str, QueueEntry]()
    for key, entry, looked_at in moves:
        ages.move(waiting.pop(key, None), entry)
        if entry is not None:
            waiting[key] = entry
        if looked_at:  # looking tidies up, and must not change what is seen later
            assert oldest_by_scan(waiting) == ages.oldest()
    assert oldest_by_scan(waiting) == ages.oldest()


def test_a_ticket_that_moves_there_and_back_waits_once() -> None:
    ages = QueueAges()
    held, queued = (QueueEntry(stage, "help", "urban", instant(5)) for stage in ("held", "queued"))
    before: QueueEntry | None = None
    for entry in (held, queued, held, None, held):
        ages.move(before, entry)
        before = entry
    assert {("held", "help", "urban"): (5.0, 1)} == ages.oldest()


def counts_by_scan(running: dict[str, tuple[OpenClock, ...]], now: float) -> dict[str, tuple[int, int]]:
    every: Iterable[OpenClock] = [clock for clocks in running.values() for clock in clocks]
    kinds = {clock.kind for clock in every}
    return {
        kind: (
            sum(clock.kind == kind for clock in every),
            sum(clock.kind == kind and clock.due_at.timestamp() <= now for clock in every),
        )
        for kind in kinds
    }


clocks = st.lists(st.builds(OpenClock, st.sampled_from(["sign", "handle"]), instants), max_size=3).map(tuple)
steps = st.one_of(
    st.tuples(st.just("put"), keys, clocks), st.tuples(st.just("advance"), st.integers(0, 12), st.just(None))
)


@settings(deadline=None)
@given(st.lists(steps, max_size=60))
def test_open_and_overdue_clocks_are_those_of_a_scan(moves: list[tuple[str, object, object]]) -> None:
    counts, running, now = ClockCounts(), dict[str, tuple[OpenClock, ...]](), 0.0
    for what, first, second in moves:
        if what == "put":
            counts.move(running.get(first, ()), second)  # type: ignore[arg-type,call-overload]
            running[first] = second  # type: ignore[index,assignment]
        else:
            counts.advance(float(first))  # type: ignore[arg-type]
            now = max(now, float(first))  # type: ignore[arg-type]
        seen = {kind: pair for kind, pair in counts.counts().items() if pair != (0, 0)}
        assert counts_by_scan(running, now) == seen


def test_a_kind_that_ran_once_stays_in_the_counts_as_zero() -> None:
    counts = ClockCounts()
    sign = (OpenClock("sign", instant(5)),)
    counts.move((), sign)
    counts.advance(6)
    counts.move(sign, ())
    assert {"sign": (0, 0)} == counts.counts(), "a gauge that vanishes would keep its last value on the dashboard"


def test_thousands_of_tickets_that_moved_on_are_tidied_away_unseen() -> None:
    ages, before = QueueAges(), QueueEntry("held", "help", "urban", instant(0))
    label, other = ("held", "help", "urban"), ("queued", "help", "urban")
    ages.fill({label: [second * 1_000_000 for second in reversed(range(3_000))]})
    for second in range(3_000, 4_000):
        ages.move(None, before._replace(since=instant(second)))
    gone = [second for second in range(4_000) if second % 4]  # more than are left: tidied on the way
    for second in gone:
        ages.move(before._replace(since=instant(second)), QueueEntry("queued", "help", "urban", instant(5)))
    assert {label: (0.0, 1_000), other: (5.0, 3_000)} == ages.oldest()
    for second in range(0, 3_996, 4):
        ages.move(before._replace(since=instant(second)), None)
    assert ages.oldest()[label] == (3_996.0, 1)


def test_a_clock_of_a_recovered_ticket_may_stop_before_anybody_looks() -> None:
    counts = ClockCounts()
    counts.fill({"sign": [4_000_001, 5_000_000, 9_000_000], "handle": [1]})
    counts.move((OpenClock("sign", instant(5)),), (OpenClock("sign", instant(8)),))
    counts.advance(5)
    assert {"sign": (3, 1), "handle": (1, 1)} == counts.counts()
    counts.move((OpenClock("handle", instant(0).replace(microsecond=1)),), ())
    counts.advance(9)
    assert {"sign": (3, 3), "handle": (0, 0)} == counts.counts()
