"""The router: reads commands, decides, writes what did happen. The single writer of facts."""

from datetime import datetime
from functools import partial

from pydantic import BaseModel, ConfigDict

from schemas.commands import AnswerMerge, AttachChild, Command, PulseClock, RepeatTicket, WithdrawTicket
from schemas.envelope import Event, derived_id
from schemas.facts import ClockPulsed, Fact, TicketClosed
from schemas.values import Actor
from schemas.vocabulary import Role
from services.core.decision import SOURCE, Decision
from services.core.lifecycle.decide import decide
from services.core.lifecycle.repeating import decided_elsewhere, passed_on
from services.core.policy import Policies
from services.core.relay import Relay
from services.core.service import Fold, OpenClock, Output, Position, QueueEntry, Rejected, Service, Step
from services.core.ticket import Ticket
from services.core.transitions import TERMINAL

REMEMBERED_COMMANDS = 64
"""Ids of the last commands kept per ticket: more than a ticket hears within one commit interval."""


class RouterState(BaseModel):
    """A ticket, since when it is in its stage, and which commands were decided already."""

    model_config = ConfigDict(frozen=True)
    ticket: Ticket
    since: datetime
    decided: tuple[str, ...] = ()


def handle(policies: Policies, state: RouterState | None, event: Event, _at: Position) -> Step[RouterState]:
    """Decide one command; a command decided before changes nothing."""
    if not isinstance(event, Command):
        raise Rejected("unexpected-type", f"{event.type} is no command")
    if not event.subject:
        raise Rejected("missing-subject", "a command without ce_subject names no ticket")
    if state is not None and event.id in state.decided:
        return Step(state, duplicate=True)
    if state is None and isinstance(event, AttachChild):
        return Step(None, (Output("ticket-commands", _nobody_answers(event)),))
    before = state.ticket if state else None
    if isinstance(event, WithdrawTicket) and (elsewhere := decided_elsewhere(before, event)):
        return Step(state, (Output("ticket-commands", elsewhere),))
    if before is None and isinstance(event, RepeatTicket):
        return Step(None, _further(None, (), event))
    decision = decide(before, event, policies)
    further = _further(before, decision.facts, event) if isinstance(event, RepeatTicket) else ()
    if not decision.facts:
        return Step(state, further, duplicate=not further)
    return Step(_after(state, decision), (*_outputs(decision), *further))


def _further(before: Ticket | None, facts: tuple[Fact, ...], command: RepeatTicket) -> tuple[Output, ...]:
    said = passed_on(before, facts, command)
    return (Output("ticket-commands", said),) if said else ()


def _nobody_answers(command: AttachChild) -> AnswerMerge:
    """Answer for a parent that was never opened: it has no facts to answer with, and the child must not wait."""
    return AnswerMerge(
        id=derived_id("nobody", command.id),
        source=SOURCE,
        subject=command.child,
        time=command.time,
        causation=command.id,
        actor=Actor(role=Role.SERVICE, id="router"),
        merging=command.merging,
        parent=command.subject,
        code="unknown-ticket",
    )


def _after(state: RouterState | None, decision: Decision) -> RouterState:
    ticket = decision.known
    moved = state is None or state.ticket.stage is not ticket.stage
    since = decision.facts[-1].time if moved or state is None else state.since
    decided = (*(state.decided if state else ()), decision.command.id)[-REMEMBERED_COMMANDS:]
    return RouterState(ticket=ticket, since=since, decided=decided)


def _outputs(decision: Decision) -> tuple[Output, ...]:
    facts = [Output("ticket-events", fact) for fact in decision.facts]
    closed = [Output("closed-tickets", fact) for fact in decision.facts if isinstance(fact, TicketClosed)]
    return tuple(facts + closed)


def queue(state: RouterState) -> QueueEntry | None:
    """Say where an open ticket waits."""
    ticket = state.ticket
    if ticket.stage in TERMINAL:
        return None
    return QueueEntry(ticket.stage, ticket.kind, ticket.unit_group or "none", state.since)


def clocks(state: RouterState) -> tuple[OpenClock, ...]:
    """Give the clocks that run on the ticket."""
    return tuple(OpenClock(clock.kind, clock.due_at) for clock in state.ticket.clocks)


def service(policies: Policies) -> Service:
    """Give the router under these rules."""
    fold = Fold(
        table="tickets",
        reads="ticket-commands",
        state=RouterState,
        handle=partial(handle, policies),
        on_pulse=Relay(PulseClock, ClockPulsed, "ticket-events", SOURCE, "pulse"),
        queue=queue,
        clocks=clocks,
    )
    return Service("router", (fold,))
