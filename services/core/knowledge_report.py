"""What the log says of the knowledge base: which answers helped, and which questions it could not answer (Art. 15)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from schemas.facts import Fact, RatingRecorded, TicketAnswered, TicketOpened
from schemas.vocabulary import Kind, Rating
from services.core.knowledge import KnowledgeArticle, KnowledgeBase


class ArticleUse(BaseModel):
    """One article: how it stands, how often it answered, and what the citizens said of that."""

    model_config = ConfigDict(frozen=True)
    id: str
    owner: str
    state: str
    answered: int
    rated: int
    helped: int
    last_at: datetime | None


class Unanswered(BaseModel):
    """Consultations of one category that no article answered, and how many did get an answer at once."""

    model_config = ConfigDict(frozen=True)
    category: str
    asked: int
    answered: int
    articles: int


class KnowledgeReport(BaseModel):
    """The report: articles in the order of the file, categories by how many went unanswered."""

    model_config = ConfigDict(frozen=True)
    day: date
    consultations: int
    answered: int
    articles: tuple[ArticleUse, ...]
    categories: tuple[Unanswered, ...]


def _use(article: KnowledgeArticle, lives: Sequence[Sequence[Fact]], day: date) -> ArticleUse:
    said = [(fact, life) for life in lives for fact in life if isinstance(fact, TicketAnswered)]
    mine = [(fact.time, life) for fact, life in said if fact.knowledge_article == article.id]
    ratings = [_verdict(life) for _, life in mine]
    return ArticleUse(
        id=article.id,
        owner=article.owner,
        state=article.upkeep_on(day),
        answered=len(mine),
        rated=sum(verdict is not None for verdict in ratings),
        helped=sum(verdict is not None and verdict is not Rating.DISSATISFIED for verdict in ratings),
        last_at=max((at for at, _ in mine), default=None),
    )


def _verdict(life: Sequence[Fact]) -> Rating | None:
    """Give the rating of an answer given at once: the first one, for a matter that went on may be rated again."""
    return next((fact.rating for fact in life if isinstance(fact, RatingRecorded)), None)


def report(base: KnowledgeBase, lives: Iterable[Sequence[Fact]], day: date) -> KnowledgeReport:
    """Count over the facts of tickets, a sequence each in their order, as articles stand on `day`.

    Questions lie sealed in the vault, so what went unanswered is told by category.
    """
    told = list(lives)
    asked: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for life in told:
        if life and isinstance(life[0], TicketOpened) and life[0].kind is Kind.CONSULTATION:
            asked[life[0].category] += 1
            answered[life[0].category] += any(isinstance(fact, TicketAnswered) for fact in life)
    articles = Counter(article.category for article in base.root if article.answers_on(day))
    categories = [
        Unanswered(category=name, asked=asked[name], answered=answered[name], articles=articles[name])
        for name in sorted(asked, key=lambda name: (answered[name] - asked[name], name))
        if asked[name] > answered[name]
    ]
    return KnowledgeReport(
        day=day,
        consultations=asked.total(),
        answered=answered.total(),
        articles=tuple(_use(article, told, day) for article in base.root),
        categories=tuple(categories),
    )
