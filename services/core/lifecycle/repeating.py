"""The same caller, the same matter: an urge while the ticket is open (催办), a repeat after its closing (重复诉求).

The door finds the earlier ticket by its blind index and names it; what becomes of that is decided here, in the order of
the log, so a door that knows nothing of the latest closing does no harm (docs/adr/0006).
"""

from schemas.commands import Command, OpenTicket, RepeatTicket, WithdrawTicket
from schemas.envelope import derived_id
from schemas.facts import Fact, TicketRepeated, TicketUrged
from schemas.values import Actor
from schemas.vocabulary import Role
from services.core.deadlines import due
from services.core.decision import SOURCE, Decision
from services.core.ticket import Ticket
from services.core.transitions import OPEN_STAGES

ACTOR = Actor(role=Role.SERVICE, id="router")


def repeat_id(opening: str, ticket: str) -> str:
    """Name the repeat that says an opening to an earlier ticket."""
    return derived_id("repeat", opening, ticket)


def repeat_ticket(d: Decision, command: RepeatTicket) -> Decision:
    """Note an urge of an open ticket; of one that ended, that the matter goes on as another. Once for each message."""
    ticket, matter, article = d.known, command.matter, d.policy.rulebook.repeats.article
    if command.actor.role not in {Role.PLATFORM, Role.SERVICE}:
        return d.refuse("not-entitled", article)
    if _settled(ticket, matter):
        return d
    if ticket.stage in OPEN_STAGES:
        return d.then(
            TicketUrged,
            "Art. 10",
            count=ticket.urges + 1,
            instead_of=matter.subject,
            platform=matter.platform,
            upstream_id=matter.upstream_id,
            pii_ref=matter.pii_ref,
        )
    if ticket.successor is not None:
        return d  # it is for that ticket to decide
    return d.then(TicketRepeated, article, successor=matter.subject, counted=_within_window(d, command))


def _settled(ticket: Ticket, matter: OpenTicket) -> bool:
    return matter.subject == ticket.successor or matter.subject in ticket.urged_instead


def _within_window(d: Decision, command: RepeatTicket) -> bool:
    closed_at, rules = d.known.closed_at, d.policy.rulebook
    if closed_at is None:  # withdrawn, declined, diverted, answered at once
        return False
    return command.time <= due(closed_at, rules.repeats.window.limit, d.policy.calendar, day_end=rules.day_end)


def passed_on(before: Ticket | None, facts: tuple[Fact, ...], command: RepeatTicket) -> Command | None:
    """Give what another ticket has to decide, because this one is open no more or was never opened; None for nothing.

    `before` is the ticket as the command met it, `facts` what that led to. The matter of a caller whose ticket ended
    before goes to the ticket that it went on as.
    """
    matter = command.matter
    opening = matter.model_copy(update={"source": SOURCE, "actor": ACTOR})
    if before is None:
        return opening
    for fact in facts:
        if isinstance(fact, TicketRepeated):
            return opening.model_copy(update={"repeat_of": before.id if fact.counted else None})
    if facts or before.successor is None or _settled(before, matter):
        return None
    named = {"id": repeat_id(matter.id, before.successor), "subject": before.successor, "causation": command.id}
    return command.model_copy(update=named | {"source": SOURCE, "actor": ACTOR})


def decided_elsewhere(before: Ticket | None, command: WithdrawTicket) -> WithdrawTicket | None:
    """Give the withdrawal of a record as another ticket has to decide it; None if it is for this one.

    `before` is the ticket as the command met it. The door may believe that a record urged this ticket while it was
    opened as one of its own, because this one was open no more: then it is that ticket that is withdrawn.
    """
    record = command.instead_of
    if record is None or (before is not None and record in before.urged_instead):
        return None
    goes_to = before.successor if before else record
    if goes_to is None:
        return None
    left = None if goes_to == record else record
    return command.model_copy(update={"source": SOURCE, "subject": goes_to, "instead_of": left})
