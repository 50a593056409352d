"""Units: sign, send back, ask for more time, reply, explain - early, late or never (Art. 7, 8, 9, 12)."""

from datetime import datetime, timedelta
from typing import Any, Final

from schemas.facts import (
    CommandRefused,
    DissatisfactionJudged,
    ExtensionGranted,
    Fact,
    ReplyRejected,
    TicketDispatched,
    TicketRedispatched,
)
from schemas.vocabulary import ClockKind, DispatchReason, Kind, ReplyDefect, Role, Stage
from services.core.deadlines import due, not_on_day_off
from services.demo.cast_replies import EXPLANATION, good_reply, poor_reply, repeated_reply
from services.demo.cast_scene import CITIZEN, SOONEST, Planned, Scene, clock_of
from services.demo.cast_script import BEHIND, DECISIONS

RETURN_REASONS: Final = ("not-our-remit", "another-unit-leads", "another-township")
WITH_THE_UNIT: Final = (Stage.DISPATCHED, Stage.IN_PROGRESS)
EXTENSION_REASONS: Final = ("site-not-accessible", "parts-on-order", "several-units-involved", "evidence-outstanding")


def unit_of(fact: Fact) -> tuple[Role, str]:
    """Give the unit that has the ticket."""
    return (Role.UNIT, fact.unit or "nobody")


def take_on(scene: Scene, fact: TicketDispatched | TicketRedispatched) -> tuple[Planned, ...]:
    """A ticket came in: sign it, and reply, send it back or ask for more time; meanwhile it may be withdrawn.

    All of a leg is planned at once, because only this fact tells when sign and handle clocks run out.
    """
    sign, handle = clock_of(fact, ClockKind.SIGN), clock_of(fact, ClockKind.HANDLE)
    if sign is None or handle is None or fact.unit is None:
        return ()
    planned: list[Planned] = []
    sign_at = _sign_at(scene, fact, sign.due_at)
    if sign_at is not None:
        planned.append(scene.plan(sign_at, "ticket.sign.v1", unit_of(fact), order=0))
    signed_at = max(min(sign_at or sign.due_at, sign.due_at), fact.time + SOONEST)
    if not scene.never_closes:
        planned.append(_course(scene, fact, signed_at, handle.due_at))
    withdrawn_at = _withdrawn_at(scene, fact)
    if withdrawn_at is None:
        return tuple(planned)
    last = scene.plan(withdrawn_at, "ticket.withdraw.v1", CITIZEN, order=2)
    return (*(one for one in planned if one.at < last.at), last)


def _sign_at(scene: Scene, fact: Fact, sign_due: datetime) -> datetime | None:
    """Within an hour and a half of working time, or late, or never; urgent kinds by the clock on the wall."""
    wall = scene.policy.rulebook.kinds[fact.kind].sign_wall_clock
    after = scene.wall if wall else scene.working
    match scene.choose("sign"):
        case "never":
            return None
        case "late":
            return after(sign_due, "sign-at", 10, 180)
        case _:
            return after(fact.time, "sign-at", 3, 90)


def _course(
    scene: Scene, fact: TicketDispatched | TicketRedispatched, signed_at: datetime, due_at: datetime
) -> Planned:
    unit = unit_of(fact)
    match _choose_course(scene, fact, due_at):
        case "return":
            return _return(scene, fact, scene.working(signed_at, "return-at", 20, 85))
        case "return_too_late":
            rules = scene.policy.rulebook.return_
            window = due(signed_at, rules.window.limit, scene.calendar)
            over = not_on_day_off(window, scene.calendar, rules.moves_to)
            return _return(scene, fact, scene.working(over, "return-at", 30, 180))
        case "extend":
            at = scene.part(signed_at, due_at, "extend-at", 0.3, 0.8)
            reason = scene.dice("extend-reason").choice(EXTENSION_REASONS)
            return scene.plan(at, "extension.request.v1", unit, reason=reason)
        case "extend_too_late":
            at = scene.working(due_at, "extend-at", 15, 180)
            return scene.plan(at, "extension.request.v1", unit, reason="parts-on-order")
        case _:
            return _reply(scene, fact, reply_at(scene, fact, signed_at, due_at))


def _choose_course(scene: Scene, fact: TicketDispatched | TicketRedispatched, due_at: datetime) -> str:
    """A redo, and a ticket that adjudication gave to its unit, are replied to, unless a script says otherwise."""
    settled = isinstance(fact, TicketRedispatched) or fact.reason is DispatchReason.ADJUDICATED
    if settled:
        return scene.choose("course", {"reply": 1})
    closes = scene.closes_at
    behind = fact.kind is not Kind.CONSULTATION and closes is not None and closes > due_at
    return scene.choose("course", BEHIND if behind else DECISIONS["course"])


