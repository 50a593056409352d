"""How many tickets waited in each stage over simulated time, and for how long the oldest had waited."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from schemas.vocabulary import Stage
from services.core.transitions import TERMINAL
from services.demo.ledger_tickets import TicketHistory

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class QueueSample:
    """At `at`: how many tickets wait in each stage, and since when the oldest does; stages without any are left out."""

    at: datetime
    waiting: dict[Stage, tuple[int, datetime]]

    def age(self, stage: Stage) -> timedelta | None:
        """Give how long the oldest ticket of a stage has waited, None when none waits."""
        found = self.waiting.get(stage)
        return self.at - found[1] if found else None


class QueueSamples:
    """Remembers the pulses, at most one per `every` of simulated time, and samples the queues at them.

    Sampling reads the facts' own times and not their order of arrival, so that a reader of one partition after
    the other sees the same queues as one who listened while it happened.
    """

    def __init__(self, every: timedelta = timedelta(minutes=30)) -> None:
        self._every = every
        self._pulses: dict[int, datetime] = {}

    def pulse(self, at: datetime) -> None:
        """Hear that it is `at`."""
        slot = (at - EPOCH) // self._every
        self._pulses[slot] = max(at, self._pulses.get(slot, at))

    def __len__(self) -> int:
        return len(self._pulses)

    def samples(self, histories: Iterable[TicketHistory]) -> list[QueueSample]:
        """Give one sample per remembered pulse, by time."""
        moves: list[tuple[datetime, int, str, Stage]] = []
        for history in histories:
            latest = EPOCH
            for number, (time, stage) in enumerate(history.moves()):
                latest = max(latest, time)
                moves.append((latest, number, history.token, stage))
        moves.sort(key=lambda move: (move[0], move[2], move[1]))
        queues = _Queues()
        samples = []
        position = 0
        for _, at in sorted(self._pulses.items()):
            while position < len(moves) and moves[position][0] <= at:
                time, _number, token, stage = moves[position]
                queues.move(token, stage, time)
                position += 1
            samples.append(QueueSample(at, queues.waiting()))
        return samples


class _Queues:
    """Where each ticket waits; a heap per stage, cleaned of tickets that moved on when it is read."""

    def __init__(self) -> None:
        self._where: dict[str, tuple[Stage, datetime]] = {}
        self._counts: dict[Stage, int] = dict.fromkeys(Stage, 0)
        self._heaps: dict[Stage, list[tuple[datetime, str]]] = {stage: [] for stage in Stage}

    def move(self, token: str, stage: Stage, at: datetime) -> None:
        before = self._where.pop(token, None)
        if before is not None:
            self._counts[before[0]] -= 1
        if stage in TERMINAL:
            return
        self._where[token] = (stage, at)
        self._counts[stage] += 1
        heappush(self._heaps[stage], (at, token))

    def waiting(self) -> dict[Stage, tuple[int, datetime]]:
        found = {}
        for stage, heap in self._heaps.items():
            while heap and self._where.get(heap[0][1]) != (stage, heap[0][0]):
                heappop(heap)
            if heap:
                found[stage] = (self._counts[stage], heap[0][0])
        return found
