"""Several callers, one matter, one handling; each keeps reply, revisit and rating (并单)."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Instant, Token
from schemas.facts.fact import Fact


class MergeFact(Fact):
    """What every fact of a merging says: which attempt of the child it is about (its number on the child)."""

    merging: int = Field(ge=1)


class MergeRequested(MergeFact):
    """The office wants it merged; until the parent has said yes nothing changes, and every clock goes on (并单).

    `case_due_at` is what the citizen is owed; of a ticket that was not dispatched yet, what it would be by now.
    """

    type: Literal["merge.requested.v1"] = "merge.requested.v1"
    parent: Token
    category: Token
    area: Token
    case_due_at: Instant
    extensions: int = Field(default=0, ge=0)


class MergeRefused(MergeFact):
    """The parent cannot answer for it; `code` says why, and the ticket is handled on its own as before (并单)."""

    type: Literal["merge.refused.v1"] = "merge.refused.v1"
    parent: Token
    code: Token


class MergeLapsed(MergeFact):
    """The parent said yes to an attempt that stands no more: it is let go again (并单)."""

    type: Literal["merge.lapsed.v1"] = "merge.lapsed.v1"
    parent: Token


class TicketMerged(MergeFact):
    """The parent's handling answers for this ticket: no clock of its own runs any more (并单)."""

    type: Literal["ticket.merged.v1"] = "ticket.merged.v1"
    parent: Token
    extensions: int = Field(default=0, ge=0)


class TicketUnmerged(MergeFact):
    """It is handled on its own again; its case clock goes on with the due instant that it had (拆分并单)."""

    type: Literal["ticket.unmerged.v1"] = "ticket.unmerged.v1"
    parent: Token
    reason: Token


class ReplyShared(MergeFact):
    """The parent's reply is this ticket's reply: its own revisit is open (Art. 9, 并单)."""

    type: Literal["reply.shared.v1"] = "reply.shared.v1"
    parent: Token
    content_ref: Token
    replied_at: Instant


class ExtensionCarried(MergeFact):
    """The matter was extended under the parent; the count is the matter's (Art. 8)."""

    type: Literal["extension.carried.v1"] = "extension.carried.v1"
    parent: Token
    count: int = Field(ge=1)


class ChildAttached(MergeFact):
    """This ticket's handling answers for the child, too; `extensions` is the larger count of the two (并单)."""

    type: Literal["child.attached.v1"] = "child.attached.v1"
    child: Token
    extensions: int = Field(default=0, ge=0)


class ChildRefused(MergeFact):
    """This ticket's handling cannot answer for the child; `code` says why (并单)."""

    type: Literal["child.refused.v1"] = "child.refused.v1"
    child: Token
    code: Token


class ChildDetached(MergeFact):
    """The child went its own way (拆分并单)."""

    type: Literal["child.detached.v1"] = "child.detached.v1"
    child: Token


MERGING: tuple[type[Fact], ...] = (
    MergeRequested,
    MergeRefused,
    MergeLapsed,
    TicketMerged,
    TicketUnmerged,
    ReplyShared,
    ExtensionCarried,
    ChildAttached,
    ChildRefused,
    ChildDetached,
)
"""Every fact of merging, the child's first."""
