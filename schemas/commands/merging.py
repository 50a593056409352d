"""Put tickets about the same matter into one handling, and take them out again (并单)."""

from typing import Literal

from pydantic import Field

from schemas.commands.command import Command
from schemas.envelope import Instant, Token


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


MERGING: tuple[type[Command], ...] = (
    MergeTicket,
    UnmergeTicket,
    AttachChild,
    DetachChild,
    AnswerMerge,
    ShareReply,
    CarryExtension,
)
