"""What the cast decides, how often which way, and how a test forces a way."""

import random
from collections.abc import Mapping
from typing import Final

from schemas.vocabulary import ContactOutcome, Rating, ReplyDefect

Script = Mapping[str, str]
"""Forced ways of one request: `{"course": "return", "course@2": "reply"}`. `@n` is the cycle of the fact that the
cast reacts to (1 is the first dispatch), for `contact` the attempt; a name without `@n` holds for every one."""

DECISIONS: Final[dict[str, dict[str, int]]] = {
    "sign": {"in_time": 920, "late": 60, "never": 20},
    "course": {"reply": 880, "return": 52, "return_too_late": 8, "extend": 55, "extend_too_late": 5},
    "handling": {"alone": 600, "joint": 400},
    "part": {"in_time": 780, "late": 80, "poor": 70, "asks_out": 70},
    "pace": {"usual": 940, "late": 60, "in_time": 0},
    "quality": {
        "good": 930,
        ReplyDefect.NO_HANDLER: 12,
        ReplyDefect.NO_RESPONSIBLE_PERSON: 10,
        ReplyDefect.POINTS_UNANSWERED: 12,
        ReplyDefect.REFUSAL_WITHOUT_BASIS: 10,
        ReplyDefect.EMPTY_PHRASES: 13,
        ReplyDefect.PROMISE_WITHOUT_RESULT: 13,
    },
    "second_reply": {"better": 900, "repeated": 100},
    "return_decision": {"upheld": 700, "refused": 300},
    "extension_decision": {"granted": 750, "refused": 150, "none": 100},
    "contact": {
        ContactOutcome.ANSWERED: 600,
        ContactOutcome.NO_ANSWER: 250,
        ContactOutcome.REFUSED: 80,
        ContactOutcome.WRONG_NUMBER: 70,
    },
    "rating": {
        Rating.SATISFIED: 650,
        Rating.BASICALLY_SATISFIED: 140,
        Rating.DISSATISFIED: 140,
        "silent": 70,
    },
    "judgement": {"justified": 550, "unjustified": 450},
    "explanation": {"in_time": 920, "late": 80},
    "withdrawal": {"none": 990, "withdrawn": 10},
    "reopening": {"none": 990, "reopened": 10},
}
"""Every decision of the cast and its ways, in per mille; a way of weight 0 is there for scripts only."""

BEHIND: Final[dict[str, int]] = {"reply": 650, "return": 52, "return_too_late": 8, "extend": 285, "extend_too_late": 5}
"""The courses of a unit that will need longer than its limit, as the data says: more of them ask for more time."""


class ScriptError(ValueError):
    """A script names a decision or a way that the cast does not know."""


def check_script(script: Mapping[str, Script]) -> None:
    """Raise `ScriptError` for a name or way that is not in `DECISIONS`, or an `@n` that is no number."""
    for upstream_id, forced in script.items():
        for key, way in forced.items():
            name, at, nth = key.partition("@")
            if name not in DECISIONS:
                raise ScriptError(f"{upstream_id}: no decision {name}; known: {', '.join(DECISIONS)}")
            if at and not nth.isdecimal():
                raise ScriptError(f"{upstream_id}: {key}: after @ comes a number, for instance {name}@2")
            if way not in DECISIONS[name]:
                raise ScriptError(f"{upstream_id}: {key}: no way {way}; known: {', '.join(DECISIONS[name])}")


def forced_way(forced: Script, name: str, nth: int) -> str | None:
    """Give the way that a script forces, the one for `nth` before the one for all."""
    return forced.get(f"{name}@{nth}", forced.get(name))


def drawn_way(dice: random.Random, weights: Mapping[str, int]) -> str:
    """Draw a way by weight."""
    return str(dice.choices(list(weights), list(weights.values()))[0])
