"""`hotline explain`: every date of a ticket is computed anew, and what does not agree is said aloud."""

import io
import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from schemas.commands import Command
from schemas.facts import Fact
from services.cli.explain_text import show
from services.core.calendar_history import unit_history
from services.core.calendar_hours import HoursRule
from services.core.explain.model import Explanation
from services.core.explain.story import NothingKnownError, explain, missing_words
from services.core.policy import Policies, Policy
from services.runtime.policy_files import load_layers
from tests.builders import SANITATION, at, local, opens, signs
from tests.explained import END, life

OPS = Path(__file__).parents[2] / "ops"
PAGE = Path(__file__).parents[2] / "docs" / "explained-ticket.md"
Life = tuple[str, list[Fact], dict[str, Command]]


@pytest.fixture(scope="module")
def played(policy: Policy) -> Life:
    return life(policy)


@pytest.fixture(scope="module")
def explained(played: Life, policies: Policies) -> Explanation:
    return explain(*played, policies, END)


def printed(explanation: Explanation, lang: str) -> str:
    console = Console(file=io.StringIO(), width=140, color_system=None)
    show(explanation, console, lang)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_page_shows_what_the_command_prints(explained: Explanation) -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split("```text\n")
    if os.environ.get("HOTLINE_REWRITE_DOCS"):
        PAGE.write_text(before + "```text\n" + printed(explained, "en") + "```\n", encoding="utf-8")
        rest = PAGE.read_text(encoding="utf-8").split("```text\n")[1]
    assert rest.split("```")[0] == printed(explained, "en")


def test_every_due_instant_of_the_page_was_computed_by_hand(explained: Explanation) -> None:
    rows = [
        line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] != "| #"
    ]
    by_hand = [(int(r[0]), r[1], r[2], r[5]) for r in rows if len(r) == 6 and r[0].isdigit()]
    found = [
        (entry.sequence, clock.clock.value, local(clock.started_at), local(clock.due_at))
        for entry in explained.entries
        for clock in entry.started
    ]
    assert sorted(by_hand) == sorted(found)


def test_everything_agrees_and_nothing_is_left_to_come(explained: Explanation) -> None:
    assert explained.problems == ()
    assert explained.next == ()
    assert {entry.cause.type for entry in explained.entries if entry.cause} >= {"ticket.open.v1", "clock.signal.v1"}
    assert all(entry.cause for entry in explained.entries)


def test_the_chinese_text_has_the_same_dates(explained: Explanation) -> None:
    text = printed(explained, "zh")
    assert "2026-10-10 周六 18:00" in text
    assert "10-01周四 - 10-07周三 不计: 国庆节 [国办发明电〔2025〕7号, cn]" in text
    assert "全部到期时间已重新计算,与记录一致。" in text


def test_seen_from_the_middle_it_says_what_comes_next(played: Life, policies: Policies) -> None:
    seen = explain(*played, policies, at("Fri 2026-09-18 12:00"))
    assert [(item.clock.value, local(item.due_at), item.overdue) for item in seen.next] == [
        ("handle", "Mon 2026-09-21 09:45", False),
        ("handle", "Tue 2026-09-22 17:06", False),
        ("handle", "Wed 2026-09-23 16:00", False),
        ("case", "Wed 2026-09-23 18:00", False),
        ("handle", "Wed 2026-09-23 18:00", False),
    ]
    assert seen.stage == "in_progress"


def changed(facts: list[Fact], number: int, **changes: object) -> list[Fact]:
    return [fact.model_copy(update=changes) if fact.sequence == number else fact for fact in facts]


def test_a_date_that_was_tampered_with_is_found(played: Life, policies: Policies) -> None:
    ticket, facts, commands = played
    clock = facts[3].started[1]
    later = clock.model_copy(update={"due_at": clock.due_at + timedelta(days=1)})
    found = explain(ticket, changed(facts, 4, started=(facts[3].started[0], later)), commands, policies, END)
    assert any("the handle clock was recorded as due Tue 2026-09-22 18:00" in problem.en for problem in found.problems)


def test_a_missing_fact_another_rulebook_and_an_impossible_order_are_found(played: Life, policies: Policies) -> None:
    ticket, facts, commands = played
    gone = explain(ticket, [fact for fact in facts if fact.sequence != 9], commands, policies, END)
    assert "Fact 9 is missing: the next has number 10." in [problem.en for problem in gone.problems]
    other = facts[0].rulebook.model_copy(update={"hash": "0000"})
    ruled = explain(ticket, changed(facts, 5, rulebook=other), commands, policies, END)
    assert [p.en[:45] for p in ruled.problems] == ["Fact 5 was decided under 2024-10-15.1 (0000);"]
    wrong = explain(ticket, changed(facts, 5, stage="closed"), commands, policies, END)
    assert any("breaks the order of stages" in problem.en for problem in wrong.problems)


def test_of_a_ticket_that_nobody_knows_it_says_so(policies: Policies) -> None:
    with pytest.raises(NothingKnownError, match="no fact of T-9 is known"):
        explain("T-9", [], {}, policies, END)


@pytest.mark.parametrize("opening", ["Thu 2026-09-17 11:59:59", "Fri 2026-09-18 17:30", "Wed 2026-09-30 17:00"])
@pytest.mark.parametrize("kind", ["consultation", "help", "suggestion", "complaint", "report", "enforcement"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"upstream_due_at": "2026-10-09T02:00:00Z"},
        {"limit_override": {"working_days": 7, "legal_basis": "信访条例"}},
        {"limit_override": {"due_at": "2026-10-12T04:00:00Z", "legal_basis": "县长批示"}},
    ],
    ids=["as ruled", "upstream due", "days by law", "instant by order"],
)
def test_every_kind_of_limit_is_derived_as_it_was_decided(
    policy: Policy, policies: Policies, opening: str, kind: str, more: dict[str, object]
) -> None:
    begin = at(opening)
    said = (opens(opening, kind=kind, **more), signs(local(begin + timedelta(minutes=30))))
    found = explain(*life(policy, said), policies, END)
    assert found.problems == ()
    assert len([clock for entry in found.entries for clock in entry.started]) >= 3


def test_every_clock_has_words() -> None:
    assert missing_words() == ()


def test_it_says_whose_office_hours_were_counted_and_which(policy: Policy) -> None:
    hall = (HoursRule.model_validate({"from": date(2020, 1, 1), "windows": ["09:00-12:00", "13:00-17:00"]}),)
    own = unit_history(load_layers(OPS, "weixi"), hall)
    keeps = replace(policy, unit_histories={SANITATION: own})
    ticket, facts, commands = life(keeps, (opens("Wed 2026-09-16 10:00"),))
    found = explain(ticket, facts, commands, Policies.always(keeps), END)
    assert found.problems == ()
    [sign, handle, case] = next(entry.started for entry in found.entries if entry.type == "ticket.dispatched.v1")
    assert [SANITATION, SANITATION, None] == [clock.office_hours.unit for clock in (sign, handle, case)]
    assert ("Sanitation Station", "县环境卫生管理站") == (handle.office_hours.en, handle.office_hours.zh)
    assert ("09:00-12:00", "13:00-17:00") == handle.days[0].hours
    assert ("08:30-12:00", "14:30-18:00") == case.days[0].hours
    assert () == next(day.hours for day in handle.days if day.kind == "weekend")
    assert "办公时间 县环境卫生管理站  日历 weixi@" in printed(found, "zh")
    assert "office hours of the jurisdiction  calendar weixi@" in printed(found, "en")
