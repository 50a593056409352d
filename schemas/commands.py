"""Commands: what anyone wants to happen to a ticket. Imperative names; many writers, the router alone reads."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Instant, Strict, Token
from schemas.values import Actor, Attachments, Basis, LimitOverride, Reply
from schemas.vocabulary import (
    AcceptedBy,
    AccountabilityItem,
    CallOutcome,
    Channel,
    ClockKind,
    ContactOutcome,
    Indicator,
    Kind,
    Lane,
    Rating,
    ReplyDefect,
    Resolution,
    Rung,
)

CoHandlers = Annotated[tuple[Token, ...], Field(max_length=20)]
"""The units that handle a ticket beside the lead unit."""


class Command(Event):
    """A wish concerning one ticket (`subject`), by `actor`, who says it happened at `time`."""

    actor: Actor


class OpenTicket(Command):
    """Put a matter on the record; the door has chosen its lane (Art. 2, 4, 6)."""

    type: Literal["ticket.open.v1"] = "ticket.open.v1"
    platform: Token
    upstream_id: Token
    kind: Kind
    category: Token
    area: Token
    channel: Channel
    lane: Lane = Lane.ACCEPT
    lane_code: Token | None = None
    call_number: Token | None = None
    emergency_rule: Token | None = None
    knowledge_article: Token | None = None
    pii_ref: Token
    anonymous: bool = False
    secrecy_requested: bool = False
    accepted_by: AcceptedBy = AcceptedBy.COUNTY
    upstream_due_at: Instant | None = None
    limit_override: LimitOverride | None = None
    attachments: Attachments = ()
    repeat_of: Token | None = None


class RepeatTicket(Command):
    """The door found that this caller had brought this matter before: an urge (催办) of that ticket while it is open.

    If it is open no more, `matter` is opened as the ticket that it would have been, as a repeat (重复诉求).
    """

    type: Literal["ticket.repeat.v1"] = "ticket.repeat.v1"
    matter: OpenTicket


class AssignTicket(Command):
    """The office's manual desk names the unit of a ticket that the directory could not place (Art. 6)."""

    type: Literal["ticket.assign.v1"] = "ticket.assign.v1"
    unit: Token
    co_handlers: CoHandlers = ()


class DeclineTicket(Command):
    """The office finds before dispatch that the hotline may not take a matter; `code` stands in the catalogue."""

    type: Literal["ticket.decline.v1"] = "ticket.decline.v1"
    code: Token


class RequestRefusalReview(Command):
    """The citizen, or somebody for the citizen, asks to have a refusal reviewed (不予受理复核)."""

    type: Literal["refusal_review.request.v1"] = "refusal_review.request.v1"
    reason: Token


class DecideRefusalReview(Command):
    """The office upholds a refusal or overturns it: then the matter is accepted."""

    type: Literal["refusal_review.decide.v1"] = "refusal_review.decide.v1"
    upheld: bool
    reason: Token


class SignTicket(Command):
    """The unit takes the ticket on (签收, Art. 7)."""

    type: Literal["ticket.sign.v1"] = "ticket.sign.v1"


class RequestReturn(Command):
    """The unit says that the matter is not its business (Art. 7)."""

    type: Literal["return.request.v1"] = "return.request.v1"
    reason: Token
    basis: Basis
    proposed_unit: Token | None = None


class DecideReturn(Command):
    """The office upholds or refuses a return (Art. 7); `unit` and `co_handlers` name where an upheld one goes."""

    type: Literal["return.decide.v1"] = "return.decide.v1"
    upheld: bool
    unit: Token | None = None
    co_handlers: CoHandlers = ()


class AssignCoHandlers(Command):
    """The office has further units handle a ticket beside its lead unit (Art. 3)."""

    type: Literal["co_handler.assign.v1"] = "co_handler.assign.v1"
    units: tuple[Token, ...] = Field(min_length=1, max_length=20)


class SubmitCoReply(Command):
    """A co-handler hands its part of the reply to the lead unit (Art. 3, 12)."""

    type: Literal["co_reply.submit.v1"] = "co_reply.submit.v1"
    reply: Reply


class RequestCoReturn(Command):
    """A co-handler says that the matter is not its business (Art. 7)."""

    type: Literal["co_return.request.v1"] = "co_return.request.v1"
    reason: Token
    basis: Basis


class DecideCoReturn(Command):
    """The office upholds or refuses a co-handler's return (Art. 7); `unit` names who takes its place."""

    type: Literal["co_return.decide.v1"] = "co_return.decide.v1"
    co_handler: Token
    upheld: bool
    unit: Token | None = None


