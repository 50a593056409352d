"""The index of the knowledge base: rjieba cuts the Chinese words, SQLite's FTS5 ranks the wordings (BM25).

An answer at once ends a matter, so doubt means no answer: every word of the question that carries meaning must stand in
one wording of the article, and nearly all of that wording's words in the question. Editors widen an article by adding
wordings, never by loosening this.
"""

import sqlite3
import threading
from collections import Counter
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.core.knowledge import UPKEEP, KnowledgeArticle, KnowledgeBase

COVERED: Final = 0.7
"""Least share of a wording's words that the question must hold."""
CANDIDATES: Final = 20
_ASKING = """
请问 我 我们 我想 想 想问 问 问下 一下 咨询 你好 您好 怎么 怎么办 如何 怎样 什么 谁 由 由谁来 找 哪里 哪儿 哪
吗 呢 啊 吧 的 了 是 要 在 可以 能 能否 应 应当 应该 需要 去 到 来 里 有 和 与 及 把 被 给 用 办
"""
STOP_WORDS: Final = frozenset(_ASKING.split())
"""Words of asking, courtesy and grammar: they tell no question from another."""


def words(text: str) -> frozenset[str]:
    """Give the words of `text` that carry meaning."""
    import rjieba  # not above: it reads its dictionary, which every `hotline` command would wait for

    return frozenset(word for word in rjieba.cut(text) if word.isalnum() and word not in STOP_WORDS)


class KnowledgeIndex:
    """Finds articles by question; safe to use from several threads."""

    def __init__(self, base: KnowledgeBase, zone: ZoneInfo) -> None:
        self.base, self._zone = base, zone
        self._wordings = [(article, words(text)) for article in base.root for text in article.wordings]
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.execute("CREATE VIRTUAL TABLE wording USING fts5(words, tokenize = 'unicode61')")
        rows = ((number, " ".join(sorted(found))) for number, (_, found) in enumerate(self._wordings))
        self._db.executemany("INSERT INTO wording (rowid, words) VALUES (?, ?)", rows)

    def day_of(self, at: datetime) -> date:
        """Give the local day of an instant: articles hold by the day."""
        return at.astimezone(self._zone).date()

    def upkeep(self, at: datetime) -> dict[str, int]:
        """Count the articles per state of upkeep (Art. 15: knowledge base building)."""
        day = self.day_of(at)
        states = Counter(article.upkeep_on(day) for article in self.base.root)
        return {state: states[state] for state in UPKEEP}

    def _ranked(self, asked: frozenset[str]) -> list[tuple[KnowledgeArticle, frozenset[str]]]:
        if not asked:
            return []
        query = " OR ".join(f'"{word}"' for word in sorted(asked))
        with self._lock:
            found = self._db.execute(
                "SELECT rowid FROM wording WHERE wording MATCH ? ORDER BY bm25(wording), rowid LIMIT ?",
                (query, CANDIDATES),
            ).fetchall()
        return [self._wordings[number] for (number,) in found]

    def search(self, question: str, at: datetime) -> list[KnowledgeArticle]:
        """Give the articles in force at `at` that have words in common with `question`, the likeliest first."""
        day = self.day_of(at)
        found = {article.id: article for article, _ in self._ranked(words(question)) if article.answers_on(day)}
        return list(found.values())

    def match(self, question: str, at: datetime) -> KnowledgeArticle | None:
        """Give the article in force at `at` that answers `question`; None if none does, or several do."""
        asked, day = words(question), self.day_of(at)
        fitting = {
            article.id: article
            for article, wording in self._ranked(asked)
            if article.answers_on(day) and asked <= wording and len(asked) >= COVERED * len(wording)
        }
        return next(iter(fitting.values())) if len(fitting) == 1 else None