def _return(scene: Scene, fact: Fact, at: datetime) -> Planned:
    """Send it back, in most cases naming the unit whose business it is."""
    dice = scene.dice("return")
    others = [unit.id for unit in scene.policy.directory.units if unit.id != fact.unit]
    data: dict[str, Any] = {
        "reason": dice.choice(RETURN_REASONS),
        "basis": f"县级部门权责清单(2024年版)第{dice.randint(1, 60)}项",
    }
    if dice.random() < 0.7:
        data["proposed_unit"] = dice.choice(others)
    return scene.plan(at, "return.request.v1", unit_of(fact), **data)


def reply_at(scene: Scene, fact: Fact, after: datetime, due_at: datetime) -> datetime:
    """Give when a unit replies: when the data says that the request was closed, else within the limit, or late.

    A question is not answered as late as the lorry came: for consultations the data counts only within the limit.
    """
    pace = scene.choose("pace")
    if pace == "late":
        return scene.working(due_at, "reply-at", 60, 720)
    closes = scene.closes_at
    if (
        pace == "usual"
        and closes is not None
        and closes > after
        and (fact.kind is not Kind.CONSULTATION or closes <= due_at)
    ):
        return scene.wall(closes, "reply-at", 0, 5)
    return scene.part(after, due_at, "reply-at", 0.15, 0.9)


def _reply(scene: Scene, fact: Fact, at: datetime) -> Planned:
    quality = scene.choose("quality")
    reply = good_reply(scene) if quality == "good" else poor_reply(scene, ReplyDefect(quality))
    return scene.plan(at, "reply.submit.v1", unit_of(fact), reply=reply)


def reply_soon(scene: Scene, fact: Fact) -> tuple[Planned, ...]:
    """What the unit hoped for came to nothing: reply when the data says, or within hours of working time."""
    if scene.never_closes or fact.unit is None:
        return ()
    hours = scene.working(fact.time, "reply-at", 30, 240)
    closes = scene.closes_at
    by_data = closes is not None and closes > hours and fact.kind is not Kind.CONSULTATION
    return (_reply(scene, fact, closes if by_data and closes is not None else hours),)


def reply_after_refusal(scene: Scene, fact: CommandRefused) -> tuple[Planned, ...]:
    """A return or a request for more time came too late, or a reply before its parts: reply later."""
    asked = fact.command in {"return.request.v1", "extension.request.v1"}
    too_early = fact.code == "co-handlers-outstanding"
    return reply_soon(scene, fact) if (asked or too_early) and fact.stage in WITH_THE_UNIT else ()


def reply_in_more_time(scene: Scene, fact: ExtensionGranted) -> tuple[Planned, ...]:
    """More time was granted: reply by the new due instant."""
    if scene.never_closes or fact.unit is None:
        return ()
    return (_reply(scene, fact, reply_at(scene, fact, fact.time, fact.new_due_at)),)


def reply_better(scene: Scene, fact: ReplyRejected) -> tuple[Planned, ...]:
    """The reply came back: a better one within a working day, or the same words once more."""
    at = scene.working(fact.time, "reply-at", 30, 420)
    repeat = ReplyDefect.TEMPLATE_REPEATED not in fact.defects and scene.choose("second_reply") == "repeated"
    reply = repeated_reply(scene, fact.defects) if repeat else good_reply(scene, again=True)
    return (scene.plan(at, "reply.submit.v1", unit_of(fact), reply=reply),)


def explain(scene: Scene, fact: DissatisfactionJudged) -> tuple[Planned, ...]:
    """Nothing more can be done: explain it patiently, sometimes late."""
    clock = clock_of(fact, ClockKind.EXPLAIN)
    if fact.stage is not Stage.EXPLAINING or clock is None:
        return ()
    in_time = scene.working(fact.time, "explain-at", 30, 360)
    late = scene.working(clock.due_at, "explain-at", 30, 300)
    at = late if scene.choose("explanation") == "late" else min(in_time, clock.due_at)
    return (scene.plan(at, "explanation.submit.v1", unit_of(fact), text=EXPLANATION),)


def _withdrawn_at(scene: Scene, fact: Fact) -> datetime | None:
    """When the citizen withdraws: a cancelled request when the data says, 1 of 100 others within two days."""
    if fact.cycle != 1 or fact.generation != 1:
        return None
    cancelled_at = scene.closes_at if scene.source and scene.source.cancelled else None
    if scene.choose("withdrawal", {"withdrawn": 1} if cancelled_at else None) != "withdrawn":
        return None
    return cancelled_at or fact.time + timedelta(minutes=scene.dice("withdrawal-at").randint(10, 2880))
