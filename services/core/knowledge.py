"""The knowledge base: general consultations that are answered at once, without a clock (Art. 8)."""

from pydantic import BaseModel, ConfigDict, RootModel


class KnowledgeArticle(BaseModel):
    """One article: the question as its title, and the answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    title_zh: str
    title_en: str
    category: str
    answer_zh: str


class KnowledgeBase(RootModel[tuple[KnowledgeArticle, ...]]):
    """All articles of a jurisdiction."""

    def match(self, title: str) -> KnowledgeArticle | None:
        """Give the article whose question this is, to the letter but for spaces."""
        asked = "".join(title.split())
        return next((a for a in self.root if "".join(a.title_zh.split()) == asked), None)
