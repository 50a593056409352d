"""What the gateway takes and gives, beside the bodies of actions: submissions, receipts, tickets, timelines."""

from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import BaseModel, Field, create_model

from schemas.envelope import Instant, Token
from schemas.upstream import UpstreamTicketSubmitted
from services.intake.door import TICKET_TOKEN
from services.intake.form import STRICT, fields

_TAKEN: Final[dict[str, Any]] = {
    name: field for name, field in fields(UpstreamTicketSubmitted).items() if name != "platform"
}
Submission = create_model(
    "Submission", __config__=STRICT,
    __doc__="A matter that a platform hands down (Art. 4). `id` names the message: the same id is the same message.",
    id=(Token | None, Field(default=None, description="the platform's message id; default: the upstream_id")),
    time=(Instant | None, Field(default=None, description="when the citizen spoke; default: now")),
    **_TAKEN,
)  # fmt: skip


class Receipt(BaseModel):
    """Taken: Kafka has it. `submission` is where to ask what became of it."""

    ticket: str
    submission: str
    status_url: str


class ItemResult(BaseModel):
    """What became of one member of a batch: a receipt, or a problem."""

    index: int
    status: int
    receipt: Receipt | None = None
    problem: dict[str, Any] | None = None


class BatchResult(BaseModel):
    """The results of a batch, in its order."""

    results: list[ItemResult]


class Refusal(BaseModel):
    """Why a command changed nothing: a stable code and the rule."""

    code: str
    article: str


class SubmissionStatus(BaseModel):
    """What became of a submission: `pending` until the router has spoken."""

    submission: str
    ticket: str
    state: Literal["pending", "accepted", "refused"]
    facts: list[str] = []
    refusal: Refusal | None = None
    decided_at: str | None = None


class TicketSummary(BaseModel):
    """Where a ticket stands, in codes of the directory; no personal data."""

    token: str
    platform: str
    upstream_id: str
    kind: str
    category: str
    area: str
    channel: str
    opened_at: str
    stage: str
    unit: str | None
    generation: int
    sequence: int
    changed_at: str
    merged_into: str | None = Field(default=None, description="whose handling answers for it (并单)")


class TicketPage(BaseModel):
    """A page of tickets; `next` is the cursor of the following page, null on the last."""

    tickets: list[TicketSummary]
    next: str | None


class TimelineEntry(BaseModel):
    """One fact of a ticket. Citizens see what concerns them; the others see every fact with its clocks and rule.

    `received_at` is when the platform confirmed that it was told (result feedback, Art. 4).
    """

    sequence: int
    type: str
    time: str
    title: str
    title_zh: str
    article: str
    unit: str | None = None
    stage: str | None = None
    received_at: str | None = None
    told: str | None = Field(default=None, description="what the caller is told of a refusal")
    told_zh: str | None = None
    data: dict[str, Any] | None = None


class Timeline(BaseModel):
    """The facts of a ticket, in order."""

    ticket: str
    entries: list[TimelineEntry]


TicketToken = Annotated[str, Path(pattern=TICKET_TOKEN.pattern)]
IdempotencyKey = Annotated[str, Field(min_length=8, max_length=80, pattern=r"^[A-Za-z0-9._:-]+$")]
