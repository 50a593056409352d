"""Emergencies by their words (Art. 2): which number a matter belongs to, found at the door before it is sealed.

A phrase alone says little: "last time I called 110" is no call for help. So a rule may want a second phrase beside
the first, names longer words that only look alike (`unless`), and every rule ignores a clause that speaks of the
past, of a drill or of a case that may come (`not_now`). Whatever matches is named by its rule, never by its words.
"""

import re
import unicodedata
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.envelope import Token

Phrase = Annotated[str, StringConstraints(min_length=2, max_length=20, pattern=r"^\S+$")]
_CLAUSE = re.compile(r"[,.;:!?。\n\r]+")
_SPACE = re.compile(r"[^\S\n\r]+")
_NOTHING = r"(?!)"


class EmergencyRule(BaseModel):
    """Phrases that mean one number: one of `any`, and if given one of `near` in the same clause; `unless` is masked."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Token
    number: Literal["110", "119", "120", "122"]
    any: tuple[Phrase, ...] = Field(min_length=1)
    near: tuple[Phrase, ...] = ()
    unless: tuple[Phrase, ...] = ()

    def matches(self, clause: str) -> bool:
        """Say whether a clause (without spaces) calls for this number."""
        for phrase in self.unless:
            clause = clause.replace(phrase, "\N{FULL BLOCK}")
        found = any(phrase in clause for phrase in self.any)
        return found and (not self.near or any(phrase in clause for phrase in self.near))


class EmergencyKeywords(BaseModel):
    """The rules of a jurisdiction in the order in which they are tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    not_now: tuple[Phrase, ...] = ()
    rules: tuple[EmergencyRule, ...] = ()

    def match(self, *texts: str) -> EmergencyRule | None:
        """Give the first rule that a clause of these texts meets."""
        if not any(self._said.search(_plain(text)) for text in texts):
            return None
        clauses = [clause for text in texts for clause in clauses_of(text)]
        now = [clause for clause in clauses if not any(phrase in clause for phrase in self.not_now)]
        return next((rule for rule in self.rules for clause in now if rule.matches(clause)), None)

    @cached_property
    def _said(self) -> re.Pattern[str]:
        """Find any phrase of `any` at all: without one no rule is met, and nearly every matter has none."""
        phrases = {phrase: None for rule in self.rules for phrase in rule.any}
        return re.compile("|".join(map(re.escape, phrases)) or _NOTHING)


def clauses_of(text: str) -> list[str]:
    """Split a text into clauses; width and spaces make no difference."""
    return [clause for clause in _CLAUSE.split(_plain(text)) if clause]


def _plain(text: str) -> str:
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))
