"""Merging (并单): several callers, one matter, one handling; each caller keeps a reply, a revisit and a rating.

A saga between two tickets that lie in different partitions (docs/adr/0006): the child asks, the parent agrees, only
then the child's clocks stop. So at any moment either the child's own clocks run, or a parent has said that it answers
for it. `merging` numbers the child's attempts: what belongs to an attempt that stands no more undoes itself.
"""

from datetime import datetime

from schemas.commands import (
    AnswerMerge,
    AttachChild,
    CarryExtension,
    DetachChild,
    MergeTicket,
    Merging,
    ShareReply,
    UnmergeTicket,
)
from schemas.facts import (
    ChildAttached,
    ChildDetached,
    ChildRefused,
    ExtensionCarried,
    MergeLapsed,
    MergeRefused,
    MergeRequested,
    ReplyShared,
    TicketMerged,
    TicketUnmerged,
)
from schemas.vocabulary import ClockKind, CycleEnd, Role, Stage
from services.core import clocks, cycles
from services.core.decision import Decision
from services.core.directory import Unit
from services.core.lifecycle.actors import from_role
from services.core.lifecycle.closing import LIMITS
from services.core.lifecycle.dispatching import accept
from services.core.lifecycle.revision import revise
from services.core.lifecycle.verdicts import breach, settle
from services.core.ticket import Child
from services.core.transitions import OPEN_STAGES

MERGEABLE = (Stage.HELD, Stage.QUEUED, Stage.DISPATCHED, Stage.IN_PROGRESS)
"""Stages in which a ticket may be merged into another: before its unit has said anything that needs an answer."""
LEADING = (*MERGEABLE, Stage.DISPUTED)
"""Stages in which a ticket may take another in: before the reply, which is to be written for all of them."""


def merge_ticket(d: Decision, command: MergeTicket) -> Decision:
    """The office wants this ticket merged into another, which is asked; nothing changes until it has agreed."""
    ticket, article = d.known, d.policy.rulebook.repeats.article
    if code := from_role(d, (Role.OFFICE,), *MERGEABLE):
        return d.refuse(code, article)
    if command.parent == ticket.id:
        return d.refuse("same-ticket", article)
    if ticket.children:
        return d.refuse("others-are-merged-into-it", article)
    return d.then(
        MergeRequested,
        article,
        parent=command.parent,
        merging=ticket.sequence + 1,
        category=ticket.category,
        area=ticket.area,
        case_due_at=_owed_by(d),
        extensions=ticket.extensions,
    )


def _owed_by(d: Decision) -> datetime:
    """Give when the citizen is owed the reply: of a ticket not dispatched yet, as if it went out now."""
    if d.known.case_due_at is not None:
        return d.known.case_due_at
    return clocks.handling_clock(ClockKind.CASE, d.known, 0, d.command.time, d.policy).due_at


def attach_child(d: Decision, command: AttachChild) -> Decision:
    """Answer for the child, or say why not. A late copy of what was agreed changes nothing."""
    ticket, article = d.known, d.policy.rulebook.repeats.article
    if command.actor.role is not Role.SERVICE:
        return d.refuse("not-entitled", article)
    if Child(ticket=command.child, merging=command.merging) in ticket.children:
        return d
    if code := _unfit(d, command):
        return d.then(ChildRefused, article, child=command.child, merging=command.merging, code=code)
    extensions = max(ticket.extensions, command.extensions)  # of the one matter that they are from now on (Art. 8)
    return d.then(ChildAttached, article, child=command.child, merging=command.merging, extensions=extensions)


def _unfit(d: Decision, command: AttachChild) -> str | None:
    """Give a code unless this ticket may answer for the child: a citizen never waits longer because of it."""
    ticket, rules = d.known, d.policy.rulebook.repeats
    if ticket.stage not in LEADING:
        return f"not-in-stage-{ticket.stage}"
    if ticket.merging:
        return "is-merged-itself"
    if not rules.agree(
        {"category": ticket.category, "area": ticket.area, "unit": ticket.unit},
        {"category": command.category, "area": command.area, "unit": command.unit},
    ):
        return "another-matter"
    if _owed_by(d) > command.case_due_at:
        return "due-later-than-the-child"
    return "too-many-merged" if len(ticket.children) >= rules.max_merged else None


def detach_child(d: Decision, command: DetachChild) -> Decision:
    """Let the child go."""
    article = d.policy.rulebook.repeats.article
    if command.actor.role is not Role.SERVICE:
        return d.refuse("not-entitled", article)
    if Child(ticket=command.child, merging=command.merging) not in d.known.children:
        return d
    return d.then(ChildDetached, article, child=command.child, merging=command.merging)


