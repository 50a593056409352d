"""Facts: what did happen to a ticket. Past tense; the router alone writes them, gap-free per ticket."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Event, Instant, Token
from schemas.values import Attachments, Basis, Clock, Cycle, LimitOverride, Reply, RulebookRef, StoppedClock
from schemas.vocabulary import (
    AcceptedBy,
    AccountabilityItem,
    CallOutcome,
    Channel,
    ClockKind,
    ContactOutcome,
    DispatchReason,
    Indicator,
    Kind,
    LawfulChannel,
    Rating,
    ReplyDefect,
    Resolution,
    Role,
    Rung,
    Stage,
    SuspensionEnd,
)


class Fact(Event):
    """What every fact of a ticket carries: where it stands now, which clocks changed, which rules decided.

    `sequence` counts the ticket's facts without a gap. `stage`, `unit`, `unit_group` and `round` hold after the
    fact. `started` and `stopped` are the clock changes; sla-timer needs nothing else. `cycles` are the legs that the
    fact began, changed or ended; on `ticket.closed` all of the generation. `article` is the rule.
    """

    sequence: int = Field(ge=1)
    stage: Stage
    kind: Kind
    generation: int = Field(default=1, ge=1)
    round: int = Field(default=0, ge=0)
    cycle: int = Field(default=0, ge=0)
    unit: Token | None = None
    unit_group: Token | None = None
    article: Basis
    rulebook: RulebookRef
    started: tuple[Clock, ...] = ()
    stopped: tuple[StoppedClock, ...] = ()
    cycles: tuple[Cycle, ...] = ()


class TicketOpened(Fact):
    """A matter is on the record."""

    type: Literal["ticket.opened.v1"] = "ticket.opened.v1"
    platform: Token
    upstream_id: Token
    category: Token
    area: Token
    channel: Channel
    pii_ref: Token
    anonymous: bool = False
    secrecy_requested: bool = False
    accepted_by: AcceptedBy
    upstream_due_at: Instant | None = None
    limit_override: LimitOverride | None = None
    attachments: Attachments = ()
    repeat_of: Token | None = None
    """The closed ticket of the same caller about the same matter (重复诉求)."""


class TicketDiverted(Fact):
    """An emergency was sent on at once; `call_number` is the number to call (Art. 2).

    `rule` names the category or the keyword rule that matched, never the words.
    """

    type: Literal["ticket.diverted.v1"] = "ticket.diverted.v1"
    call_number: Token
    rule: Token | None = None


class TicketAnswered(Fact):
    """A general consultation was answered at once from the knowledge base (Art. 8)."""

    type: Literal["ticket.answered.v1"] = "ticket.answered.v1"
    knowledge_article: Token


class TicketDeclined(Fact):
    """The hotline may not take the matter; `code` of the catalogue says why, `channel` whose business it is.

    `reviewable`: the citizen may have the refusal reviewed. A matter that was not accepted is counted all the same.
    """

    type: Literal["ticket.declined.v1"] = "ticket.declined.v1"
    code: Token
    channel: LawfulChannel | None = None
    reviewable: bool = False


class RefusalReviewRequested(Fact):
    """The citizen asked to have the refusal reviewed (不予受理复核)."""

    type: Literal["refusal_review.requested.v1"] = "refusal_review.requested.v1"
    reason: Token


class RefusalUpheld(Fact):
    """The office upheld the refusal: that is final."""

    type: Literal["refusal.upheld.v1"] = "refusal.upheld.v1"
    reason: Token


class RefusalOverturned(Fact):
    """The office overturned the refusal: the matter is accepted as if it had come now."""

    type: Literal["refusal.overturned.v1"] = "refusal.overturned.v1"
    reason: Token


class TicketHeld(Fact):
    """An off-hours ticket waits for the opening of the next working day (Art. 6)."""

    type: Literal["ticket.held.v1"] = "ticket.held.v1"
    release_at: Instant


class TicketQueued(Fact):
    """The directory cannot place it: the office's manual desk must (Art. 6)."""

    type: Literal["ticket.queued.v1"] = "ticket.queued.v1"
    reason: Token