class RequestExtension(Command):
    """The unit asks for more time before its deadline, with a reason (Art. 8)."""

    type: Literal["extension.request.v1"] = "extension.request.v1"
    reason: Token


class DecideExtension(Command):
    """The hotline body that accepted the ticket grants or refuses more time (Art. 8)."""

    type: Literal["extension.decide.v1"] = "extension.decide.v1"
    granted: bool


class RequestSuspension(Command):
    """The unit cannot go on until the citizen supplies something (挂起); `reason` is one of the rulebook's list."""

    type: Literal["suspension.request.v1"] = "suspension.request.v1"
    reason: Token


class DecideSuspension(Command):
    """The body that the rulebook names suspends the unit's clock, or does not."""

    type: Literal["suspension.decide.v1"] = "suspension.decide.v1"
    granted: bool


class ResumeTicket(Command):
    """The unit or the office goes on with a suspended ticket."""

    type: Literal["ticket.resume.v1"] = "ticket.resume.v1"


class SubmitReply(Command):
    """The unit replies (Art. 7, 12)."""

    type: Literal["reply.submit.v1"] = "reply.submit.v1"
    reply: Reply


class ReviewReply(Command):
    """Revisit's verdict on a reply: no defects means that it passed (Art. 12)."""

    type: Literal["reply.review.v1"] = "reply.review.v1"
    cycle: int = Field(ge=0)
    defects: tuple[ReplyDefect, ...] = ()


class LogCall(Command):
    """The office connected citizen and unit in a three-way call about a consultation (三方通话, Art. 5).

    `reply` is what the unit answered in the call, `rating` what the citizen said of it before hanging up.
    """

    type: Literal["call.log.v1"] = "call.log.v1"
    outcome: CallOutcome
    reply: Reply | None = None
    rating: Rating | None = None


class LogContact(Command):
    """One attempt to reach the citizen was made (Art. 9)."""

    type: Literal["contact.log.v1"] = "contact.log.v1"
    attempt: int = Field(ge=1)
    channel: Channel
    outcome: ContactOutcome


class SubmitRating(Command):
    """The citizen evaluates the handling (Art. 9)."""

    type: Literal["rating.submit.v1"] = "rating.submit.v1"
    rating: Rating


class JudgeDissatisfaction(Command):
    """The office decides whether dissatisfaction is justified (Art. 9)."""

    type: Literal["dissatisfaction.judge.v1"] = "dissatisfaction.judge.v1"
    justified: bool
    reason: Token


class SubmitExplanation(Command):
    """The unit has explained to the citizen why nothing more can be done (Art. 9)."""

    type: Literal["explanation.submit.v1"] = "explanation.submit.v1"
    content_ref: Token


class CloseTicket(Command):
    """Revisit finds the conditions of closing fulfilled (Art. 9)."""

    type: Literal["ticket.close.v1"] = "ticket.close.v1"
    resolution: Resolution


class UrgeTicket(Command):
    """The citizen asks again while the ticket is open (催办): no new ticket, no clock changes."""

    type: Literal["ticket.urge.v1"] = "ticket.urge.v1"


class SupplementTicket(Command):
    """The citizen, or somebody for the citizen, adds to the matter while the ticket is open (补充材料)."""

    type: Literal["ticket.supplement.v1"] = "ticket.supplement.v1"
    content_ref: Token
    attachments: Attachments = ()


class WithdrawTicket(Command):
    """The citizen withdraws the matter."""

    type: Literal["ticket.withdraw.v1"] = "ticket.withdraw.v1"


class ReopenTicket(Command):
    """The same matter comes back within the re-open window after closing."""

    type: Literal["ticket.reopen.v1"] = "ticket.reopen.v1"


class MergeTicket(Command):
    """The office puts a ticket into the handling of another about the same matter (并单, 国办函〔2025〕66号 (五))."""

    type: Literal["ticket.merge.v1"] = "ticket.merge.v1"
    parent: Token


class UnmergeTicket(Command):
    """The office takes a merged ticket out again: it is handled on its own (拆分并单)."""

    type: Literal["ticket.unmerge.v1"] = "ticket.unmerge.v1"
    reason: Token


class Merging(Command):
    """What the saga of merging says between two tickets; `merging` numbers the child's attempts.

    Said by the mesh itself, never by an actor (docs/adr/0006).
    """

    merging: int = Field(ge=1)


class AttachChild(Merging):
    """A child asks the ticket that is to answer for it; with all that is needed to say yes or no (并单)."""

    type: Literal["merge.attach.v1"] = "merge.attach.v1"
    child: Token
    category: Token
    area: Token
    unit: Token | None = None
    case_due_at: Instant
    extensions: int = Field(default=0, ge=0)


