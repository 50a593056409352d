"""The knowledge base: consultations that are answered at once, without a clock (Art. 8), and its upkeep (Art. 15)."""

from datetime import date, datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationInfo, field_validator

UPKEEP = ("planned", "current", "to_review", "outdated")
"""How an article may stand: not in force yet, in force, in force but to be looked at again, no longer in force."""


class KnowledgeArticle(BaseModel):
    """One article: the question as its title, other wordings of it, the answer, who keeps it, and until when it holds.

    `owner` is a unit of the directory. `valid_until` is the last day on which it answers; from `review_by` on the owner
    should have looked at it again, and it answers on meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    title_zh: str
    title_en: str
    also_zh: tuple[str, ...] = ()
    category: str
    answer_zh: str
    owner: str
    valid_from: date
    valid_until: date | None = None
    review_by: date | None = None

    @field_validator("valid_until", "review_by")
    @classmethod
    def _not_before_it_holds(cls, day: date | None, info: ValidationInfo) -> date | None:
        first = info.data.get("valid_from")
        if day is not None and first is not None and day < first:
            raise ValueError(f"{day} is before the first day, {first}")
        return day

    @property
    def wordings(self) -> tuple[str, ...]:
        """Give every wording of the question, the title first."""
        return (self.title_zh, *self.also_zh)

    def answers_on(self, day: date) -> bool:
        """Say whether the article is in force on that (local) day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def upkeep_on(self, day: date) -> str:
        """Give `planned`, `current`, `to_review` or `outdated`: how the article stands on that day."""
        if self.answers_on(day):
            return "to_review" if self.review_by is not None and day >= self.review_by else "current"
        return "planned" if day < self.valid_from else "outdated"


class KnowledgeBase(RootModel[tuple[KnowledgeArticle, ...]]):
    """All articles of a jurisdiction."""

    root: tuple[KnowledgeArticle, ...] = Field(default=())

    @field_validator("root")
    @classmethod
    def _named_once(cls, articles: tuple[KnowledgeArticle, ...]) -> tuple[KnowledgeArticle, ...]:
        seen: set[str] = set()
        for article in articles:
            if article.id in seen:
                raise ValueError(f"{article.id} is listed twice")
            seen.add(article.id)
        return articles


class Answers(Protocol):
    """What knows the article that answers a question: an index over a knowledge base."""

    def match(self, question: str, at: datetime) -> KnowledgeArticle | None:
        """Give the article in force at `at` that answers `question`, if one does beyond doubt."""
