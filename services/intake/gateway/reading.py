"""The routes that read: tickets, timelines, lists with a cursor, the status of a submission. From the ticket view."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from schemas.docs import CHINESE, meaning
from schemas.events import BY_TYPE
from services.core.door_catalogue import Refusal as Refused
from services.core.lifecycle.merging import LEADING
from services.core.lifecycle.repeating import repeat_id
from services.intake.front import Door
from services.intake.gateway.access import Access, Principal
from services.intake.gateway.guard import Guard, require
from services.intake.gateway.models import (
    Refusal,
    SubmissionStatus,
    TicketPage,
    TicketSummary,
    TicketToken,
    Timeline,
    TimelineEntry,
)
from services.intake.gateway.problems import ProblemError
from services.runtime.ticket_view import StoredFact, TicketView

MOST_CANDIDATES: Final = 50
FOR_CITIZENS: Final = frozenset(
    {
        "ticket.opened.v1", "ticket.diverted.v1", "ticket.answered.v1", "ticket.declined.v1", "ticket.held.v1",
        "refusal_review.requested.v1", "refusal.upheld.v1", "refusal.overturned.v1",
        "ticket.dispatched.v1", "ticket.signed.v1", "extension.granted.v1", "reply.submitted.v1", "reply.accepted.v1",
        "ticket.suspended.v1", "ticket.resumed.v1", "call.logged.v1",
        "contact.attempted.v1", "rating.recorded.v1", "ticket.redispatched.v1", "ticket.urged.v1",
        "ticket.supplemented.v1", "ticket.withdrawn.v1", "ticket.closed.v1", "ticket.reopened.v1",
        "ticket.merged.v1", "ticket.unmerged.v1", "reply.shared.v1",
    }
)  # fmt: skip
"""What the public timeline tells: what happened to the matter, not how offices and units argued about it."""


Received = Callable[[str], Mapping[int, str]]
"""Gives when the platform had each fact of a ticket, by the fact's number (result feedback, Art. 4)."""


@dataclass(frozen=True)
class Reader:
    """Answers from the view, within what a principal may see."""

    view: TicketView
    guard: Guard
    received: Received
    door: Door

    def ticket(self, principal: Principal, token: str) -> TicketSummary:
        """Give the ticket that `token` is handled as: its own, or the one that it was taken for an urge of.

        Raises the same 404 for one that is not there and one that is none of his business.
        """
        found = self.view.ticket(self.view.handled_as(token) or token)
        if found is None or not self._in_scope(principal, token, found):
            raise ProblemError(404, "unknown-ticket", "no such ticket, or none that you may see")
        return TicketSummary(**found)

    def _in_scope(self, principal: Principal, asked: str, ticket: dict[str, Any]) -> bool:
        match principal.access:
            case Access.PLATFORM:
                return str(ticket["platform"]) == principal.id or self.view.urged(principal.id, ticket["token"])
            case Access.UNIT:
                return self.view.had(principal.id, ticket["token"])
            case Access.CITIZEN:
                return asked == principal.ticket
            case _:
                return True

    def candidates(self, token: str) -> list[TicketSummary]:
        """Give tickets of others about the same matter that could answer for this one, eldest first."""
        same = self.door.policies.newest.rulebook.repeats.same_matter
        own = self.door.vault.fellows(token)
        found = self.view.like(token, same, LEADING, MOST_CANDIDATES + len(own))
        others = [TicketSummary(**row) for row in found if row["token"] not in own]
        return others[:MOST_CANDIDATES]

    def timeline(self, principal: Principal, token: str) -> Timeline:
        """Give the facts that the principal may see."""
        token = self.ticket(principal, token).token
        public = principal.access in {Access.CITIZEN, Access.PLATFORM}
        facts = [f for f in self.view.facts(token) if not public or f.type in FOR_CITIZENS]
        had = self.received(token)
        entries = [_entry(fact, had.get(fact.sequence), self._refusal(fact), public=public) for fact in facts]
        return Timeline(ticket=token, entries=entries)

    def _refusal(self, fact: StoredFact) -> Refused | None:
        """Give what the catalogue of that day says of a refusal."""
        if fact.type != "ticket.declined.v1":
            return None
        at = datetime.fromisoformat(fact.time)
        return self.door.policies.at(at).refusal(fact.data["code"], at)

    def status(self, ticket: str, submission: str) -> SubmissionStatus:
        """Give what became of a submission."""
        facts = self.view.caused_by(submission)
        handled = self.view.handled_as(ticket) or ticket
        if not facts and handled != ticket:
            ticket, facts = handled, self.view.caused_by(repeat_id(submission, handled))
        if not facts:
            return SubmissionStatus(submission=submission, ticket=ticket, state="pending")
        refused = next((f for f in facts if f.type == "command.refused.v1"), None)
        return SubmissionStatus(
            submission=submission, ticket=ticket, state="refused" if refused else "accepted",
            facts=[fact.type for fact in facts], decided_at=facts[0].time,
            refusal=Refusal(code=refused.data["code"], article=refused.data["article"]) if refused else None,
        )  # fmt: skip


