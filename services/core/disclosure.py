"""Who may read what of a ticket's sealed data (Art. 7, 13); pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.facts import Fact, TicketOpened
from schemas.vocabulary import Kind

MATTER = ("title", "content", "place", "texts")
"""What the matter is; `texts` are replies, explanations and what the citizen added."""
CONTACT = ("reporter.name", "reporter.phone", "reporter.address", "reporter.email")
IDENTITY = (*CONTACT, "reporter.id_number")
EVERYTHING = (*MATTER, *IDENTITY)
AGAINST_SOMEBODY = frozenset({Kind.COMPLAINT, Kind.REPORT})
"""Matters whose reporter the unit reported must never know. Who that is stands in the words only, and may be the unit
that handles it: so no unit is told; the office speaks to the reporter."""


@dataclass(frozen=True)
class Disclosure:
    """What may be shown, or under which code it is refused.

    `masked`: what identifies the reporter is struck out of the words as well.
    """

    fields: tuple[str, ...]
    code: str | None = None
    masked: bool = False


def disclosure(role: str, who: str, wanted: Sequence[str], facts: Sequence[Fact]) -> Disclosure:
    """Say what `who` may read of a ticket with these facts; one field too many refuses the whole request."""
    asked = tuple(wanted)
    if role == "office":
        return Disclosure(asked or EVERYTHING)
    if role != "unit":
        return Disclosure(asked, "role-reads-no-person")
    opened = next((fact for fact in facts if isinstance(fact, TicketOpened)), None)
    if opened is None or not any(who == fact.unit or who in getattr(fact, "co_handlers", ()) for fact in facts):
        return Disclosure(asked, "not-your-ticket")
    hidden = opened.kind in AGAINST_SOMEBODY or opened.secrecy_requested or opened.anonymous
    allowed = MATTER if hidden else (*MATTER, *CONTACT)
    if any(field not in allowed for field in asked):
        return Disclosure(asked, "reporter-kept-from-unit" if hidden else "not-needed-by-units")
    return Disclosure(asked or allowed, masked=hidden)


def struck_out(words: str, secrets: Sequence[str]) -> str:
    """Strike what identifies the reporter out of words."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        words = words.replace(secret, "‹withheld›")
    return words
