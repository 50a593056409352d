"""What the reminder, revisit and scoring services say, each on a topic of its own."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Instant, Token
from schemas.privacy import DataClass
from schemas.values import Basis, DigestItem, IndicatorScore, RulebookRef, ScoreChange
from schemas.vocabulary import (
    AccountabilityItem,
    Channel,
    ClockKind,
    FlagStatus,
    Indicator,
    Kind,
    Measure,
    Rating,
    Rung,
    Trend,
)


class ReminderIssued(Event):
    """A unit is reminded of one clock of one ticket: one per rung, ticket and cycle, ever (Art. 10).

    `time` is when the reminder may go out: outside office hours it waits for the opening.
    """

    type: Literal["reminder.issued.v1"] = "reminder.issued.v1"
    unit: Token
    clock: ClockKind
    clock_cycle: int = Field(ge=0)
    rung: Rung
    due_at: Instant
    channel: Literal["written", "phone"]
    to_head: bool = False


class ReminderCollected(Event):
    """A reminder goes into its unit's digest of `send_at`; or is `dropped` from it, because there is no need any more.

    `partition`, `offset` and `index` place it: the fact that called for it, and its number among what that fact says.
    """

    type: Literal["reminder.collected.v1"] = "reminder.collected.v1"
    unit: Token
    item: DigestItem
    rung: Rung
    channel: Literal["written", "phone"]
    to_head: bool = False
    send_at: Instant
    dropped: bool = False
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    index: int = Field(ge=0)


class DigestIssued(Event):
    """What goes to a unit at once: its reminders of one rung in one window, each ticket listed (Art. 10).

    `time` is the window's end; items are in the order in which they are due.
    """

    type: Literal["digest.issued.v1"] = "digest.issued.v1"
    unit: Token
    rung: Rung
    channel: Literal["written", "phone"]
    to_head: bool = False
    items: tuple[DigestItem, ...] = Field(min_length=1)


class PulseRelayed(Event):
    """The reminder service passed a pulse on into the same partition of its repartition; `time` is the time it is."""

    type: Literal["clock.pulse_relayed.v1"] = "clock.pulse_relayed.v1"


class PulseMeasured(Event):
    """Scoring passed a pulse on behind the measures of its partition; scores that changed are published then."""

    type: Literal["clock.pulse_measured.v1"] = "clock.pulse_measured.v1"


class ContactRequested(Event):
    """Somebody, or a gateway, is to contact the citizen of this ticket (Art. 9)."""

    type: Literal["contact.requested.v1"] = "contact.requested.v1"
    attempt: int = Field(ge=1)
    channel: Channel
    pii_ref: Token
    answer_by: Instant


class UnitMeasured(Event):
    """One fact of one ticket that counts for a unit (Art. 15).

    `count` is 1, or -1 for what no longer counts: then `because` says why, and `evidence` stays the fact that had
    counted. `partition` and `offset` of the fact that led to it, and `index` among what that fact led to, order the
    measures of one input partition. `category` is named when the ticket comes to the unit for the first time.
    """

    type: Literal["unit.measured.v1"] = "unit.measured.v1"
    unit: Token
    unit_group: Token
    period: Token
    ticket: Token
    kind: Kind
    measure: Measure
    category: Token | None = None
    count: int = Field(default=1, ge=-1, le=1)
    cycle: int = Field(default=0, ge=0)
    clock: ClockKind | None = None
    indicator: Indicator | None = None
    on_time: bool | None = None
    rating: Rating | None = None
    deemed: bool = False
    because: Token | None = None
    evidence: Token
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    index: int = Field(default=0, ge=0)


class ScorePublished(Event):
    """The assessment of a unit in a period so far (Art. 15); rates are percentages, None when nothing counted.

    Satisfaction is given with and without deemed ratings. `unit_class` is what the unit is compared with, and nothing
    else. `replied_on_time` counts what is late and still open at the end of the period. `revision` counts how often
    what had been published was corrected, `change` says by what the last time.
    """

    type: Literal["score.published.v1"] = "score.published.v1"
    unit: Token
    unit_group: Token
    period: Token
    dispatched: int = Field(ge=0)
    closed: int = Field(ge=0)
    returned: int = Field(ge=0)
    redone: int = Field(ge=0)
    breached: int = Field(ge=0)
    signed_on_time: float | None
    replied_on_time: float | None
    satisfaction: float | None
    satisfaction_rated_only: float | None
    score: float | None
    unit_class: Token | None = None
    indicators: tuple[IndicatorScore, ...] = ()
    overdue: int = Field(default=0, ge=0)
    excluded: int = Field(default=0, ge=0)
    revision: int = Field(default=1, ge=1)
    change: ScoreChange | None = None
    rulebook: RulebookRef


class HotIssuePublished(Event):
    """A unit got at least five tickets of one category in a week that is over (Art. 5); `week` as ISO 8601 names it.

    `usual` is the median of the eight weeks before, weeks without a ticket counting as 0. `trend`: `rising` from 1.5
    times the usual on, `falling` from two thirds down, `new` where nothing is usual.
    """

    type: Literal["hot_issue.published.v1"] = "hot_issue.published.v1"
    unit: Token
    unit_group: Token
    week: Token
    category: Token
    tickets: int = Field(ge=5)
    usual: float = Field(ge=0)
    trend: Trend


class AccountabilityNoted(Event):
    """One fact about a flag of a unit: raised by the office, or decided (Art. 16).

    `partition`, `offset` and `index` order it among the measures of the unit.
    """

    type: Literal["accountability.noted.v1"] = "accountability.noted.v1"
    unit: Token
    unit_group: Token
    period: Token
    ticket: Token
    item: AccountabilityItem | None = None
    reason: Token | None = None
    basis: Basis | None = None
    flag: Token | None = None
    upheld: bool | None = None
    note_ref: Token | None = None
    evidence: Token
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    index: int = Field(default=0, ge=0)


class AccountabilityFlagged(Event):
    """Something that a person should look at (Art. 16); the system never punishes.

    `flag` names it, also where it is said again with what a person decided: `status`, `note_ref`, and the fact
    `decided_by`. `origin` says whether the log showed it or the office raised it.
    """

    type: Literal["accountability.flagged.v1"] = "accountability.flagged.v1"
    unit: Token
    period: Token
    item: AccountabilityItem
    article: Basis
    count: int = Field(ge=1)
    evidence: tuple[Token, ...]
    flag: Token | None = None
    status: FlagStatus = FlagStatus.RAISED
    origin: Literal["log", "office"] = "log"
    ticket: Token | None = None
    reason: Token | None = None
    basis: Basis | None = None
    note_ref: Token | None = None
    decided_by: Token | None = None


class WatermarkPublished(Event):
    """How far a service has digested its inputs: the next offset to handle, per topic and partition.

    Everything before it is handled and its outputs are acknowledged; `positions` maps "topic/partition".
    """

    type: Literal["watermark.published.v1"] = "watermark.published.v1"
    service: Token
    positions: Annotated[dict[str, int], DataClass.NONE]


SUPERVISION: tuple[type[Event], ...] = (
    ReminderIssued,
    ReminderCollected,
    DigestIssued,
    PulseRelayed,
    ContactRequested,
    UnitMeasured,
    PulseMeasured,
    ScorePublished,
    HotIssuePublished,
    AccountabilityNoted,
    AccountabilityFlagged,
    WatermarkPublished,
)
"""Every event that is neither a command nor a fact of a ticket."""
