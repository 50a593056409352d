"""Three-way calls: citizen, hotline and unit on one line about a consultation (三方通话, Art. 5)."""

from schemas.commands import LogCall
from schemas.facts import CallLogged, ReplySubmitted
from schemas.vocabulary import CallOutcome, ClockKind, Kind, Role, Stage
from services.core import clocks
from services.core.decision import Decision
from services.core.lifecycle import co_handling
from services.core.lifecycle.actors import from_role
from services.core.lifecycle.handling import sign

ARTICLE = "Art. 5"


def log_call(d: Decision, command: LogCall) -> Decision:
    """Keep the attempt and its outcome; what the unit answers in the call is its reply (Art. 5, 12).

    It goes through review like any other. A rating given in the call is recorded when the reply has passed.
    """
    if code := from_role(d, (Role.OFFICE,), Stage.DISPATCHED, Stage.IN_PROGRESS):
        return d.refuse(code, ARTICLE)
    if d.known.kind is not Kind.CONSULTATION:
        return d.refuse("not-a-consultation", ARTICLE)
    answered = command.outcome is CallOutcome.ANSWERED
    if answered != (command.reply is not None) or (command.rating is not None and not answered):
        return d.refuse("outcome-and-reply-disagree", ARTICLE)
    if answered and co_handling.outstanding(d, command.time):
        return d.refuse("co-handlers-outstanding", co_handling.ARTICLE)
    unit = d.policy.directory.unit(d.known.unit or "")
    d = d.then(
        CallLogged,
        ARTICLE,
        attempt=d.known.calls + 1,
        outcome=command.outcome,
        in_hours=unit is not None and unit.reachable(command.time, d.policy.for_unit(unit.id).calendar),
        rating=command.rating,
    )
    if command.reply is None:
        return d
    if d.known.stage is Stage.DISPATCHED:
        d = sign(d, deemed=False)
    return d.then(
        ReplySubmitted,
        "Art. 12",
        stage=Stage.REPLIED,
        reply=command.reply,
        in_call=True,
        stopped=clocks.stop_kinds(d.known, command.time, ClockKind.RETURN),
    )
