"""Every row of every decision table holds; a table that could be misread is refused."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.commands import Command
from schemas.facts import Fact
from services.core.explain.story import explain
from services.core.policy import Policy
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.policy_files import load_policies
from tests.rules import rows
from tests.rules.instants import instant
from tests.rules.rows import cites, play, told
from tests.rules.tables import DAY, HERE, LIFE, LIMIT, Row, TableError, all_rows, articles, read

ROWS = all_rows()
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_mesh_does_what_the_row_says(row: Row, policy: Policy, knowledge: KnowledgeIndex) -> None:
    wrong = play(row, policy, knowledge)
    if wrong:
        pytest.fail(f"{row}\n  " + "\n  ".join(wrong), pytrace=False)


@pytest.mark.parametrize("row", [row for row in ROWS if row.shape == LIFE], ids=lambda row: row.id)
def test_explain_computes_every_due_instant_of_the_row_anew_and_agrees(
    row: Row, policy: Policy, knowledge: KnowledgeIndex
) -> None:
    """`hotline explain` has an arithmetic of its own, step by step."""
    mesh, _, _ = told(row, policy, knowledge)
    commands = {event.id: event for event in mesh.log if isinstance(event, Command)}
    facts = [event for event in mesh.log if isinstance(event, Fact)]
    for ticket in sorted({fact.subject for fact in facts}):
        found = explain(ticket, [fact for fact in facts if fact.subject == ticket], commands, mesh.policies, FAR)
        assert [problem.en for problem in found.problems] == [], str(row)
        assert all(clock.agrees for entry in found.entries for clock in entry.started), str(row)
        assert [entry.sequence for entry in found.entries] == list(range(1, len(found.entries) + 1))
        assert all(entry.cause is not None for entry in found.entries), str(row)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# no table at all", "holds no row"),
        ("| situation | when | article |\n|---|---|---|\n| a | b | Art. 7 |", "a table begins with"),
        ("| situation | when | facts |\n|---|---|---|\n| a | b | c |", "ends with article"),
        ("| situation | when | facts | article |\n| a | b | c | Art. 7 |", "followed by"),
        ("| situation | when | facts | article |\n|---|---|---|---|\n| a | b | Art. 7 |", "3 cells under 4 columns"),
        ("| situation | when | facts | article |\n|---|---|---|---|\n| a |  | c | Art. 7 |", "when is empty"),
        (" | a | b |", "begins at the margin"),
    ],
)
def test_a_table_that_could_be_misread_is_refused(text: str, problem: str) -> None:
    with pytest.raises(TableError, match=problem):
        read(Path("art-00.md"), text)


HEAD = "| situation | when | facts | sign due | article |\n|---|---|---|---|---|\n"
TRUE = "Wed 2026-09-23 09:00 help opened | opened; dispatched to U-SANITATION at 09:00 | Wed 2026-09-23 11:00 | Art. 7"


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("Wed 2026-09-23 09:00", "Thu 2026-09-23 09:00", "2026-09-23 is a Wed, not a Thu"),
        ("Wed 2026-09-23 11:00", "Thu 2026-09-23 11:00", "sign due"),
        ("Wed 2026-09-23 11:00", "Wed 2026-09-23 11:00:01", "sign due"),
        ("Wed 2026-09-23 11:00", "—", "sign due"),
        ("opened; dispatched to U-SANITATION at 09:00", "opened", "facts"),
        ("opened; dispatched to U-SANITATION at 09:00", "opened; dispatched to U-SANITATION; signed", "facts"),
        ("dispatched to U-SANITATION", "dispatched to U-URBAN", "facts"),
        ("at 09:00", "at 09:01", "facts"),
        ("help opened", "help opened at random", "'at random' is no option"),
        ("help opened", "the unit dances", "'dances' is no verb"),
        ("help opened", "the unit signs", "no unit has the ticket"),
        ("Art. 7", "Art. 9", "Art. 9 cited by none"),
    ],
)
def test_a_row_that_says_something_else_fails(
    right: str, wrong: str, problem: str, policy: Policy, knowledge: KnowledgeIndex
) -> None:
    [row] = read(Path("art-00.md"), f"{HEAD}| a | {TRUE} |")
    assert [] == play(row, policy, knowledge)
    [row] = read(Path("art-00.md"), f"{HEAD}| a | {TRUE.replace(right, wrong)} |")
    assert problem in "\n".join(play(row, policy, knowledge))


def test_an_unknown_column_is_refused(policy: Policy, knowledge: KnowledgeIndex) -> None:
    [row] = read(Path("art-00.md"), f"{HEAD.replace('sign due', 'signature due')}| a | {TRUE} |")
    assert ["cannot be read: unknown column signature due"] == play(row, policy, knowledge)


def test_the_rows_about_calendars_hold_of_calendars_read_for_this_test_alone(knowledge: KnowledgeIndex) -> None:
    """The rows above share one reading per session: who runs a test alone, as mutation does, meets all of it here."""
    rows.forget()
    policy = load_policies(HERE.parents[1] / "ops", "weixi").newest
    about = [row for row in ROWS if row.shape in (DAY, LIMIT) or row.file.stem in ("layers", "office-hours")]
    assert [wrong for row in about for wrong in play(row, policy, knowledge)] == []


def test_there_are_at_least_250_rows_and_no_case_stands_twice() -> None:
    cases = Counter((row.given, tuple(sorted(row.cells.items()))) for row in ROWS)
    assert [case for case, count in cases.items() if count > 1] == []
    assert len(ROWS) >= 250


def test_every_line_of_articles_md_is_met_by_a_row(
    policy: Policy, knowledge: KnowledgeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: set[tuple[str, str]] = set()

    def noted(fact: Fact) -> list[tuple[str, str, str]]:
        said = cites(fact)
        met.update((name, about) for name, about, _ in said)
        return said

    monkeypatch.setattr(rows, "cites", noted)
    for row in ROWS:
        play(row, policy, knowledge)
    assert set(articles()) == met


def test_a_fact_that_cites_another_article_fails(
    policy: Policy, knowledge: KnowledgeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = read(Path("art-00.md"), f"{HEAD}| a | {TRUE} |")
    line = rows.CITED["ticket.opened", "—"]
    other = replace(line, cells=line.cells | {"article": "Art. 5"})
    monkeypatch.setitem(rows.CITED, ("ticket.opened", "—"), other)
    assert ["article: ticket.opened — cites Art. 4, in articles.md it is Art. 5"] == play(row, policy, knowledge)


def test_every_weekday_written_in_the_tables_is_true() -> None:
    for row in ROWS:
        for word in row.given, *row.cells.values():
            for found in re.findall(r"\b[A-Z][a-z]{2} [0-9]{4}-[0-9]{2}-[0-9]{2}\b", word):
                assert instant(f"{found} 00:00"), str(row)
