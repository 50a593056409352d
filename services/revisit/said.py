"""How revisit says a command because of a fact."""

from schemas.commands import Command
from schemas.envelope import derived_id
from schemas.facts import Fact
from schemas.values import Actor
from schemas.vocabulary import Role
from services.core.service import Output

SOURCE = "/hotline-mesh/revisit"
ACTOR = Actor(role=Role.SERVICE, id="revisit")


def command_after(cls: type[Command], event: Fact, ticket: str | None = None, **data: object) -> Output:
    """Say a command because of a fact, about its ticket or another one; said again it has the same id."""
    about = () if ticket is None else (ticket,)
    said = cls.model_validate(
        {
            "id": derived_id("revisit", event.id, cls.__name__, *about),
            "source": SOURCE,
            "subject": ticket or event.subject,
            "time": event.time,
            "causation": event.id,
            "actor": ACTOR,
        }
        | data
    )
    return Output("ticket-commands", said)
