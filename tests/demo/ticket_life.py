"""One ticket's whole life in memory: the real door, router, sla-timer and revisit, and the cast; no broker."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any

from schemas.commands import Command
from schemas.envelope import Event
from schemas.facts import Fact
from services.core.policy import Policies
from services.core.service import Fold, Position
from services.demo.cast import Cast, Planned
from services.intake.adapters.open_data import SourceRequest
from services.intake.door import actor_command, open_command
from services.revisit import service as revisit
from services.router import service as router
from services.runtime.knowledge_index import KnowledgeIndex
from services.sla_timer import service as sla_timer

KEY = b"test"
LIFETIME = timedelta(days=44)


@dataclass
class Life:
    """What happened: every fact, and every command of the cast with the event that it answers."""

    facts: list[Fact] = field(default_factory=list)
    said: list[tuple[Event, Planned]] = field(default_factory=list)

    @property
    def story(self) -> list[str]:
        return [fact.type.removesuffix(".v1") for fact in self.facts]

    def of(self, name: str) -> list[Any]:
        return [fact for fact in self.facts if fact.type == f"{name}.v1"]


class InMemoryMesh:
    """Folds of the services that decide, and the agenda of one ticket."""

    def __init__(self, policies: Policies, knowledge: KnowledgeIndex, cast: Cast) -> None:
        self.policies, self.knowledge, self.cast = policies, knowledge, cast
        self.router: Fold[Any] = router.service(policies).folds[0]
        self.followers: list[Fold[Any]] = [sla_timer.service(policies).folds[0], revisit.service(policies).folds[0]]

    def play(self, source: SourceRequest) -> Life:
        """Play one request until nothing is left to happen, or for 44 days."""
        life, ticket = Life(), f"T-{source.submitted.upstream_id}"
        directory = self.policies.at(source.submitted.time).directory
        first = open_command(source.submitted, ticket, directory, self.knowledge).command
        states: list[Any] = [None] * len(self.followers)
        agenda: list[tuple[datetime, int, int, Command]] = [(first.time, 0, 0, first)]
        decided: Any = None
        end = first.time + LIFETIME
        while True:
            wakes = [
                (at, index)
                for index, state in enumerate(states)
                if state is not None and (at := self.followers[index].wake_at(state)) is not None
            ]
            wake = min(wakes, default=None)
            if (not agenda and wake is None) or min(x[0] for x in (agenda[:1] + ([wake] if wake else []))) > end:
                return life
            events: list[Event] = []
            if agenda and (wake is None or agenda[0][0] <= wake[0]):
                step = self.router.handle(decided, heappop(agenda)[3], Position("ticket-commands", 0, 0))
                decided = step.state
                events = [output.event for output in step.outputs if output.topic == "ticket-events"]
            elif wake is not None:
                at, index = wake
                waking = self.followers[index].wake
                assert waking is not None
                woken = waking(ticket, states[index], at)
                states[index] = woken.state
                self._put(agenda, at, [output.event for output in woken.outputs], events)
            self._follow(source, life, states, agenda, events)

    @staticmethod
    def _put(agenda: list[Any], at: datetime, outputs: list[Event], events: list[Event]) -> None:
        for said in outputs:
            if isinstance(said, Command):
                heappush(agenda, (at, -1, len(agenda), said))
            else:
                events.append(said)

    def _follow(
        self, source: SourceRequest, life: Life, states: list[Any], agenda: list[Any], events: list[Event]
    ) -> None:
        for event in events:
            if isinstance(event, Fact):
                life.facts.append(event)
                for index, fold in enumerate(self.followers):
                    step = fold.handle(states[index], event, Position("ticket-events", 0, 0))
                    states[index] = step.state
                    for output in step.outputs:
                        assert isinstance(output.event, Command)
                        heappush(agenda, (event.time, -1, len(life.facts) * 10 + index, output.event))
            for planned in self.cast.react(event, source):
                life.said.append((event, planned))
                command = actor_command(planned.command, KEY).command
                heappush(agenda, (planned.at, planned.order, len(life.said), command))