def answer_merge(d: Decision, command: AnswerMerge) -> Decision:
    """The parent agreed: merge, if the attempt still stands. It does not, or does no more: handle it on its own."""
    ticket, article = d.known, d.policy.rulebook.repeats.article
    if command.actor.role is not Role.SERVICE:
        return d.refuse("not-entitled", article)
    stands = _stands(d, command, command.parent)
    if command.code is not None:
        if stands and ticket.stage is Stage.MERGED:
            return _unmerge(d, command.code)
        if not stands:
            return d
        return d.then(MergeRefused, article, parent=command.parent, merging=command.merging, code=command.code)
    if stands and ticket.stage is Stage.MERGED:
        return d
    if stands and ticket.stage in MERGEABLE:
        return _merge(d, command.extensions)
    return d.then(MergeLapsed, article, parent=command.parent, merging=command.merging)


def _stands(d: Decision, command: Merging, parent: str) -> bool:
    return (d.known.merging, d.known.parent) == (command.merging, parent)


def _merge(d: Decision, extensions: int) -> Decision:
    """Stop every clock: what was missed before is kept, and nothing is owed any more but by the parent's unit."""
    at = d.command.time
    d = settle(d, at, *LIMITS)
    ticket = d.known
    return d.then(
        TicketMerged,
        d.policy.rulebook.repeats.article,
        stage=Stage.MERGED,
        vacant=True,
        parent=ticket.parent,
        merging=ticket.merging,
        extensions=max(ticket.extensions, extensions),
        stopped=clocks.cancel_all(ticket, at),
        cycles=cycles.end_all(ticket, at, CycleEnd.RELEASED, d.policy),
    )


def unmerge_ticket(d: Decision, command: UnmergeTicket) -> Decision:
    """The office takes it out again."""
    if code := from_role(d, (Role.OFFICE,), Stage.MERGED):
        return d.refuse(code, d.policy.rulebook.repeats.article)
    return _unmerge(d, command.reason)


def _unmerge(d: Decision, reason: str) -> Decision:
    """Dispatch it anew; the citizen's clock goes on, due when it was due: it never starts again (Art. 8)."""
    ticket, at = d.known, d.command.time
    case = ticket.case_clock
    d = d.then(
        TicketUnmerged,
        d.policy.rulebook.repeats.article,
        stage=Stage.OPENED,
        parent=ticket.parent,
        merging=ticket.merging,
        reason=reason,
        started=(clocks.ahead(case, at),) if case else (),
    )
    d = _missed_meanwhile(_learned_meanwhile(d, at), at)
    return accept(d)


def _learned_meanwhile(d: Decision, at: datetime) -> Decision:
    """Decide the citizen's clock again under each notice that became known while another ticket answered for this one.

    It is decided when that was known, as if the clock had run: a date that a notice moved was not missed.
    """
    case = d.known.clock(ClockKind.CASE)
    for known_from in d.policies.known_since(case.calendar, at) if case else ():
        case = d.known.clock(ClockKind.CASE)
        d = revise(d.as_of(known_from), case) if case else d
    return d.as_of(at)


def _missed_meanwhile(d: Decision, at: datetime) -> Decision:
    case = d.known.clock(ClockKind.CASE)
    late = case is not None and case.due_at < at and d.known.breached(case.kind, case.cycle, case.due_at) is None
    return breach(d, case) if case is not None and late else d


def share_reply(d: Decision, command: ShareReply) -> Decision:
    """The parent's reply passed review: this caller's own revisit and rating begin (Art. 9)."""
    if command.actor.role is not Role.SERVICE:
        return d.refuse("not-entitled", "Art. 9")
    if not _stands(d, command, command.parent):
        return d
    if d.known.stage in MERGEABLE:  # the parent's consent comes behind its reply
        d = _merge(d, 0)
    if d.known.stage is not Stage.MERGED:
        return d
    policy = d.policy
    unknown = Unit(id=command.unit, name_zh=command.unit, name_en=command.unit, group=command.unit_group)
    rating = clocks.start_clock(
        ClockKind.RATING, d.known.cycle, command.time, policy.rulebook.revisit.rating_window, policy
    )
    return d.then(
        ReplyShared,
        "Art. 9",
        stage=Stage.REVISITING,
        unit=policy.directory.unit(command.unit) or unknown,
        parent=command.parent,
        merging=command.merging,
        content_ref=command.content_ref,
        replied_at=command.replied_at,
        started=(rating,),
    )


def carry_extension(d: Decision, command: CarryExtension) -> Decision:
    """The count belongs to the matter: it survives merging, and taking out again (Art. 8)."""
    if command.actor.role is not Role.SERVICE:
        return d.refuse("not-entitled", "Art. 8")
    if command.count <= d.known.extensions or d.known.stage not in OPEN_STAGES:
        return d
    return d.then(ExtensionCarried, "Art. 8", parent=command.parent, merging=command.merging, count=command.count)
