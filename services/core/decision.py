"""A decision in the making: the ticket so far, and the facts written so far. Values, no hidden queue."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.commands import Command
from schemas.envelope import derived_id
from schemas.events import type_of
from schemas.facts import CommandRefused, Fact
from schemas.values import Clock, Cycle, StoppedClock
from schemas.vocabulary import Stage
from services.core.cycles import unit_of
from services.core.directory import Unit
from services.core.policy import Policies, Policy
from services.core.ticket import Ticket
from services.core.ticket_fold import apply

SOURCE = "/hotline-mesh/router"


@dataclass(frozen=True)
class Decision:
    """What the router decides about one command."""

    ticket: Ticket | None
    command: Command
    policies: Policies
    facts: tuple[Fact, ...] = ()
    decided_at: datetime | None = None
    """When what is decided happened, if that is not the time of the command."""

    @property
    def policy(self) -> Policy:
        """Give the rules in force when what is decided happened; raises `NotInForceError`."""
        return self.policies.at(self.decided_at or self.command.time)

    def governing(self, clock: Clock) -> Policy:
        """Give the rules that govern a running clock: of its start, or newer that claim it; with its unit's hours."""
        policy = self.policies.governing(clock.started_at, self.decided_at or self.command.time)
        return policy.for_unit(self.unit_of(clock))

    def unit_of(self, clock: Clock) -> str | None:
        """Name the unit in whose office hours a running clock counts; None for the jurisdiction's."""
        return unit_of(clock.kind, clock.cycle, self.known.cycles, self.known.unit)

    def as_of(self, instant: datetime) -> "Decision":
        """Decide on under the rules in force at `instant`."""
        return Decision(self.ticket, self.command, self.policies, self.facts, instant)

    @property
    def known(self) -> Ticket:
        """Give the ticket, which must exist by now."""
        if self.ticket is None:
            raise ValueError("no ticket yet")
        return self.ticket

    def then(
        self,
        fact: type[Fact],
        article: str,
        *,
        at: datetime | None = None,
        stage: Stage | None = None,
        unit: Unit | None = None,
        vacant: bool = False,
        started: tuple[Clock, ...] = (),
        stopped: tuple[StoppedClock, ...] = (),
        cycles: tuple[Cycle, ...] = (),
        **data: Any,
    ) -> "Decision":
        """Write one more fact and fold it; what is not given stays as it is. `at` defaults to the command's time.

        `vacant` takes the ticket from its unit: nobody has it after the fact.
        """
        ticket, command, rules = self.ticket, self.command, self.policy.rulebook
        sequence = ticket.sequence + 1 if ticket else 1
        said: dict[str, Any] = {
            "id": derived_id(command.subject, sequence, type_of(fact)),
            "source": SOURCE,
            "subject": command.subject,
            "time": at or command.time,
            "causation": command.id,
            "sequence": sequence,
            "stage": stage or (ticket.stage if ticket else Stage.OPENED),
            "article": rules.cite(article),
            "rulebook": rules.ref,
            "started": started,
            "stopped": stopped,
            "cycles": cycles,
        }
        if ticket is not None:
            said["kind"], said["generation"] = ticket.kind, ticket.generation
            said["round"], said["cycle"] = ticket.round, ticket.cycle
        if unit is not None:
            said["unit"], said["unit_group"] = unit.id, unit.group
        elif ticket is not None and not vacant:
            said["unit"], said["unit_group"] = ticket.unit, ticket.unit_group
        said.update(data)
        written = fact.model_validate(said)
        return Decision(apply(ticket, written), command, self.policies, (*self.facts, written), self.decided_at)

    def refuse(self, code: str, article: str) -> "Decision":
        """Change nothing, and say why."""
        asked_by = self.command.actor.role
        return self.then(CommandRefused, article, command=self.command.type, code=code, asked_by=asked_by)
