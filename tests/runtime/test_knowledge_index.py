"""Which article answers which question: an answer at once ends a matter, so doubt means no answer (Art. 8)."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.core.knowledge import KnowledgeArticle, KnowledgeBase
from services.runtime.knowledge_index import KnowledgeIndex

AT = datetime(2026, 9, 23, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("路灯坏了由谁来修?", "KB-STREET-LIGHT"),
        ("您好,请问路灯坏了找谁修啊?", "KB-STREET-LIGHT"),
        ("路灯坏了 怎么修", "KB-STREET-LIGHT"),
        ("怎么预约上门清运大件垃圾?", "KB-BULKY-BOOKING"),
        ("大件垃圾可以放在哪里?", "KB-BULKY-PLACE"),
        ("我想问一下建筑垃圾应当倒在哪里", "KB-RUBBLE"),
        ("居民养老保险如何参保", "KB-PENSION"),
        # what comes near, and is another question
        ("小区路灯坏了由谁来修?", None),
        ("路灯坏了三天没人修", None),
        ("路灯什么时候亮?", None),
        ("投诉:大件垃圾预约上门清运三次都没人来", None),
        ("灵活就业人员养老保险怎么参保", None),
        ("大件垃圾", None),
        ("怎么办?", None),
        ("", None),
        ('" OR wording MATCH "', None),
    ],
)
def test_a_question_is_answered_only_beyond_doubt(
    knowledge: KnowledgeIndex, question: str, article: str | None
) -> None:
    found = knowledge.match(question, AT)
    assert article == (found.id if found else None)


def test_a_question_that_two_articles_answer_is_answered_by_none() -> None:
    def article(name: str, wording: str) -> KnowledgeArticle:
        return KnowledgeArticle(
            id=name,
            title_zh=wording,
            title_en="-",
            category="other",
            answer_zh="-",
            owner="U",
            valid_from=date(2026, 1, 1),
        )

    one = article("K-1", "身份证丢失怎么补办?")
    index = KnowledgeIndex(KnowledgeBase((one, article("K-2", "如何补办丢失身份证"))), ZoneInfo("Asia/Shanghai"))
    assert index.match("身份证丢失如何补办", AT) is None
    assert {"K-1", "K-2"} == {found.id for found in index.search("身份证丢失如何补办", AT)}
    alone = KnowledgeIndex(KnowledgeBase((one,)), ZoneInfo("Asia/Shanghai"))
    assert one == alone.match("身份证丢失如何补办", AT)


def test_what_comes_near_is_shown_the_likeliest_first(knowledge: KnowledgeIndex) -> None:
    near = [article.id for article in knowledge.search("小区大件垃圾怎么预约", AT)]
    assert "KB-BULKY-BOOKING" == near[0]
    assert {"KB-BULKY-PLACE"} < set(near)


def test_days_are_those_of_the_county() -> None:
    article = KnowledgeArticle(
        id="K-1", title_zh="身份证怎么补办", title_en="-", category="other", answer_zh="-", owner="U",
        valid_from=date(2026, 9, 23),
    )  # fmt: skip
    index = KnowledgeIndex(KnowledgeBase((article,)), ZoneInfo("Asia/Shanghai"))
    first_moment = datetime(2026, 9, 22, 16, tzinfo=UTC)  # midnight in the county
    assert article == index.match("身份证怎么补办", first_moment)
    assert index.match("身份证怎么补办", first_moment.replace(hour=15, minute=59)) is None
    assert {"planned": 1, "current": 0, "to_review": 0, "outdated": 0} == index.upkeep(first_moment.replace(hour=15))