class TicketDispatched(Fact):
    """The ticket went to a unit (Art. 6); `rule` names the directory entry or decision that chose it.

    `co_handlers` handle it beside that unit, which leads.
    """

    type: Literal["ticket.dispatched.v1"] = "ticket.dispatched.v1"
    reason: DispatchReason
    rule: Token
    co_handlers: tuple[Token, ...] = ()


class TicketRedispatched(Fact):
    """A justified dissatisfaction sent the ticket to the unit again: a new round (Art. 9)."""

    type: Literal["ticket.redispatched.v1"] = "ticket.redispatched.v1"


class TicketSigned(Fact):
    """The unit took the ticket on, or is deemed to have (Art. 7)."""

    type: Literal["ticket.signed.v1"] = "ticket.signed.v1"
    deemed: bool = False


class ReturnRequested(Fact):
    """The unit says it is not its business (Art. 7)."""

    type: Literal["return.requested.v1"] = "return.requested.v1"
    reason: Token
    basis: Basis
    proposed_unit: Token | None = None


class ReturnUpheld(Fact):
    """The office agreed; the ticket is dispatched elsewhere (Art. 7)."""

    type: Literal["return.upheld.v1"] = "return.upheld.v1"
    returned_by: Token


class ReturnRefused(Fact):
    """The office did not agree; the unit keeps the ticket and the time (Art. 7)."""

    type: Literal["return.refused.v1"] = "return.refused.v1"


class CoHandlerAssigned(Fact):
    """Further units handle the ticket beside its lead unit, each with a clock of its own (Art. 3)."""

    type: Literal["co_handler.assigned.v1"] = "co_handler.assigned.v1"
    co_handlers: tuple[Token, ...]


class CoHandlerFact(Fact):
    """What every fact about one co-handler says: which one; `unit` stays the lead unit."""

    co_handler: Token


class CoReplySubmitted(CoHandlerFact):
    """A co-handler handed in its part; the lead unit joins it to the reply (Art. 3, 12)."""

    type: Literal["co_reply.submitted.v1"] = "co_reply.submitted.v1"
    reply: Reply


class CoReplyRejected(CoHandlerFact):
    """A co-handler's part went back at once, with every reason; its clock went on (Art. 12)."""

    type: Literal["co_reply.rejected.v1"] = "co_reply.rejected.v1"
    defects: tuple[ReplyDefect, ...]


class CoReturnRequested(CoHandlerFact):
    """A co-handler says it is not its business (Art. 7)."""

    type: Literal["co_return.requested.v1"] = "co_return.requested.v1"
    reason: Token
    basis: Basis


class CoReturnUpheld(CoHandlerFact):
    """The office agreed: the co-handler is out of it (Art. 7)."""

    type: Literal["co_return.upheld.v1"] = "co_return.upheld.v1"


class CoReturnRefused(CoHandlerFact):
    """The office did not agree; the co-handler keeps its part and the time (Art. 7)."""

    type: Literal["co_return.refused.v1"] = "co_return.refused.v1"


class ExtensionRequested(Fact):
    """The unit asked for more time; no clock stops (Art. 8)."""

    type: Literal["extension.requested.v1"] = "extension.requested.v1"
    reason: Token


class ExtensionGranted(Fact):
    """The accepting body granted more time, counted from the old due instant (Art. 8)."""

    type: Literal["extension.granted.v1"] = "extension.granted.v1"
    old_due_at: Instant
    new_due_at: Instant
    count: int = Field(ge=1)


class ExtensionRefused(Fact):
    """The accepting body refused more time (Art. 8)."""

    type: Literal["extension.refused.v1"] = "extension.refused.v1"


class SuspensionRequested(Fact):
    """The unit asked to have its clock suspended; no clock stops yet (挂起)."""

    type: Literal["suspension.requested.v1"] = "suspension.requested.v1"
    reason: Token


class SuspensionRefused(Fact):
    """The unit's clock runs on."""

    type: Literal["suspension.refused.v1"] = "suspension.refused.v1"


class TicketSuspended(Fact):
    """The unit's clock stands still until `until` at the latest; the citizen's goes on (挂起)."""

    type: Literal["ticket.suspended.v1"] = "ticket.suspended.v1"
    reason: Token
    until: Instant
    count: int = Field(ge=1)


