"""Commands: what anyone wants to happen to a ticket. Imperative names; many writers, the router alone reads."""

from schemas.commands.assessing import (
    ASSESSING,
    DecideAccountability,
    DecideAppeal,
    ExcludeMeasure,
    RaiseAccountability,
    RequestAppeal,
)
from schemas.commands.clocks import CLOCKS, ClockSignal, PulseClock, SignalClocks
from schemas.commands.co_handling import CO_HANDLING, AssignCoHandlers, DecideCoReturn, RequestCoReturn, SubmitCoReply
from schemas.commands.coming_back import COMING_BACK, ReopenTicket, SupplementTicket, UrgeTicket, WithdrawTicket
from schemas.commands.command import Command
from schemas.commands.dispatching import (
    DISPATCHING,
    AssignTicket,
    DecideRefusalReview,
    DecideReturn,
    DeclineTicket,
    RequestRefusalReview,
    RequestReturn,
    SignTicket,
)
from schemas.commands.extending import EXTENDING, DecideExtension, RequestExtension
from schemas.commands.merging import (
    MERGING,
    AnswerMerge,
    AttachChild,
    CarryExtension,
    DetachChild,
    MergeTicket,
    Merging,
    ShareReply,
    UnmergeTicket,
)
from schemas.commands.opening import OPENING, OpenTicket, RepeatTicket
from schemas.commands.replying import REPLYING, LogCall, ReviewReply, SubmitReply
from schemas.commands.revisiting import (
    REVISITING,
    CloseTicket,
    JudgeDissatisfaction,
    LogContact,
    SubmitExplanation,
    SubmitRating,
)
from schemas.commands.suspending import SUSPENDING, DecideSuspension, RequestSuspension, ResumeTicket
from schemas.envelope import Event

__all__ = [
    "COMMANDS",
    "AnswerMerge",
    "AssignCoHandlers",
    "AssignTicket",
    "AttachChild",
    "CarryExtension",
    "ClockSignal",
    "CloseTicket",
    "Command",
    "DecideAccountability",
    "DecideAppeal",
    "DecideCoReturn",
    "DecideExtension",
    "DecideRefusalReview",
    "DecideReturn",
    "DecideSuspension",
    "DeclineTicket",
    "DetachChild",
    "ExcludeMeasure",
    "JudgeDissatisfaction",
    "LogCall",
    "LogContact",
    "MergeTicket",
    "Merging",
    "OpenTicket",
    "PulseClock",
    "RaiseAccountability",
    "ReopenTicket",
    "RepeatTicket",
    "RequestAppeal",
    "RequestCoReturn",
    "RequestExtension",
    "RequestRefusalReview",
    "RequestReturn",
    "RequestSuspension",
    "ResumeTicket",
    "ReviewReply",
    "ShareReply",
    "SignTicket",
    "SignalClocks",
    "SubmitCoReply",
    "SubmitExplanation",
    "SubmitRating",
    "SubmitReply",
    "SupplementTicket",
    "UnmergeTicket",
    "UrgeTicket",
    "WithdrawTicket",
]

COMMANDS: tuple[type[Event], ...] = (
    *OPENING,
    *DISPATCHING,
    *CO_HANDLING,
    *EXTENDING,
    *SUSPENDING,
    *REPLYING,
    *REVISITING,
    *COMING_BACK,
    *MERGING,
    *ASSESSING,
    *CLOCKS,
)
"""Every command, in the order of a ticket's life."""
