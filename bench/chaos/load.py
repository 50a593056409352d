"""A steady load for sla-timer: tickets that live and end, and the time, in simulated days of real length ratio."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta

from bench.timer import Timer
from schemas.facts import ExtensionGranted, Fact, TicketDispatched, TicketSigned, TicketWithdrawn
from schemas.values import Clock, Mark, RulebookRef, StoppedClock
from schemas.vocabulary import ClockKind, Rung, Stage, StopOutcome

MONDAY = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)
"""09:00 on a Monday of a week without days off: the simulation begins."""
STEP = timedelta(seconds=20)
"""Simulated time between two pulses."""
PAUSE = 0.025
"""Seconds between two pulses."""
NEW = 2
"""New tickets per pulse."""
_RULES = {"article": "bench", "rulebook": RulebookRef(jurisdiction="bench", version="1", hash="0")}


class Life:
    """One ticket: what runs on it, and what will happen to it."""

    def __init__(self, number: int, now: datetime, chance: random.Random) -> None:
        self.name = f"T-{number:08d}"
        self.sequence = 0
        self.running: dict[tuple[ClockKind, int], Clock] = {}
        self.plan = self._plan(now, chance)

    def _plan(self, now: datetime, chance: random.Random) -> list[tuple[datetime, str]]:
        def minutes(low: float, high: float) -> timedelta:
            return timedelta(minutes=chance.uniform(low, high))

        signed = now + minutes(1, 50)  # the limit is 40 minutes: a fifth are late
        plan = [(now, "dispatched"), (signed, "signed")]
        if chance.random() < 0.3:
            plan.append((signed + minutes(5, 60), "extended"))
        # Limits are 2 to 4 hours: some end before, some after; one in two hundred never, and is reminded daily.
        if chance.random() < 0.995:
            plan.append((signed + minutes(60, 400), "withdrawn"))
        return plan


class Load(threading.Thread):
    """Says facts and pulses until told to stop; the same seed says the same tickets."""

    def __init__(self, timer: Timer, seed: int) -> None:
        super().__init__(name="load", daemon=True)
        self.timer, self.chance = timer, random.Random(seed)  # noqa: S311 - a seeded schedule, not a secret
        self.now = MONDAY
        self.tickets = self.records = 0
        self.failed: BaseException | None = None
        self._due: list[list[Life]] = []
        self._lives: list[Life] = []
        self._stopping = threading.Event()

    def run(self) -> None:
        """Go on, a step at a time."""
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                self.step(NEW)
                self._stopping.wait(max(0.0, PAUSE - (time.monotonic() - began)))
            self.timer.flush()
        except BaseException as error:  # noqa: BLE001 - raised by `end`
            self.failed = error

    def end(self) -> None:
        """Stop, and raise what went wrong."""
        self._stopping.set()
        self.join()
        if self.failed is not None:
            raise self.failed

    def step(self, new: int) -> None:
        """Say what happens now, then the time."""
        for _ in range(new):
            self.tickets += 1
            self._lives.append(Life(self.tickets, self.now, self.chance))
        left = []
        for life in self._lives:
            while life.plan and life.plan[0][0] <= self.now:
                self._say(life, life.plan.pop(0)[1])
            if life.plan:
                left.append(life)
        self._lives = left
        self.now += STEP
        self.timer.pulse(self.now)
        self.records += 4
        self.timer.producer.poll(0)

    def _say(self, life: Life, what: str) -> None:
        life.sequence += 1
        self.records += 1
        self.timer.say(self._fact(life, what))

    def _fact(self, life: Life, what: str) -> Fact:
        started, stopped = [], []

        def start(kind: ClockKind, due: datetime, *marks: tuple[Rung, datetime]) -> None:
            clock = Clock(
                kind=kind, cycle=1, started_at=self.now, due_at=due, limit="bench", article="bench", calendar="bench",
                marks=tuple(Mark(rung=rung, at=at) for rung, at in marks if at > self.now),
            )  # fmt: skip
            life.running[kind, 1] = clock
            started.append(clock)

        def stop(kind: ClockKind) -> None:
            clock = life.running.pop((kind, 1), None)
            if clock is not None:
                stopped.append(
                    StoppedClock(kind=kind, cycle=1, due_at=clock.due_at, stopped_at=self.now, outcome=StopOutcome.MET)
                )

        common = {
            "id": f"{life.name}-{life.sequence}", "source": "/bench", "subject": life.name, "time": self.now,
            "sequence": life.sequence, "kind": "help", "unit": "U-1", "unit_group": "urban", **_RULES,
        }  # fmt: skip
        if what == "dispatched":
            due = self.now + timedelta(minutes=self.chance.uniform(120, 240))
            start(ClockKind.SIGN, self.now + timedelta(minutes=40))
            start(
                ClockKind.HANDLE,
                due,
                (Rung.HALF, due - timedelta(hours=1)),
                (Rung.NEAR_DUE, due - timedelta(minutes=15)),
            )
            start(ClockKind.CASE, due)
            changed = {"started": tuple(started), "stopped": ()}
            return TicketDispatched(**common, **changed, stage=Stage.DISPATCHED, reason="routed", rule="bench")
        if what == "signed":
            stop(ClockKind.SIGN)
            start(ClockKind.RETURN, self.now + timedelta(minutes=90))
            return TicketSigned(**common, started=tuple(started), stopped=tuple(stopped), stage=Stage.IN_PROGRESS)
        if what == "extended":
            old = life.running[ClockKind.HANDLE, 1].due_at
            new = max(old, self.now) + timedelta(minutes=self.chance.uniform(10, 120))
            start(ClockKind.HANDLE, new, (Rung.NEAR_DUE, new - timedelta(minutes=15)))
            changed = {"started": tuple(started), "stopped": ()}
            return ExtensionGranted(
                **common, **changed, stage=Stage.IN_PROGRESS, old_due_at=old, new_due_at=new, count=1
            )
        for kind, _ in list(life.running):
            stop(kind)
        return TicketWithdrawn(**common, started=(), stopped=tuple(stopped), stage=Stage.WITHDRAWN)
