"""The office, its call centre and the citizen: assign, decide, call, rate, judge, come back (Art. 6, 7, 8, 9)."""

from datetime import timedelta
from typing import Any

from schemas.facts import (
    ContactAttempted,
    ExtensionRequested,
    RatingRecorded,
    ReturnRequested,
    TicketClosed,
    TicketQueued,
)
from schemas.supervision import ContactRequested
from schemas.vocabulary import AcceptedBy, ContactOutcome, Rating, Role
from services.demo.cast_joint import SEVERAL_UNITS, at_the_desk, co_handlers
from services.demo.cast_scene import CALL_CENTRE, CITIZEN, OFFICE, Planned, Scene
from services.demo.cast_units import reply_soon


def assign(scene: Scene, fact: TicketQueued) -> tuple[Planned, ...]:
    """The manual desk names a unit within an hour of working time."""
    unit = scene.dice("assign").choice(scene.policy.directory.units)
    at = scene.working(fact.time, "assign-at", 5, 55)
    joint = list(at_the_desk(scene, unit.id))
    return (scene.plan(at, "ticket.assign.v1", OFFICE, unit=unit.id, co_handlers=joint),)


def decide_return(scene: Scene, fact: ReturnRequested) -> tuple[Planned, ...]:
    """The office decides within hours; an upheld return goes to the unit proposed or to one that the office names."""
    at = scene.working(fact.time, "return-decision-at", 30, 300)
    if scene.choose("return_decision") == "refused":
        return (scene.plan(at, "return.decide.v1", OFFICE, upheld=False),)
    others = [unit.id for unit in scene.policy.directory.units if unit.id != fact.unit]
    named = fact.proposed_unit or scene.dice("return-to").choice(others)
    return (scene.plan(at, "return.decide.v1", OFFICE, upheld=True, unit=named),)


def decide_extension(scene: Scene, fact: ExtensionRequested) -> tuple[Planned, ...]:
    """The body that accepted the ticket decides within hours, or never: then the unit replies without an answer."""
    decision = scene.choose("extension_decision")
    if decision == "none":
        return reply_soon(scene, fact)
    accepted_by = scene.source.submitted.accepted_by if scene.source else AcceptedBy.COUNTY
    platform = scene.source.submitted.platform if scene.source else ""
    decider = OFFICE if accepted_by is AcceptedBy.COUNTY else (Role.PLATFORM, platform)
    at = scene.working(fact.time, "extension-decision-at", 20, 240)
    decided = scene.plan(at, "extension.decide.v1", decider, granted=decision == "granted")
    if decision != "granted" or fact.reason != SEVERAL_UNITS:
        return (decided,)
    units = list(co_handlers(scene, fact.unit, "joint"))
    return (decided, scene.plan(at, "co_handler.assign.v1", OFFICE, order=2, units=units))


def call(scene: Scene, task: ContactRequested) -> tuple[Planned, ...]:
    """The call centre tries to reach the citizen within minutes of its working time, and logs what came of it."""
    at = scene.working(task.time, "contact-at", 2, 30)
    outcome = scene.choose("contact")
    said: dict[str, Any] = {"attempt": task.attempt, "channel": task.channel.value, "outcome": outcome}
    return (scene.plan(at, "contact.log.v1", CALL_CENTRE, **said),)


def rate(scene: Scene, fact: ContactAttempted) -> tuple[Planned, ...]:
    """A citizen who was reached rates, or stays silent even so."""
    rating = scene.choose("rating")
    if fact.outcome is not ContactOutcome.ANSWERED or rating == "silent":
        return ()
    return (scene.plan(scene.wall(fact.time, "rating-at", 1, 20), "rating.submit.v1", CITIZEN, rating=rating),)


def judge(scene: Scene, fact: RatingRecorded) -> tuple[Planned, ...]:
    """The office judges dissatisfaction within a working day."""
    if fact.rating is not Rating.DISSATISFIED:
        return ()
    justified = scene.choose("judgement") == "justified"
    reason = "matter-not-settled" if justified else "handled-as-the-law-says"
    at = scene.working(fact.time, "judge-at", 30, 400)
    return (scene.plan(at, "dissatisfaction.judge.v1", OFFICE, justified=justified, reason=reason),)


def come_back(scene: Scene, fact: TicketClosed) -> tuple[Planned, ...]:
    """1 of 100 closed matters comes back within days, once."""
    if fact.generation != 1 or scene.choose("reopening") != "reopened":
        return ()
    at = fact.time + timedelta(hours=scene.dice("reopen-at").randint(20, 192))
    return (scene.plan(at, "ticket.reopen.v1", CITIZEN),)