class TicketResumed(Fact):
    """The unit's clock runs on: its due instant moved by `moved_seconds` of the time that it counts.

    `working_seconds` is the office time for which it stood still: nights, breaks and days off count once, as none.
    """

    type: Literal["ticket.resumed.v1"] = "ticket.resumed.v1"
    how: SuspensionEnd
    old_due_at: Instant
    new_due_at: Instant
    moved_seconds: int = Field(ge=0)
    working_seconds: int = Field(ge=0)


class ReplySubmitted(Fact):
    """The unit replied (Art. 7, 12).

    `in_call`: the citizen heard it in a three-way call (Art. 5).
    """

    type: Literal["reply.submitted.v1"] = "reply.submitted.v1"
    reply: Reply
    in_call: bool = False


class ReplyAccepted(Fact):
    """The reply passed review; the revisit is open (Art. 9, 12)."""

    type: Literal["reply.accepted.v1"] = "reply.accepted.v1"


class ReplyRejected(Fact):
    """The reply went back to the unit, with every reason; the clock went on (Art. 12)."""

    type: Literal["reply.rejected.v1"] = "reply.rejected.v1"
    defects: tuple[ReplyDefect, ...]


class CallLogged(Fact):
    """Citizen and unit were connected in a three-way call, or should have been (三方通话, Art. 5).

    `in_hours`: the unit's consultation phone had to be answered at that time.
    """

    type: Literal["call.logged.v1"] = "call.logged.v1"
    attempt: int = Field(ge=1)
    outcome: CallOutcome
    in_hours: bool
    rating: Rating | None = None


class ContactAttempted(Fact):
    """The citizen was called or written to (Art. 9)."""

    type: Literal["contact.attempted.v1"] = "contact.attempted.v1"
    attempt: int = Field(ge=1)
    channel: Channel
    outcome: ContactOutcome


class RatingRecorded(Fact):
    """The citizen evaluated the handling (Art. 9)."""

    type: Literal["rating.recorded.v1"] = "rating.recorded.v1"
    rating: Rating


class DissatisfactionJudged(Fact):
    """The office decided whether the dissatisfaction is justified (Art. 9)."""

    type: Literal["dissatisfaction.judged.v1"] = "dissatisfaction.judged.v1"
    justified: bool
    reason: Token


class ExplanationGiven(Fact):
    """The unit explained patiently why nothing more can be done (Art. 9)."""

    type: Literal["explanation.given.v1"] = "explanation.given.v1"
    content_ref: Token


class TicketUrged(Fact):
    """The citizen asked again (催办).

    `instead_of` is the ticket that would have been opened, had the door not found this one; `pii_ref` is where its
    words lie, sealed; `platform` and `upstream_id` are how its platform calls it.
    """

    type: Literal["ticket.urged.v1"] = "ticket.urged.v1"
    count: int = Field(ge=1)
    instead_of: Token | None = None
    platform: Token | None = None
    upstream_id: Token | None = None
    pii_ref: Token | None = None


class TicketRepeated(Fact):
    """The same caller came with the same matter, which is open no more; it goes on as `successor` (重复诉求).

    `counted` says that it had been closed within the window of the rulebook: a repeat for the unit that closed it.
    """

    type: Literal["ticket.repeated.v1"] = "ticket.repeated.v1"
    successor: Token
    counted: bool


class TicketSupplemented(Fact):
    """The citizen added to the matter (补充材料); a suspended ticket goes on with that."""

    type: Literal["ticket.supplemented.v1"] = "ticket.supplemented.v1"
    content_ref: Token
    count: int = Field(ge=1)
    attachments: Attachments = ()


class TicketWithdrawn(Fact):
    """The citizen withdrew the matter."""

    type: Literal["ticket.withdrawn.v1"] = "ticket.withdrawn.v1"


class TicketReopened(Fact):
    """The matter came back within the re-open window; a new generation begins."""

    type: Literal["ticket.reopened.v1"] = "ticket.reopened.v1"


