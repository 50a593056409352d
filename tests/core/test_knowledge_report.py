"""What the log says of the knowledge base (Art. 15): which answers helped, what went unanswered."""

from datetime import date
from pathlib import Path

from services.core.knowledge_report import report
from services.core.lifecycle.decide import decide
from services.core.policy import Policies
from services.intake.door import actor_command, open_command
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.policy_files import load_knowledge
from tests.builders import at, opens
from tests.services.test_door import submitted

DAY = date(2026, 9, 30)


def life(policies: Policies, knowledge: KnowledgeIndex, name: str, title: str, rated: str = "", **more: str) -> list:
    said = submitted(id=name, upstream_id=name, kind="consultation", title=title, **more)
    first = decide(None, open_command(said, f"T-{name}", policies.newest.directory, knowledge).command, policies)
    if not rated:
        return list(first.facts)
    message = {
        "id": f"r-{name}", "source": "/citizen/c", "type": "rating.submit.v1", "subject": f"T-{name}",
        "time": at("Wed 2026-09-23 10:00").isoformat(),
        "data": {"rating": rated, "actor": {"role": "citizen", "id": "c"}},
    }  # fmt: skip
    return [*first.facts, *decide(first.ticket, actor_command(message, b"k").command, policies).facts]


def test_the_report_counts_answers_ratings_and_what_went_unanswered(
    policies: Policies, knowledge: KnowledgeIndex
) -> None:
    lamp = "路灯坏了由谁来修?"
    lives = [
        life(policies, knowledge, "a", lamp, "satisfied"),
        life(policies, knowledge, "b", lamp, "dissatisfied"),
        life(policies, knowledge, "c", lamp),
        life(policies, knowledge, "d", "路灯什么时候亮?"),
        life(policies, knowledge, "e", "医保怎么转移?", category="social-security"),
    ]
    found = report(knowledge.base, lives, DAY)
    assert (5, 3) == (found.consultations, found.answered)
    used = next(use for use in found.articles if use.id == "KB-STREET-LIGHT")
    assert ("U-LIGHTING", "current", 3, 2, 1) == (used.owner, used.state, used.answered, used.rated, used.helped)
    assert at("Wed 2026-09-23 09:00") == used.last_at
    assert {0} == {use.answered for use in found.articles if use.id != "KB-STREET-LIGHT"}
    rows = [(row.category, row.asked, row.answered, row.articles) for row in found.categories]
    assert [("social-security", 1, 0, 1), ("street-light", 4, 3, 1)] == rows


def test_an_article_that_helped_nobody_is_told_from_one_that_nobody_rated(
    policies: Policies, knowledge: KnowledgeIndex
) -> None:
    unrated = report(knowledge.base, [life(policies, knowledge, "a", "路灯坏了由谁来修?")], DAY)
    assert [(1, 0, 0)] == [(u.answered, u.rated, u.helped) for u in unrated.articles if u.answered]


def test_categories_stand_by_how_many_went_unanswered_then_by_name_and_none_in_which_all_were_answered(
    policies: Policies, knowledge: KnowledgeIndex
) -> None:
    lamp, unheard_of, booking = "路灯坏了由谁来修?", "医保怎么转移?", knowledge.base.root[0]
    asked = [
        *(("street-light", lamp),) * 3, ("street-light", unheard_of), ("market-prices", unheard_of),
        ("construction", unheard_of), *(("social-security", unheard_of),) * 2, (booking.category, booking.title_zh),
    ]  # fmt: skip
    lives = [life(policies, knowledge, f"q-{n}", title, category=name) for n, (name, title) in enumerate(asked)]
    found = report(knowledge.base, lives, DAY)
    assert (9, 4) == (found.consultations, found.answered)
    assert [("social-security", 2, 0), ("construction", 1, 0), ("market-prices", 1, 0), ("street-light", 4, 3)] == [
        (row.category, row.asked, row.answered) for row in found.categories
    ]


def test_only_consultations_that_were_seen_to_begin_are_counted_answered_or_not_yet(
    policies: Policies, knowledge: KnowledgeIndex
) -> None:
    answered = life(policies, knowledge, "a", "路灯坏了由谁来修?")
    help_wanted = decide(None, opens("Wed 2026-09-23 09:00"), policies).facts
    found = report(knowledge.base, [(), help_wanted, answered[1:], answered[:1]], DAY)
    assert (1, 0) == (found.consultations, found.answered)


def test_every_article_of_the_files_has_an_owner_and_a_category_of_its_directory(policies: Policies) -> None:
    base = load_knowledge(Path(__file__).parents[2] / "ops", "weixi", policies.newest.directory)
    assert len(base.root) >= 10
