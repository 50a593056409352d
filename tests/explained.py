"""The ticket that docs/explained-ticket.md explains: held, returned, extended, redone, deemed satisfied."""

from datetime import datetime

from schemas.commands import Command
from schemas.facts import Fact
from services.core.policy import Policies, Policy
from tests.builders import (
    URBAN,
    asks_for_time,
    at,
    grants,
    judges,
    opens,
    rates,
    replies,
    returns,
    signs,
    upholds,
)
from tests.rules.mesh import Mesh

SAID = (
    opens("Wed 2026-09-16 20:10"),
    signs("Thu 2026-09-17 09:30"),
    returns("Thu 2026-09-17 10:00", to=URBAN),
    upholds("Thu 2026-09-17 11:00", to=URBAN),
    signs("Thu 2026-09-17 11:30", unit=URBAN),
    asks_for_time("Fri 2026-09-18 09:00", unit=URBAN),
    grants("Fri 2026-09-18 10:00"),
    replies("Tue 2026-09-22 17:00", unit=URBAN),
    rates("Wed 2026-09-23 09:00", "dissatisfied"),
    judges("Wed 2026-09-23 15:00", justified=True),
    signs("Wed 2026-09-23 16:00", unit=URBAN),
    replies("Mon 2026-09-28 10:00", unit=URBAN, template_digest="another-text"),
)
END = at("Mon 2026-10-12 09:00")


def life(
    policy: Policy, said: tuple[Command, ...] = SAID, end: datetime = END
) -> tuple[str, list[Fact], dict[str, Command]]:
    """Play it through the pure services up to `end`; gives token, facts and commands."""
    mesh = Mesh(Policies.always(policy))
    for command in said:
        mesh.pulse_until(command.time, inclusive=False)
        mesh.say(command)
    mesh.pulse_until(end, inclusive=True)
    facts = [event for event in mesh.log if isinstance(event, Fact)]
    commands = {event.id: event for event in mesh.log if isinstance(event, Command)}
    return said[0].subject, facts, commands