class TicketClosed(Fact):
    """The ticket is done (Art. 9): the summary that downstream consumers read on `closed-tickets`.

    Satisfaction counts as `deemed` when silence stood for a rating. `breaches` names the limits that were missed,
    for ever: a late reply does not heal them. `merged_into` names the ticket whose handling gave the reply (并单).
    """

    type: Literal["ticket.closed.v1"] = "ticket.closed.v1"
    platform: Token
    upstream_id: Token
    category: Token
    area: Token
    channel: Channel
    opened_at: Instant
    dispatched_at: Instant | None
    replied_at: Instant | None
    resolution: Resolution
    rating: Rating
    deemed: bool
    returns: int = Field(ge=0)
    extensions: int = Field(ge=0)
    urges: int = Field(ge=0)
    breaches: tuple[ClockKind, ...] = ()
    case_due_at: Instant | None = None
    merged_into: Token | None = None


class ClockFact(Fact):
    """What every fact about one clock says: which clock, of which cycle, due when, and which unit answers for it.

    `charged_to` is null for the clocks of the office and of the citizen.
    """

    clock: ClockKind
    clock_cycle: int = Field(ge=0)
    due_at: Instant
    charged_to: Token | None = None
    charged_group: Token | None = None


class ClockAtRisk(ClockFact):
    """A clock reached a rung of the reminder ladder (Art. 10)."""

    type: Literal["clock.at_risk.v1"] = "clock.at_risk.v1"
    rung: Rung


class ClockBreached(ClockFact):
    """A limit ran out; `time` is the due instant, not the instant of noticing it."""

    type: Literal["clock.breached.v1"] = "clock.breached.v1"


class ClockElapsed(ClockFact):
    """A window ended (release, return, rating): nobody is late."""

    type: Literal["clock.elapsed.v1"] = "clock.elapsed.v1"


class BreachWithdrawn(ClockFact):
    """What met the limit happened in time but arrived after the breach was declared; the breach is taken back."""

    type: Literal["breach.withdrawn.v1"] = "breach.withdrawn.v1"
    met_at: Instant


class DeadlineRevised(Fact):
    """A running clock was decided again under the calendar known since `time`; `notices` made it known (Art. 8, 18).

    The two instants are the same where only the reminders moved, or a provisional date became final.
    """

    type: Literal["deadline.revised.v1"] = "deadline.revised.v1"
    clock: ClockKind
    clock_cycle: int = Field(ge=0)
    old_due_at: Instant
    new_due_at: Instant
    old_calendar: Token
    new_calendar: Token
    notices: tuple[Basis, ...] = ()
    charged_to: Token | None = None
    charged_group: Token | None = None


class LegFact(Fact):
    """What every fact about the assessment of one leg says: which leg, which unit it counts for, which numbers."""

    leg: int = Field(ge=1)
    counts_for: Token
    indicators: tuple[Indicator, ...]


class MeasureExcluded(LegFact):
    """What the leg counted for is left out of the unit's assessment; `reason` is of the rulebook's list (Art. 15)."""

    type: Literal["measure.excluded.v1"] = "measure.excluded.v1"
    reason: Token
    basis: Basis


class AppealRequested(LegFact):
    """The unit appealed what the leg counts for; the office has to decide (Art. 15)."""

    type: Literal["appeal.requested.v1"] = "appeal.requested.v1"
    reason: Token
    basis: Basis


class AppealDecided(LegFact):
    """The office decided the appeal; an upheld one leaves the numbers out (Art. 15)."""

    type: Literal["appeal.decided.v1"] = "appeal.decided.v1"
    upheld: bool
    basis: Basis


class AccountabilityRaised(Fact):
    """The office flagged what a unit may have to answer for; a person decides, the system never punishes (Art. 16)."""

    type: Literal["accountability.raised.v1"] = "accountability.raised.v1"
    answerable: Token
    answerable_group: Token
    item: AccountabilityItem
    reason: Token
    basis: Basis


class AccountabilityDecided(Fact):
    """The office dismissed or upheld a flag; `note_ref` names the file with the decision (Art. 16)."""

    type: Literal["accountability.decided.v1"] = "accountability.decided.v1"
    flag: Token
    answerable: Token
    answerable_group: Token
    upheld: bool
    note_ref: Token


class CommandRefused(Fact):
    """A command changed nothing; `code` and `article` say why, `asked_by` in which role it was sent."""

    type: Literal["command.refused.v1"] = "command.refused.v1"
    command: Token
    code: Token
    asked_by: Role | None = None


class ClockPulsed(Event):
    """The router passed a pulse on into the same partition; `time` is the time it is."""

    type: Literal["clock.pulsed.v1"] = "clock.pulsed.v1"
