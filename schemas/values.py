"""Values shared by several event types."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from schemas.envelope import Instant, Strict, Token
from schemas.privacy import DataClass
from schemas.vocabulary import (
    ClockKind,
    CycleEnd,
    CyclePurpose,
    Indicator,
    ReplyResult,
    Role,
    Rung,
    StopOutcome,
)

Basis = Annotated[str, StringConstraints(min_length=1, max_length=120), DataClass.NONE]
"""A citation of a law, article or catalogue entry; never a citizen's words."""


class Actor(Strict):
    """Who said it: the role, and an opaque id within the role (a unit's id, a platform's name)."""

    role: Role
    id: Token


class RulebookRef(Strict):
    """The rules under which something was decided (Art. 18): file version and content hash."""

    jurisdiction: Token
    version: Token
    hash: Token


class Mark(Strict):
    """An instant before or after the due instant at which a rung of the reminder ladder is reached (Art. 10)."""

    rung: Rung
    at: Instant


class Clock(Strict):
    """One running clock of a ticket.

    `cycle` counts the legs of the ticket (dispatch to return, dispatch to reply, redo); a clock is named by
    kind and cycle. `provisional` says that the calendar has no official notice yet for a day up to `due_at`.
    """

    kind: ClockKind
    cycle: int = Field(ge=0)
    started_at: Instant
    due_at: Instant
    limit: Basis
    article: Basis
    calendar: Token
    provisional: bool = False
    marks: tuple[Mark, ...] = ()


class StoppedClock(Strict):
    """A clock that ended, and how; `late` is judged by times of happening, never by times of arrival."""

    kind: ClockKind
    cycle: int = Field(ge=0)
    due_at: Instant
    stopped_at: Instant
    outcome: StopOutcome


class Cycle(Strict):
    """One leg of a ticket in one unit's hands: dispatch to return, dispatch to reply, or redo to reply.

    `number` counts the legs of the ticket and names the leg's clocks. `due_at` is the newest due instant of its
    handling clock. When it ends: `breached` says whether that limit ran out before, `elapsed_seconds` how much working
    time the unit had it, up to the reply or to the return (the time of a return that is upheld counts for nobody; of
    one that is refused for the unit). `charged_to` is the unit that answers for the leg; nobody for one that was
    released before it was late: a co-handler's part that was no longer wanted, or a ticket that was merged.
    """

    number: int = Field(ge=1)
    unit: Token
    unit_group: Token
    purpose: CyclePurpose
    started_at: Instant
    due_at: Instant
    stopped_at: Instant | None = None
    end: CycleEnd | None = None
    breached: bool = False
    elapsed_seconds: int | None = Field(default=None, ge=0)
    charged_to: Token | None


class Attachment(Strict):
    """A file by reference (附件): SHA-256 of its bytes, kind and size in bytes. The bytes never pass through the mesh;
    whoever needs them fetches them from the store of the platform or unit, by the digest."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), DataClass.NONE]
    media_type: Annotated[
        str, StringConstraints(pattern=r"^(application|audio|image|text|video)/[a-z0-9.+-]{1,60}$"), DataClass.NONE
    ]
    size: int = Field(ge=0, le=1_000_000_000)


Attachments = Annotated[tuple[Attachment, ...], Field(max_length=20, exclude_if=lambda files: not files)]
"""The files that belong to a matter, a supplement or a reply; where there are none, nothing is written."""


class LimitOverride(Strict):
    """A limit that law or a superior order sets for this ticket (Art. 8): working days or a fixed instant."""

    working_days: int | None = Field(default=None, ge=1, le=250)
    due_at: Instant | None = None
    legal_basis: Basis

    @model_validator(mode="after")
    def _one_of_two(self) -> "LimitOverride":
        if (self.working_days is None) == (self.due_at is None):
            raise ValueError("give either working_days or due_at")
        return self


class Reply(Strict):
    """What is known of a unit's reply without its text, which lies in the vault under `content_ref` (Art. 12, 13).

    `template_digest` is a keyed hash of the normalised text: equal digests mean the same text was used again.
    `empty_phrases` counts phrases that promise nothing, found by the door before the text was sealed.
    `received_at` is when the door heard it, whatever time its sender claims; `evidence_at` when the newest evidence of
    the handling (photo, record of a talk) is dated.
    """

    content_ref: Token
    handler: Token | None = None
    responsible: Token | None = None
    result: ReplyResult
    basis: Basis | None = None
    points: int = Field(default=1, ge=1, le=50)
    points_answered: int = Field(default=1, ge=0, le=50)
    template_digest: Token
    empty_phrases: int = Field(default=0, ge=0)
    attachments: Attachments = ()
    received_at: Instant | None = None
    evidence_at: Instant | None = None


class DigestItem(Strict):
    """One reminder in a digest: the ticket's token, which clock, due when; nothing of the matter (Art. 13)."""

    reminder: Token
    ticket: Token
    clock: ClockKind
    clock_cycle: int = Field(ge=0)
    due_at: Instant


class IndicatorScore(Strict):
    """One number of an assessment (Art. 15): `rate` is `part` of `whole` in percent, None when nothing counted.

    `points` of at most `of` is what the unit's class gives for that rate; None for an indicator that it does not weigh,
    or of which nothing is known.
    """

    indicator: Indicator
    part: int = Field(ge=0)
    whole: int = Field(ge=0)
    rate: float | None
    points: float | None = None
    of: float | None = None


class ScoreChange(Strict):
    """Why a score was computed anew: what no longer counts, or counts otherwise, and the score before."""

    indicator: Indicator
    ticket: Token
    evidence: Token
    because: Token
    score_before: float | None
