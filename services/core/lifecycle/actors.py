"""Who may say what: the preconditions that deciders share."""

from schemas.commands import Command
from schemas.vocabulary import Role, Stage
from services.core.decision import Decision
from services.core.transitions import OPEN_STAGES


def from_unit(d: Decision, *stages: Stage) -> str | None:
    """Give a refusal code unless the unit responsible speaks, in one of `stages`."""
    ticket, command = d.known, d.command
    if command.actor.role is not Role.UNIT or command.actor.id != ticket.unit:
        return "not-the-responsible-unit"
    return None if ticket.stage in stages else f"not-in-stage-{ticket.stage}"


def from_role(d: Decision, roles: tuple[Role, ...], *stages: Stage) -> str | None:
    """Give a refusal code unless one of `roles` speaks, in one of `stages`."""
    if d.command.actor.role not in roles:
        return "not-entitled"
    return None if d.known.stage in stages else f"not-in-stage-{d.known.stage}"


def while_open(d: Decision, command: Command) -> str | None:
    """Give a refusal code unless the citizen, or somebody for the citizen, speaks of an open ticket."""
    if command.actor.role is Role.UNIT:
        return "not-entitled"
    return None if d.known.stage in OPEN_STAGES else f"not-in-stage-{d.known.stage}"
