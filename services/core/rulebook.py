"""The rulebook: every limit and switch of the rules as validated data, effective-dated and hashed (Art. 17, 18).

`services.runtime.policy_files` reads the files; here they are only validated. A decision records `ref`.
"""

import hashlib
import json
from datetime import date
from functools import cached_property
from itertools import combinations
from typing import Literal

from pydantic import Field, field_validator, model_validator

from schemas.values import RulebookRef
from schemas.vocabulary import Kind
from services.core.rule import HoursRule, Rule
from services.core.rulebook_articles import (
    CoHandlingRule,
    DispatchRule,
    KindRule,
    RefusalRule,
    ReminderRule,
    RepeatRule,
    ReplyReviewRule,
    ReturnRule,
    RevisitRule,
    SignRule,
    StatutoryLimit,
    SuspensionRule,
)
from services.core.scoring_rules import ScoringRule


class Rulebook(Rule):
    """All rules of one jurisdiction from `effective_from` on."""

    jurisdiction: str
    version: str
    title_zh: str
    title_en: str
    source: str
    effective_from: date
    effective_until: date | None = Field(default=None, description="the next rulebook's first day, if it is known")
    applies_to_running: bool = Field(default=False, description="also governs clocks that run on its first day")
    calendar: str
    directory: str
    day_end: Literal["close_of_office", "same_time", "midnight"] = "close_of_office"
    upstream_buffer: HoursRule
    kinds: dict[Kind, KindRule]
    tiers: dict[str, KindRule] = Field(default={}, description="urgency tiers, which categories of the directory name")
    citations: dict[str, str] = Field(default={}, description="what this jurisdiction cites instead of an article")
    statutory_limits: tuple[StatutoryLimit, ...] = ()
    suspension: SuspensionRule = SuspensionRule()
    refusals: RefusalRule = RefusalRule()
    reply_review: ReplyReviewRule = ReplyReviewRule()
    dispatch: DispatchRule
    sign: SignRule
    return_: ReturnRule = Field(alias="return")
    co_handling: CoHandlingRule = CoHandlingRule()
    revisit: RevisitRule
    reminders: ReminderRule
    scoring: ScoringRule
    repeats: RepeatRule = RepeatRule()

    @field_validator("kinds")
    @classmethod
    def _every_kind_has_a_limit(cls, kinds: dict[Kind, KindRule]) -> dict[Kind, KindRule]:
        missing = [kind.value for kind in Kind if kind not in kinds]
        if missing:
            raise ValueError(f"kinds without a limit: {', '.join(missing)}")
        return kinds

    @field_validator("statutory_limits")
    @classmethod
    def _one_law_for_a_matter(cls, limits: tuple[StatutoryLimit, ...]) -> tuple[StatutoryLimit, ...]:
        for one, other in combinations(limits, 2):
            if one.clashes(other):
                raise ValueError(f"two limits for {one.category}: {one.legal_basis} and {other.legal_basis}")
        return limits

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "Rulebook":
        if self.effective_until is not None and self.effective_until <= self.effective_from:
            raise ValueError(f"effective_until {self.effective_until} is not after {self.effective_from}")
        return self

    @cached_property
    def hash(self) -> str:
        """Give the SHA-256 of the canonical content, shortened to 16 hex digits.

        A key at its default is left out: a new switch changes no hash of a rulebook that does not know it.
        """
        content = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def cite(self, article: str) -> str:
        """Give what stands for an article of the model rules (those of Weixi) in this jurisdiction's own."""
        return self.citations.get(article, article)

    @cached_property
    def ref(self) -> RulebookRef:
        """Give what a decision records of the rulebook."""
        return RulebookRef(jurisdiction=self.jurisdiction, version=self.version, hash=self.hash)
