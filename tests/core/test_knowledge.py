"""Articles of the knowledge base: when they hold, when they should be looked at again (Art. 8, 15)."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from services.core.knowledge import UPKEEP, KnowledgeArticle, KnowledgeBase

ARTICLE: dict[str, Any] = {
    "id": "K-1", "title_zh": "如何办理", "title_en": "How", "category": "other", "answer_zh": "-", "owner": "U-1",
    "valid_from": date(2026, 3, 2), "review_by": date(2026, 6, 1), "valid_until": date(2026, 9, 30),
}  # fmt: skip


@pytest.mark.parametrize(
    ("day", "state", "answers"),
    [
        (date(2026, 3, 1), "planned", False),
        (date(2026, 3, 2), "current", True),
        (date(2026, 5, 31), "current", True),
        (date(2026, 6, 1), "to_review", True),
        (date(2026, 9, 30), "to_review", True),
        (date(2026, 10, 1), "outdated", False),
    ],
)
def test_an_article_answers_from_its_first_to_its_last_day(day: date, state: str, answers: bool) -> None:
    article = KnowledgeArticle.model_validate(ARTICLE)
    assert (state, answers) == (article.upkeep_on(day), article.answers_on(day))
    assert state in UPKEEP


def test_an_article_without_an_end_answers_for_ever_and_is_never_to_be_reviewed() -> None:
    article = KnowledgeArticle.model_validate(ARTICLE | {"valid_until": None, "review_by": None})
    assert "current" == article.upkeep_on(date(2099, 1, 1))


@pytest.mark.parametrize("field", ["valid_until", "review_by"])
def test_an_article_that_ends_before_it_begins_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match="2026-03-01 is before the first day, 2026-03-02"):
        KnowledgeArticle.model_validate(ARTICLE | {field: date(2026, 3, 1)})
    KnowledgeArticle.model_validate(ARTICLE | {field: date(2026, 3, 2)})


def test_two_articles_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="K-1 is listed twice"):
        KnowledgeBase.model_validate([ARTICLE, ARTICLE])
