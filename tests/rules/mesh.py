"""The services in memory: the real door and the real folds, topics as lists, a pulse at each instant that matters."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.commands import Command
from schemas.envelope import Event
from services.core.policy import Policies
from services.core.service import Fold, Output, Position, Rejected, Sealable
from services.reminder import service as reminder
from services.revisit import service as revisit
from services.router import service as router
from services.router.service import RouterState
from services.scoring import service as scoring
from services.sla_timer import service as sla_timer

SERVICES = (router, sla_timer, reminder, revisit, scoring)


@dataclass
class Refusal:
    """An input that the door or a service did not take: it went to the sender, or to the dead letters."""

    code: str
    subject: str


@dataclass
class Mesh:
    """Everything said so far, in order; `log` holds events and refusals."""

    policies: Policies
    log: list[Event | Refusal] = field(default_factory=list)
    sealed: list[Sealable] = field(default_factory=list)
    _tables: list[tuple[Fold[Any], dict[str, Any]]] = field(default_factory=list)
    _offsets: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tables = [(fold, {}) for module in SERVICES for fold in module.service(self.policies).folds]

    def say(self, command: Command) -> None:
        """Write a command and let the mesh digest it."""
        self._digest(deque([Output("ticket-commands", command)]))

    def pulse_until(self, end: datetime, *, inclusive: bool, late: bool = False) -> None:
        """Let time pass: a pulse at each instant at which a table wants to be woken; if `late`, only one, at `end`."""
        while True:
            wakes = [
                (at, number, key)
                for number, (fold, table) in enumerate(self._tables)
                for key, state in table.items()
                if (at := fold.wake_at(state)) is not None and (at < end or (inclusive and at == end))
            ]
            if not wakes:
                return
            at, number, key = min(wakes)
            fold, table = self._tables[number]
            if fold.wake is None:
                raise AssertionError(f"{fold.table} wants to be woken and cannot be")
            now = end if late else at
            step = fold.wake(key, table[key], now)
            self._keep(table, key, step.state)
            if step.state is not None and fold.wake_at(step.state) == at and not step.outputs:
                raise AssertionError(f"{fold.table} wakes at {at} for nothing, for ever")
            self._digest(deque(step.outputs))

    def state(self, ticket: str) -> RouterState | None:
        """Give what the router knows of a ticket."""
        found = self._tables[0][1].get(ticket)
        return found if isinstance(found, RouterState) else None

    def states(self) -> list[RouterState]:
        """Give what the router knows, ticket by ticket."""
        return [state for _, state in sorted(self._tables[0][1].items())]

    def _digest(self, outputs: deque[Output]) -> None:
        while outputs:
            output = outputs.popleft()
            offset = self._offsets[output.topic] = self._offsets.get(output.topic, -1) + 1
            if output.topic != "closed-tickets":  # the same fact again
                self.log.append(output.event)
            for fold, table in self._tables:
                if fold.reads != output.topic:
                    continue
                key = fold.key(output.event)
                try:
                    step = fold.handle(table.get(key), output.event, Position(output.topic, 0, offset))
                except Rejected as error:
                    self.log.append(Refusal(error.code, output.event.subject))
                    continue
                self._keep(table, key, step.state)
                outputs.extend(step.outputs)

    @staticmethod
    def _keep(table: dict[str, Any], key: str, state: Any) -> None:
        if state is None:
            table.pop(key, None)
        else:
            table[key] = state
