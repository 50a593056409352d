"""What an explanation finds wrong with a record, said in both languages, and what it says comes next."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.commands import Command
from schemas.facts import Fact
from schemas.vocabulary import ClockKind, Rung
from services.core.explain import story, words
from services.core.explain.model import Text
from services.core.explain.story import NothingKnownError, explain, missing_words
from services.core.policy import Policies, Policy
from tests.builders import at, elapses, local, opens, play, signs
from tests.explained import life

Life = tuple[str, list[Fact], dict[str, Command]]
NOW = at("Wed 2026-09-16 11:30")
SAID = (opens("Wed 2026-09-16 10:00"), signs("Wed 2026-09-16 11:00"))


@pytest.fixture(scope="module")
def played(policy: Policy) -> Life:
    """Opened, dispatched (sign, handle, case), signed (return); the record goes no further."""
    ticket, facts, commands = life(policy, SAID)
    return ticket, [fact for fact in facts if fact.time <= NOW], commands


def changed(facts: list[Fact], number: int, **changes: Any) -> list[Fact]:
    return [fact.model_copy(update=changes) if fact.sequence == number else fact for fact in facts]


def test_facts_are_told_by_their_numbers_in_whatever_order_they_come(played: Life, policies: Policies) -> None:
    ticket, facts, commands = played
    told = explain(ticket, facts[::-1], commands, policies, NOW)
    assert told == explain(ticket, facts, commands, policies, NOW)
    assert [1, 2, 3] == [entry.sequence for entry in told.entries]
    assert () == told.problems
    assert ("in_progress", "Asia/Shanghai") == (told.stage, told.time_zone)


def test_what_happened_in_this_very_second_is_told_and_what_comes_is_not(played: Life, policies: Policies) -> None:
    ticket, facts, commands = played
    signed = facts[-1].time
    assert 3 == len(explain(ticket, facts, commands, policies, signed).entries)
    assert 2 == len(explain(ticket, facts, commands, policies, signed - timedelta(microseconds=1)).entries)
    with pytest.raises(NothingKnownError, match=r"^no fact of T-1 is known by then$"):
        explain(ticket, facts, commands, policies, facts[0].time - timedelta(seconds=1))
    with pytest.raises(NothingKnownError, match=r"^no fact of T-1 is known$"):
        explain(ticket, [], commands, policies, NOW)


def test_a_missing_first_fact_is_named(played: Life, policies: Policies) -> None:
    ticket, facts, commands = played
    gone = explain(ticket, facts[1:], commands, policies, NOW).problems
    assert ("Fact 1 is missing: the next has number 2.", "缺少第1条事实。") == (gone[0].en, gone[0].zh)


def test_a_fact_of_before_the_first_rules_is_named_and_its_clocks_are_not_computed(
    played: Life, policy: Policy
) -> None:
    ticket, facts, commands = played
    later = Policies(((at("Thu 2026-09-17 00:00"), policy),))
    found = explain(ticket, facts, commands, later, NOW)
    said = [(problem.en, problem.zh) for problem in found.problems]
    words = "no rules of weixi are in force at 2026-09-16T02:00:00+00:00: the first begin at 2026-09-16T16:00:00+00:00"
    assert (f"Fact 1: {words}.", f"第1条:{words}") == said[0]
    assert [f"Fact 2, clock {clock}: {words}." for clock in ("sign", "handle", "case")] == [
        en for en, _ in said if en.startswith("Fact 2, ")
    ], "each clock of the fact, not only the first"
    assert f"第2条时钟:{words}" in [zh for _, zh in said]
    assert [()] * 3 == [entry.started for entry in found.entries]


def test_a_clock_that_cannot_be_computed_leaves_those_beside_it_explained(played: Life, policies: Policies) -> None:
    ticket, facts, commands = played
    sign, *others = facts[1].started
    far = sign.model_copy(update={"due_at": at("Mon 2040-01-02 09:00")})
    found = explain(ticket, changed(facts, 2, started=(far, *others)), commands, policies, NOW)
    [problem] = [said for said in found.problems if "clock sign" in said.en]
    assert problem.en.startswith("Fact 2, clock sign: 2029-01-01 lies outside calendar weixi")
    assert problem.zh.startswith("第2条时钟:2029-01-01 lies outside")
    assert ["handle", "case"] == [clock.clock for clock in found.entries[1].started]


def test_another_rulebook_a_wrong_date_and_a_wrong_order_are_told_in_both_languages(
    played: Life, policies: Policies
) -> None:
    ticket, facts, commands = played
    handle = facts[1].started[1]
    later = handle.model_copy(update={"due_at": handle.due_at + timedelta(days=1)})
    other = facts[0].rulebook.model_copy(update={"hash": "0000", "version": "v0"})
    wrong = changed(facts, 2, started=(facts[1].started[0], later, facts[1].started[2]))
    wrong = changed(changed(wrong, 1, rulebook=other), 3, stage="closed")
    ref = policies.newest.rulebook.ref
    calendar = handle.calendar
    assert [
        (
            f"Fact 1 was decided under v0 (0000); the files say {ref.version} ({ref.hash}).",
            f"第1条适用规则 v0(0000),现有文件为 {ref.version}({ref.hash})。",
        ),
        (
            f"Fact 2: the handle clock was recorded as due Mon 2026-09-21 18:00 under calendar {calendar}; "
            "computed anew it is not.",
            f"第2条:办理(单位)时钟记录为 2026-09-21 周一 18:00 到期(日历 {calendar}),重新计算不一致。",
        ),
        (
            "Fact 3 breaks the order of stages: ticket.signed.v1 to closed in stage dispatched of T-1.",
            "第3条不符合办理流程:ticket.signed.v1 to closed in stage dispatched of T-1",
        ),
    ] == [(problem.en, problem.zh) for problem in explain(ticket, wrong, commands, policies, NOW).problems]


def test_what_comes_next_names_each_rung_and_what_follows_in_both_languages(played: Life, policies: Policies) -> None:
    seen = explain(*played, policies, NOW)
    assert [
        ("return", "Thu 2026-09-17 11:00", "the unit can no longer return the ticket", "退单期届满,不得再退单"),
        ("handle", "Fri 2026-09-18 09:15", "reminder: half of the time is used", "提醒:时限过半"),
        ("handle", "Sun 2026-09-20 10:12", "reminder: four fifths of the time are used", "提醒:时限已用五分之四"),
        ("handle", "Sun 2026-09-20 16:00", "reminder by phone: nearly due", "电话提醒:即将到期"),
        ("case", "Sun 2026-09-20 18:00", "the citizen's own limit is missed", "工单总时限超时"),
        ("handle", "Sun 2026-09-20 18:00", "the unit is late in replying", "承办单位办理超时"),
    ] == [(item.clock, local(item.due_at), item.consequence.en, item.consequence.zh) for item in seen.next]


@pytest.mark.parametrize(
    ("now", "left", "overdue"),
    [
        ("Fri 2026-09-18 09:14:59", 3, 1),
        ("Fri 2026-09-18 09:15", 2, 1),
        ("Sun 2026-09-20 18:00", 0, 1),
        ("Sun 2026-09-20 18:00:01", 0, 3),
    ],
)
def test_a_rung_is_ahead_until_its_second_and_a_clock_is_overdue_after_its_own(
    played: Life, policies: Policies, now: str, left: int, overdue: int
) -> None:
    seen = explain(*played, policies, at(now))
    assert left == len([item for item in seen.next if item.consequence.en.startswith("reminder")])
    assert overdue == len([item for item in seen.next if item.overdue])


def test_an_entry_gives_what_led_to_it_what_it_holds_and_which_clocks_it_ended(
    played: Life, policies: Policies
) -> None:
    entries = explain(*played, policies, NOW).entries
    assert [("ticket.open.v1", "platform", "stage"), ("ticket.sign.v1", "unit", "U-SANITATION")] == [
        (entry.cause.type, entry.cause.role, entry.cause.actor) for entry in (entries[0], entries[2]) if entry.cause
    ]
    assert {"platform": "stage", "upstream_id": "1", "category": "bulky-waste"}.items() <= entries[0].details.items()
    assert not {"pii_ref", "instead_of", "co_handlers", "time"} & {name for entry in entries for name in entry.details}
    [ended] = entries[2].ended
    assert ("sign", "met", 3600) == (ended.clock, ended.outcome, ended.margin_seconds)
    assert [None, "U-SANITATION", "U-SANITATION"] == [entry.unit for entry in entries]
    assert Text(en="The unit took the ticket on, or is deemed to have", zh="已签收(含视同签收)") == entries[2].title
    unheard = explain(played[0], played[1], {}, policies, NOW)
    assert [None] * 3 == [entry.cause for entry in unheard.entries]


def test_a_clock_decided_again_tells_the_days_that_changed_between_start_and_due_and_by_which_notice(
    policy: Policy,
) -> None:
    end = at("Thu 2020-01-30 09:00")
    record = life(policy, (opens("Thu 2020-01-23 10:00"), signs("Thu 2020-01-23 10:30")), end)
    entries = explain(*record, Policies.always(policy), end).entries
    revision = next(clock.revision for entry in entries for clock in entry.started if clock.revision is not None)
    assert ("Mon 2020-02-03 18:00", ("国办发明电〔2020〕1号",)) == (local(revision.old_due_at), revision.notices)
    assert [
        ("2020-01-31", "工作日", "春节(延长)", "国办发明电〔2020〕1号"),
        ("2020-02-01", "调休上班", "春节(延长)", "国办发明电〔2020〕1号"),
    ] == [(day.day.isoformat(), day.before.zh, day.after.zh, day.notice) for day in revision.days]


def test_what_a_fact_says_yes_to_is_told_and_what_it_says_no_to_or_nothing_of_is_not(policies: Policies) -> None:
    """A signature that silence is deemed to be is named; one that was given is an ordinary one."""
    opened = opens("Wed 2026-09-16 10:00", secrecy_requested=True)
    given = play(policies, opened, signs("Wed 2026-09-16 11:00"))
    silent = play(policies, opened, elapses("sign"))
    first, *_, signed = explain("T-1", given.facts, {}, policies, NOW).entries
    assert ("True", "deemed" in signed.details) == (first.details["secrecy_requested"], False)
    assert not {"anonymous", "attachments", "upstream_due_at"} & set(first.details)
    *_, deemed = explain("T-1", silent.facts, {}, policies, at("Wed 2026-09-16 18:00")).entries
    assert {"deemed": "True"} == deemed.details


def test_a_kind_of_clock_or_a_rung_without_words_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(words.CLOCKS, ClockKind.SIGN)
    monkeypatch.delitem(words.CONSEQUENCES, ClockKind.JUDGE)
    monkeypatch.delitem(story.RUNGS, Rung.URGED)
    assert ("sign", "judge", "urged") == missing_words()
