"""The cast: everybody who acts in the demo but the mesh itself. Pure and seeded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.envelope import Event
from schemas.facts import Fact
from schemas.supervision import ContactRequested
from services.core.policy import Policies
from services.demo import cast_joint, cast_office, cast_units
from services.demo.cast_scene import Planned, Scene
from services.demo.cast_script import Script, ScriptError, check_script
from services.intake.adapters.open_data import SourceRequest

__all__ = ["REACTIONS", "Cast", "Planned", "ScriptError"]

REACTIONS: Final[dict[str, Callable[[Scene, Any], tuple[Planned, ...]]]] = {
    "ticket.queued.v1": cast_office.assign,
    "ticket.dispatched.v1": lambda scene, fact: cast_units.take_on(scene, fact) + cast_joint.take_part(scene, fact),
    "co_handler.assigned.v1": cast_joint.take_part,
    "co_reply.rejected.v1": cast_joint.part_soon,
    "co_return.requested.v1": cast_joint.decide_co_return,
    "co_return.refused.v1": cast_joint.part_soon,
    "ticket.redispatched.v1": cast_units.take_on,
    "return.requested.v1": cast_office.decide_return,
    "return.refused.v1": cast_units.reply_soon,
    "extension.requested.v1": cast_office.decide_extension,
    "extension.granted.v1": cast_units.reply_in_more_time,
    "extension.refused.v1": cast_units.reply_soon,
    "command.refused.v1": cast_units.reply_after_refusal,
    "reply.rejected.v1": cast_units.reply_better,
    "contact.requested.v1": cast_office.call,
    "contact.attempted.v1": cast_office.rate,
    "rating.recorded.v1": cast_office.judge,
    "dissatisfaction.judged.v1": cast_units.explain,
    "ticket.closed.v1": cast_office.come_back,
}
"""Who does what on hearing which event; nothing else makes anybody act."""


@dataclass(frozen=True)
class Cast:
    """Units, office, call centre and citizens, who act as the data says and for the rest as the seed falls.

    `script` forces ways by upstream id, for instance `{"S-7": {"sign": "never", "course": "return"}}`; see
    `cast_script.DECISIONS` for the names. Raises `ScriptError` for a name that is not there.
    """

    seed: int
    policies: Policies
    script: Mapping[str, Script] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_script(self.script)

    def react(self, event: Event, source: SourceRequest | None = None) -> tuple[Planned, ...]:
        """Give the commands that come of a fact or a contact task, each at least a minute after it."""
        reaction = REACTIONS.get(event.type)
        if reaction is None or not isinstance(event, Fact | ContactRequested):
            return ()
        forced = self.script.get(source.submitted.upstream_id, {}) if source else {}
        return reaction(Scene(self.seed, self.policies.at(event.time), forced, event, source), event)
