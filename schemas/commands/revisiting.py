"""Reach the citizen, evaluate, judge, explain, close (回访, Art. 9)."""

from typing import Literal

from pydantic import Field

from schemas.commands.command import Command
from schemas.envelope import Token
from schemas.vocabulary import Channel, ContactOutcome, Rating, Resolution


class LogContact(Command):
    """One attempt to reach the citizen was made (Art. 9)."""

    type: Literal["contact.log.v1"] = "contact.log.v1"
    attempt: int = Field(ge=1)
    channel: Channel
    outcome: ContactOutcome


class SubmitRating(Command):
    """The citizen evaluates the handling (Art. 9)."""

    type: Literal["rating.submit.v1"] = "rating.submit.v1"
    rating: Rating


class JudgeDissatisfaction(Command):
    """The office decides whether dissatisfaction is justified (Art. 9)."""

    type: Literal["dissatisfaction.judge.v1"] = "dissatisfaction.judge.v1"
    justified: bool
    reason: Token


class SubmitExplanation(Command):
    """The unit has explained to the citizen why nothing more can be done (Art. 9)."""

    type: Literal["explanation.submit.v1"] = "explanation.submit.v1"
    content_ref: Token


class CloseTicket(Command):
    """Revisit finds the conditions of closing fulfilled (Art. 9)."""

    type: Literal["ticket.close.v1"] = "ticket.close.v1"
    resolution: Resolution


REVISITING: tuple[type[Command], ...] = (LogContact, SubmitRating, JudgeDissatisfaction, SubmitExplanation, CloseTicket)
