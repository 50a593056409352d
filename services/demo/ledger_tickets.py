"""One ticket as its facts tell it: where it stands, since when, and whether its citizen was answered in time."""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from schemas.facts import BreachWithdrawn, ClockBreached, Fact, ReplyAccepted, TicketClosed, TicketOpened
from schemas.values import Clock
from schemas.vocabulary import ClockKind, Kind, Stage, StopOutcome
from services.core.transitions import TERMINAL

Breached = tuple[ClockKind, int, datetime]
"""A limit that ran out: the clock's kind, cycle and due instant (a matter that comes back counts its cycles anew)."""
DEADLINES = (ClockKind.HANDLE, ClockKind.CASE)
"""The clocks that decide whether a ticket was answered in time (Art. 8)."""
NEVER_DUE = (Stage.DIVERTED, Stage.ANSWERED, Stage.DECLINED, Stage.WITHDRAWN)


class Punctuality(StrEnum):
    """How a ticket stands to its handling limit; late is late for ever."""

    ON_TIME = "on_time"
    LATE = "late"
    OPEN_IN_TIME = "open_in_time"
    OPEN_OVERDUE = "open_overdue"


@dataclass(frozen=True)
class ClockSpan:
    """One clock from start to end; `dues` holds every due instant that it had, the first one first.

    `stopped_at` is None while it runs; `article` and `limit` are those of the newest due instant.
    """

    kind: ClockKind
    cycle: int
    started_at: datetime
    dues: tuple[datetime, ...]
    stopped_at: datetime | None
    outcome: StopOutcome | None
    breached: bool
    article: str
    limit: str


@dataclass
class TicketHistory:
    """The facts of one ticket, by sequence."""

    token: str
    facts: list[Fact] = field(default_factory=list)
    since: datetime | None = None

    def add(self, fact: Fact) -> None:
        """Put a fact in its place; facts usually come in order."""
        if not self.facts or fact.sequence > self.facts[-1].sequence:
            if not self.facts or self.facts[-1].stage is not fact.stage:
                self.since = fact.time
            self.facts.append(fact)
            return
        insort(self.facts, fact, key=lambda known: known.sequence)
        self.since = next(time for time, _ in reversed(list(self.moves())))

    @property
    def stage(self) -> Stage:
        """Give the stage after the newest fact."""
        return self.facts[-1].stage

    @property
    def kind(self) -> Kind:
        """Give the kind of matter."""
        return self.facts[-1].kind

    @property
    def opened(self) -> TicketOpened | None:
        """Give the opening, None when it was never read."""
        first = self.facts[0]
        return first if isinstance(first, TicketOpened) else None

    @property
    def closing(self) -> TicketClosed | None:
        """Give the newest closing."""
        return next((fact for fact in reversed(self.facts) if isinstance(fact, TicketClosed)), None)

    @property
    def complete(self) -> bool:
        """Say whether the facts run from 1 without a hole."""
        return self.opened is not None and self.facts[-1].sequence == len(self.facts)

    @property
    def is_open(self) -> bool:
        """Say whether something is still owed to the citizen."""
        return self.stage not in TERMINAL

    def moves(self) -> Iterator[tuple[datetime, Stage]]:
        """Give when the ticket entered each stage."""
        before: Stage | None = None
        for fact in self.facts:
            if fact.stage is not before:
                yield fact.time, fact.stage
            before = fact.stage

    def breaches(self) -> frozenset[Breached]:
        """Give the limits that ran out and were not taken back."""
        found: set[Breached] = set()
        for fact in self.facts:
            if isinstance(fact, ClockBreached):
                found.add((fact.clock, fact.clock_cycle, fact.due_at))
            elif isinstance(fact, BreachWithdrawn):
                found.discard((fact.clock, fact.clock_cycle, fact.due_at))
        return frozenset(found)

    def spans(self) -> tuple[ClockSpan, ...]:
        """Give every clock of the ticket, by start; an extension moves a clock's due instant, it starts no new one."""
        lives: list[list[Clock]] = []
        running: dict[tuple[ClockKind, int], int] = {}
        ended: dict[int, tuple[datetime, StopOutcome]] = {}
        for fact in self.facts:
            for stopped in fact.stopped:
                if (number := running.pop((stopped.kind, stopped.cycle), None)) is not None:
                    ended[number] = (stopped.stopped_at, stopped.outcome)
            for clock in fact.started:
                number = running.setdefault((clock.kind, clock.cycle), len(lives))
                if number == len(lives):
                    lives.append([])
                lives[number].append(clock)
        breaches = self.breaches()
        spans = [_span(clocks, ended.get(number), breaches) for number, clocks in enumerate(lives)]
        return tuple(sorted(spans, key=lambda span: (span.started_at, span.kind, span.cycle)))

    def punctuality(self, now: datetime) -> Punctuality | None:
        """Say how the ticket stands to its handling limit at `now`; None for matters that never had one (Art. 2, 8)."""
        if self.stage in NEVER_DUE:
            return None
        spans = [span for span in self.spans() if span.kind in DEADLINES]
        missed = any(span.breached or span.outcome is StopOutcome.LATE for span in spans)
        running = [span for span in spans if span.stopped_at is None]
        if not running and any(isinstance(fact, ReplyAccepted | TicketClosed) for fact in self.facts):
            return Punctuality.LATE if missed else Punctuality.ON_TIME
        # A reply that lies in review was given when it was submitted, not when review ends.
        until = next(reversed(list(self.moves())))[0] if self.stage is Stage.REPLIED else now
        if missed or any(span.dues[-1] < until for span in running):
            return Punctuality.OPEN_OVERDUE
        return Punctuality.OPEN_IN_TIME


def _span(clocks: list[Clock], ended: tuple[datetime, StopOutcome] | None, breaches: frozenset[Breached]) -> ClockSpan:
    newest = clocks[-1]
    return ClockSpan(
        kind=newest.kind,
        cycle=newest.cycle,
        started_at=clocks[0].started_at,
        dues=tuple(dict.fromkeys(clock.due_at for clock in clocks)),
        stopped_at=ended[0] if ended else None,
        outcome=ended[1] if ended else None,
        breached=any((clock.kind, clock.cycle, clock.due_at) in breaches for clock in clocks),
        article=newest.article,
        limit=newest.limit,
    )


def most_eventful(histories: Iterable[TicketHistory]) -> TicketHistory | None:
    """Choose the ticket whose life shows most of the rules; among equals the first by token."""
    weights = {
        "co_reply.submitted.v1": 3,
        "return.requested.v1": 3, "return.upheld.v1": 2, "extension.granted.v1": 4, "ticket.redispatched.v1": 4,
        "reply.rejected.v1": 2, "clock.breached.v1": 2, "dissatisfaction.judged.v1": 1, "ticket.urged.v1": 1,
        "ticket.held.v1": 1, "extension.refused.v1": 1, "ticket.closed.v1": 3, "breach.withdrawn.v1": 2,
    }  # fmt: skip

    def rank(history: TicketHistory) -> tuple[int, int, str]:
        types = {fact.type for fact in history.facts}
        return -sum(weights.get(name, 0) for name in types), -min(len(history.facts), 30), history.token

    return min(histories, key=rank, default=None)