class DetachChild(Merging):
    """A child goes its own way: the parent answers for it no more (拆分并单)."""

    type: Literal["merge.detach.v1"] = "merge.detach.v1"
    child: Token


class AnswerMerge(Merging):
    """The parent answers for the child from now on, or (with a code) does not, or does no more (并单)."""

    type: Literal["merge.answer.v1"] = "merge.answer.v1"
    parent: Token
    code: Token | None = None
    extensions: int = Field(default=0, ge=0)


class ShareReply(Merging):
    """The parent's reply passed review: it is the child's reply, too (并单)."""

    type: Literal["reply.share.v1"] = "reply.share.v1"
    parent: Token
    content_ref: Token
    replied_at: Instant
    unit: Token
    unit_group: Token


class CarryExtension(Merging):
    """The matter was extended under the parent: the count belongs to the child's matter, too (Art. 8)."""

    type: Literal["extension.carry.v1"] = "extension.carry.v1"
    parent: Token
    count: int = Field(ge=1)


Indicators = Annotated[tuple[Indicator, ...], Field(min_length=1, max_length=len(Indicator))]
"""Numbers of an assessment."""


class ExcludeMeasure(Command):
    """The office leaves what a leg of a ticket counted for out of the unit's assessment (Art. 15)."""

    type: Literal["measure.exclude.v1"] = "measure.exclude.v1"
    leg: int = Field(ge=1)
    indicators: Indicators
    reason: Token
    basis: Basis


class RequestAppeal(Command):
    """A unit appeals what one of its legs counts for in its assessment (Art. 15)."""

    type: Literal["appeal.request.v1"] = "appeal.request.v1"
    leg: int = Field(ge=1)
    indicators: Indicators
    reason: Token
    basis: Basis


class DecideAppeal(Command):
    """The office upholds or refuses an appeal (Art. 15)."""

    type: Literal["appeal.decide.v1"] = "appeal.decide.v1"
    leg: int = Field(ge=1)
    upheld: bool
    basis: Basis


class RaiseAccountability(Command):
    """The office flags what a unit may have to answer for, with this ticket as evidence (Art. 16)."""

    type: Literal["accountability.raise.v1"] = "accountability.raise.v1"
    unit: Token
    item: AccountabilityItem
    reason: Token
    basis: Basis


class DecideAccountability(Command):
    """The office dismisses or upholds an accountability flag; `note_ref` names the file with the decision (Art. 16)."""

    type: Literal["accountability.decide.v1"] = "accountability.decide.v1"
    flag: Token
    unit: Token
    upheld: bool
    note_ref: Token


class ClockSignal(Strict):
    """One clock reached a rung at `at`, or (no rung) elapsed at its due instant.

    With `calendar`: another version of the calendar became known at `at`, under which the clock is to be decided again.
    """

    clock: ClockKind
    cycle: int = Field(ge=0)
    due_at: Instant
    at: Instant
    rung: Rung | None = None
    calendar: Token | None = None


class SignalClocks(Command):
    """sla-timer says which clocks of the ticket reached a rung or elapsed: all of one pulse in one record.

    One record, so that no other command can come between two alarms of the same ticket and instant.
    """

    type: Literal["clock.signal.v1"] = "clock.signal.v1"
    signals: tuple[ClockSignal, ...] = Field(min_length=1)


class PulseClock(Event):
    """The time it is: one record in every partition; whatever was said before it stands before it."""

    type: Literal["clock.pulse.v1"] = "clock.pulse.v1"


COMMANDS: tuple[type[Event], ...] = (
    OpenTicket,
    RepeatTicket,
    AssignTicket,
    DeclineTicket,
    RequestRefusalReview,
    DecideRefusalReview,
    SignTicket,
    RequestReturn,
    DecideReturn,
    AssignCoHandlers,
    SubmitCoReply,
    RequestCoReturn,
    DecideCoReturn,
    RequestExtension,
    DecideExtension,
    RequestSuspension,
    DecideSuspension,
    ResumeTicket,
    SubmitReply,
    ReviewReply,
    LogCall,
    LogContact,
    SubmitRating,
    JudgeDissatisfaction,
    SubmitExplanation,
    CloseTicket,
    UrgeTicket,
    SupplementTicket,
    WithdrawTicket,
    ReopenTicket,
    MergeTicket,
    UnmergeTicket,
    AttachChild,
    DetachChild,
    AnswerMerge,
    ShareReply,
    CarryExtension,
    ExcludeMeasure,
    RequestAppeal,
    DecideAppeal,
    RaiseAccountability,
    DecideAccountability,
    SignalClocks,
    PulseClock,
)
"""Every command, in the order of a ticket's life."""
