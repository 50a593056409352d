"""Ask for more time and decide on it (延期, Art. 8)."""

from typing import Literal

from schemas.commands.command import Command
from schemas.envelope import Token


class RequestExtension(Command):
    """The unit asks for more time before its deadline, with a reason (Art. 8)."""

    type: Literal["extension.request.v1"] = "extension.request.v1"
    reason: Token


class DecideExtension(Command):
    """The hotline body that accepted the ticket grants or refuses more time (Art. 8)."""

    type: Literal["extension.decide.v1"] = "extension.decide.v1"
    granted: bool


EXTENDING: tuple[type[Command], ...] = (RequestExtension, DecideExtension)
