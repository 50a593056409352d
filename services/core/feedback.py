"""Result feedback (结果反馈, Art. 4): what a platform is told, in which words, when it is tried again. Pure."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json

from schemas.events import type_of
from schemas.facts import TICKET_FACTS, Fact, TicketOpened
from schemas.vocabulary import ClockKind, Role

MOVED: Final = "deadline.moved"
"""Any fact that gives the case clock another due instant, unless the platform asked for it under its own name."""
REFUSED: Final = "command.refused"
"""A wish of the platform itself that changed nothing; others' wishes are not its concern."""
DETAILS: Final[Mapping[str, tuple[str, ...]]] = {
    "ticket.opened": (),
    "ticket.diverted": ("call_number",),
    "ticket.answered": ("knowledge_article",),
    "ticket.declined": ("code", "channel", "reviewable"),
    "refusal_review.requested": ("reason",),
    "refusal.upheld": ("reason",),
    "refusal.overturned": ("reason",),
    "ticket.dispatched": (),
    "ticket.redispatched": (),
    "ticket.signed": ("deemed",),
    "extension.requested": ("reason",),
    "extension.granted": ("old_due_at", "new_due_at", "count"),
    "extension.refused": (),
    "reply.submitted": (),
    "reply.accepted": (),
    "rating.recorded": ("rating",),
    "ticket.urged": ("count",),
    "ticket.supplemented": (),
    "ticket.withdrawn": (),
    "ticket.closed": (
        "resolution", "rating", "deemed", "dispatched_at", "replied_at", "returns", "extensions", "breaches",
    ),
    "ticket.reopened": (),
    REFUSED: ("command", "code"),
    MOVED: (),
}  # fmt: skip
"""What a platform may be told, and what each says of its own; nothing of a person is in any of them (Art. 13)."""
USUAL: Final = (
    "ticket.diverted", "ticket.answered", "ticket.declined", "refusal.upheld", "refusal.overturned",
    "ticket.dispatched", "ticket.redispatched", "extension.requested", "extension.granted", "extension.refused", MOVED,
    "reply.submitted", "ticket.withdrawn", "ticket.closed", "ticket.reopened",
)  # fmt: skip
"""What a platform is told unless its file says otherwise."""
RETRY_SECONDS: Final = (5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Waits between tries: twelve tries over three days and four hours, so that a weekend's outage is outlasted."""
JITTER: Final = 0.2
_FAMILIES: Final = {type_of(cls): type_of(cls).rsplit(".", 1)[0] for cls in TICKET_FACTS}


def word_of(fact_type: str, events: Collection[str], *, moves: bool, asked_by: str | None = None) -> str | None:
    """Give the word under which a platform that asked for `events` is told of a fact; None if it is not.

    `moves`: the fact gave the case clock another due instant than it had. `asked_by`: the role whose wish it refused.
    """
    family = _FAMILIES.get(fact_type)
    if family == REFUSED and asked_by != Role.PLATFORM:
        return None
    if family in events:
        return family
    return MOVED if moves and MOVED in events else None


def case_due(started: Sequence[Mapping[str, Any]]) -> str | None:
    """Give the due instant of the case clock among the clocks that a fact started, as they stand in its JSON."""
    return next((str(clock["due_at"]) for clock in started if clock["kind"] == ClockKind.CASE), None)


def message(facts: Sequence[Fact], word: str, status_words: Mapping[str, str]) -> bytes:
    """Give the body that tells a platform of the last of `facts`, which are the ticket's from the first on.

    The same facts give the same bytes, at every try. `status_words` are the platform's own words for events.
    """
    opened, fact = facts[0], facts[-1]
    if not isinstance(opened, TicketOpened):
        raise TypeError("a ticket begins with ticket.opened")
    due = [clock.due_at for told in facts for clock in told.started if clock.kind is ClockKind.CASE]
    said = fact.model_dump(include=set(DETAILS[word]))
    reply = getattr(fact, "reply", None)
    data = {
        "ticket": fact.subject,
        "platform": opened.platform,
        "upstream_id": opened.upstream_id,
        "sequence": fact.sequence,
        "submission": fact.causation,
        "status": status_words.get(word, fact.stage.value),
        "stage": fact.stage.value,
        "kind": fact.kind.value,
        "generation": fact.generation,
        "round": fact.round,
        "unit": fact.unit,
        "opened_at": opened.time,
        "due_at": due[-1] if due else None,
        "accepted_by": opened.accepted_by.value,
        "article": fact.article,
        **({"result": reply.result.value} if reply is not None else {}),
        **said,
    }
    return to_json({"type": word, "timestamp": fact.time, "data": data})


def wait_seconds(delivery: str, attempts: int, waits: Sequence[float]) -> float | None:
    """Give how long to wait after the failed try number `attempts`; None after the last one.

    The jitter is derived from the delivery, so that a thousand failures of one second do not come back in one second,
    and a restarted process means the same instant.
    """
    if attempts > len(waits):
        return None
    digest = hashlib.sha256(f"{delivery}|{attempts}".encode()).digest()
    share = int.from_bytes(digest[:4]) / 2**32
    return waits[attempts - 1] * (1 - JITTER / 2 + JITTER * share)