def _entry(fact: StoredFact, received_at: str | None, refusal: Refused | None, *, public: bool) -> TimelineEntry:
    return TimelineEntry(
        sequence=fact.sequence, type=fact.type, time=fact.time, title=meaning(BY_TYPE[fact.type]),
        title_zh=CHINESE[fact.type], article=fact.data["article"], unit=fact.data.get("unit"),
        stage=fact.data.get("stage"), received_at=received_at, data=None if public else fact.data,
        told=refusal.told_en if refusal else None, told_zh=refusal.told_zh if refusal else None,
    )  # fmt: skip


def routes(reader: Reader) -> APIRouter:
    """Give the routes; plain functions, which FastAPI runs in threads of their own."""
    router = APIRouter(prefix="/v1")

    @router.get("/tickets", operation_id="list-tickets")
    def list_tickets(
        request: Request,
        cursor: Annotated[str, Query(max_length=80)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        stage: Annotated[str | None, Query(max_length=40)] = None,
        kind: Annotated[str | None, Query(max_length=40)] = None,
        category: Annotated[str | None, Query(max_length=80)] = None,
        area: Annotated[str | None, Query(max_length=80)] = None,
        merged_into: Annotated[str | None, Query(max_length=80)] = None,
    ) -> TicketPage:
        """List the tickets that you may see, in order of their tokens; `next` is the following cursor. 工单列表。"""
        principal = reader.guard.caller(request)
        require(principal, "list-tickets")
        wanted = {"stage": stage, "kind": kind, "category": category, "area": area, "merged_into": merged_into}
        filters = {name: value for name, value in wanted.items() if value is not None}
        if principal.access is Access.PLATFORM:
            filters["platform"] = principal.id
        unit = principal.id if principal.access is Access.UNIT else None
        found = reader.view.page(cursor, limit + 1, unit, filters)
        more = found[limit - 1]["token"] if len(found) > limit else None
        return TicketPage(tickets=[TicketSummary(**row) for row in found[:limit]], next=more)

    @router.get("/tickets/{ticket}", operation_id="read-ticket")
    def read_ticket(ticket: TicketToken, request: Request) -> TicketSummary:
        """Say where a ticket stands. 查询工单。"""
        principal = reader.guard.caller(request)
        require(principal, "read-ticket", ticket)
        return reader.ticket(principal, ticket)

    @router.get("/tickets/{ticket}/merge-candidates", operation_id="list-merge-candidates")
    def list_merge_candidates(ticket: TicketToken, request: Request) -> TicketPage:
        """List open tickets of other callers about the same matter, eldest first. 可并单工单。"""
        principal = reader.guard.caller(request)
        require(principal, "list-merge-candidates", ticket)
        reader.ticket(principal, ticket)
        return TicketPage(tickets=reader.candidates(ticket), next=None)

    @router.get("/tickets/{ticket}/timeline", operation_id="read-timeline")
    def read_timeline(ticket: TicketToken, request: Request) -> Timeline:
        """Tell what happened to a ticket: to citizens and platforms what concerns them. 办理过程。"""
        principal = reader.guard.caller(request)
        require(principal, "read-timeline", ticket)
        return reader.timeline(principal, ticket)

    @router.get("/tickets/{ticket}/submissions/{submission}", operation_id="read-submission")
    def read_submission(ticket: TicketToken, submission: str, request: Request) -> SubmissionStatus:
        """Say what became of a submission: pending, accepted, or refused under which rule. 提交结果。"""
        principal = reader.guard.caller(request)
        require(principal, "read-submission", ticket)
        return reader.status(ticket, submission)

    return router
