"""Co-handlers: named by the desk, early or late with their parts; some ask to be let out (Art. 3, 7, 12)."""

from datetime import datetime
from typing import Final

from schemas.facts import CoHandlerAssigned, CoReplyRejected, CoReturnRefused, CoReturnRequested, Fact, TicketDispatched
from schemas.values import Cycle
from schemas.vocabulary import CyclePurpose, ReplyDefect, Role
from services.demo.cast_replies import good_reply, poor_reply
from services.demo.cast_scene import OFFICE, Planned, Scene

SEVERAL_UNITS: Final = "several-units-involved"
"""The reason for more time that makes the office name co-handlers."""


def co_handlers(scene: Scene, lead: str | None, what: str) -> tuple[str, ...]:
    """Choose one or two units to join `lead`."""
    dice = scene.dice(what)
    others = [unit.id for unit in scene.policy.directory.units if unit.id != lead]
    return tuple(dice.sample(others, dice.randint(1, 2)))


def at_the_desk(scene: Scene, lead: str) -> tuple[str, ...]:
    """What the directory could not place is now and then the business of several."""
    return co_handlers(scene, lead, "joint") if scene.choose("handling") == "joint" else ()


def take_part(scene: Scene, fact: TicketDispatched | CoHandlerAssigned) -> tuple[Planned, ...]:
    """Each co-handler that the fact names plans its part."""
    legs = [leg for leg in fact.cycles if leg.purpose is CyclePurpose.CO_HANDLE and leg.stopped_at is None]
    return tuple(_own_way(scene, fact, leg) for leg in legs)


def _own_way(scene: Scene, fact: Fact, leg: Cycle) -> Planned:
    at = f"part-{leg.number}"
    match scene.choose("part"):
        case "asks_out":
            when = scene.wall(fact.time, at, 30, 240)
            return scene.plan(
                when, "co_return.request.v1", (Role.UNIT, leg.unit), about=leg.unit,
                reason="not-our-remit", basis="县级部门权责清单(2024年版)",
            )  # fmt: skip
        case "late":
            return _part(scene, leg.unit, scene.working(leg.due_at, at, 10, 300))
        case "poor":
            when = scene.part(fact.time, leg.due_at, at, 0.1, 0.5)
            return _part(scene, leg.unit, when, ReplyDefect.NO_HANDLER)
        case _:
            return _part(scene, leg.unit, scene.part(fact.time, leg.due_at, at, 0.1, 0.8))


def _part(scene: Scene, unit: str, when: datetime, defect: ReplyDefect | None = None) -> Planned:
    reply = good_reply(scene) if defect is None else poor_reply(scene, defect)
    return scene.plan(when, "co_reply.submit.v1", (Role.UNIT, unit), about=unit, reply=reply)


def part_soon(scene: Scene, fact: CoReplyRejected | CoReturnRefused) -> tuple[Planned, ...]:
    """The part came back, or the unit has to stay: hand it in within hours."""
    return (_part(scene, fact.co_handler, scene.working(fact.time, "part-at", 30, 240)),)


def decide_co_return(scene: Scene, fact: CoReturnRequested) -> tuple[Planned, ...]:
    """The office decides within hours, as on any return."""
    upheld = scene.choose("return_decision") == "upheld"
    at = scene.working(fact.time, "co-return-decision-at", 30, 300)
    return (scene.plan(at, "co_return.decide.v1", OFFICE, co_handler=fact.co_handler, upheld=upheld),)
