"""Who read or erased personal data, in which role, for which reason: the audit trail. No personal data is in it."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Token


class Reason(StrEnum):
    """Why a person's data was read or erased; a closed list, so that no words about the person get in."""

    HANDLING = "handling"
    """The matter cannot be handled without it (办理需要)."""
    CALL_BACK = "call_back"
    """The citizen is to be reached (回访)."""
    REVIEW = "review"
    """A reply or a complaint about the hotline is reviewed (复核)."""
    LAWFUL_REQUEST = "lawful_request"
    """A court, the police or the supervisor asks under the law; `case` is the file number (依法调取)."""
    DATA_SUBJECT = "data_subject"
    """The person asks for it (本人申请, Personal Information Protection Law Art. 44-47)."""
    RETENTION = "retention"
    """The time for which it may be kept is over (保存期满)."""


AuditRole = Literal["office", "unit", "auditor", "operator"]


class Audited(Event):
    """What every record of the trail says: `subject` is the ticket's token, `by` the account of who did it."""

    by: Token
    role: AuditRole
    reason: Reason
    case: Token | None = None


class PiiRevealed(Audited):
    """These fields of a ticket were shown to somebody; written before they were (Art. 13)."""

    type: Literal["pii.revealed.v1"] = "pii.revealed.v1"
    fields: Annotated[tuple[Token, ...], Field(min_length=1)]


class PiiRefused(Audited):
    """Somebody asked to see personal data and was refused, under the rule `code` (Art. 7, 13)."""

    type: Literal["pii.refused.v1"] = "pii.refused.v1"
    fields: tuple[Token, ...]
    code: Token


class PiiErased(Audited):
    """The ticket's data key was destroyed: nothing sealed under it can be read again, in any copy."""

    type: Literal["pii.erased.v1"] = "pii.erased.v1"
    whole_person: bool = False


AUDIT: tuple[type[Event], ...] = (PiiRevealed, PiiRefused, PiiErased)
"""Everything on `pii-audit`."""
