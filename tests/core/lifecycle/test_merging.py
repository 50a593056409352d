"""Merging, command by command: who may say it, what is refused and why, what becomes of clocks (并单, Art. 8, 9)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas.commands import (
    AnswerMerge,
    AttachChild,
    CarryExtension,
    Command,
    DetachChild,
    MergeTicket,
    ShareReply,
    UnmergeTicket,
)
from schemas.vocabulary import ClockKind, Role
from services.core.lifecycle.decide import decide
from services.core.policy import Policies, Policy
from services.core.rulebook_articles import RepeatRule
from services.core.ticket import Breach, Child
from tests.builders import (
    SANITATION,
    TRAFFIC,
    Alarm,
    asks_for_time,
    at,
    elapses,
    grants,
    local,
    names,
    opens,
    passes,
    play,
    replies,
    said,
    signs,
    stopped,
    withdraws,
)

ARTICLE = "国办函〔2025〕66号 (五)"
PARENT, CHILD = "T-0", "T-2"
MESH = "service:revisit"
SIGNED = (opens("Mon 2026-11-02 09:00"), signs("Mon 2026-11-02 09:30"))
"""Three facts; due on the third working day, Thursday the 5th at the close of office."""
EXTENDED = (*SIGNED, asks_for_time("Mon 2026-11-02 09:40"), grants("Mon 2026-11-02 09:45"))
"""Five facts; due on the fifth working day, Monday the 9th."""
DUE, LATER_DUE = "Thu 2026-11-05 18:00", "Mon 2026-11-09 18:00"


def merges(when: str = "Mon 2026-11-02 10:00", who: str = "office", parent: str = PARENT) -> Command:
    return said(MergeTicket, who, when, parent=parent)  # type: ignore[no-any-return]


def attaches(when: str = "Mon 2026-11-02 11:00", who: str = MESH, **data: Any) -> Command:
    base = {
        "child": CHILD, "merging": 4, "category": "bulky-waste", "area": "533423100", "unit": SANITATION,
        "case_due_at": at(DUE),
    }  # fmt: skip
    return said(AttachChild, who, when, **(base | data))  # type: ignore[no-any-return]


def detaches(when: str = "Mon 2026-11-02 12:00", who: str = MESH, child: str = CHILD, merging: int = 4) -> Command:
    return said(DetachChild, who, when, child=child, merging=merging)  # type: ignore[no-any-return]


def answers(when: str = "Mon 2026-11-02 11:00", who: str = MESH, merging: int = 4, **data: Any) -> Command:
    return said(AnswerMerge, who, when, **({"parent": PARENT, "merging": merging} | data))  # type: ignore[no-any-return]


def takes_out(when: str, who: str = "office") -> Command:
    return said(UnmergeTicket, who, when, reason="another-matter-after-all")  # type: ignore[no-any-return]


def shares(when: str = "Mon 2026-11-02 15:00", who: str = MESH, merging: int = 4, **data: Any) -> Command:
    base = {
        "parent": PARENT, "merging": merging, "content_ref": "text-1", "replied_at": at("Mon 2026-11-02 14:45"),
        "unit": TRAFFIC, "unit_group": "safety",
    }  # fmt: skip
    return said(ShareReply, who, when, **(base | data))  # type: ignore[no-any-return]


def carries(count: int, when: str = "Mon 2026-11-02 15:00", who: str = MESH, merging: int = 4) -> Command:
    return said(CarryExtension, who, when, parent=PARENT, merging=merging, count=count)  # type: ignore[no-any-return]


def repeats(policy: Policy, **rule: Any) -> Policy:
    return replace(policy, rulebook=policy.rulebook.model_copy(update={"repeats": RepeatRule(**rule)}))


MERGED = (*SIGNED, merges(), answers())


@pytest.mark.parametrize("who", [role.value for role in Role if role is not Role.SERVICE])
@pytest.mark.parametrize(
    ("speaks", "article"),
    [
        (attaches, ARTICLE),
        (detaches, ARTICLE),
        (answers, ARTICLE),
        (shares, "Art. 9"),
        (lambda who: carries(1, who=who), "Art. 8"),
    ],
    ids=["attach", "detach", "answer", "share", "carry"],
)
def test_between_two_tickets_nobody_speaks_but_the_mesh_itself(
    policy: Policy, speaks: Callable[..., Command], article: str, who: str
) -> None:
    (refused,) = play(policy, *SIGNED, merges(), speaks(who=who)).last
    assert ("command.refused.v1", "not-entitled", article) == (refused.type, refused.code, refused.article)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("life", "merging", "code"),
    [
        (SIGNED, merges(who=f"unit:{SANITATION}"), "not-entitled"),
        (SIGNED, merges(who="citizen"), "not-entitled"),
        (SIGNED, merges(who=MESH), "not-entitled"),
        ((*SIGNED, replies("Mon 2026-11-02 09:50")), merges(), "not-in-stage-replied"),
        (MERGED, merges("Mon 2026-11-02 12:00"), "not-in-stage-merged"),
        (SIGNED, merges(parent="T-1"), "same-ticket"),
        ((*SIGNED, attaches("Mon 2026-11-02 09:50")), merges(), "others-are-merged-into-it"),
    ],
    ids=["unit", "citizen", "mesh", "replied", "merged", "itself", "parent"],
)
def test_the_office_alone_merges_a_ticket_that_waits_for_its_reply_into_another(
    policy: Policy, life: tuple[Command, ...], merging: Command, code: str
) -> None:
    story = play(policy, *life, merging)
    assert (code, ARTICLE) == (story.refusal, story.last[-1].article)


@pytest.mark.parametrize(
    ("life", "number", "due", "extensions"), [(SIGNED, 4, DUE, 0), (EXTENDED, 6, LATER_DUE, 1)], ids=["3 days", "5"]
)
def test_the_parent_is_told_what_the_matter_is_what_is_owed_and_how_often_it_was_extended(
    policy: Policy, life: tuple[Command, ...], number: int, due: str, extensions: int
) -> None:
    story = play(policy, *life, merges())
    (asked,) = story.last
    assert ("merge.requested.v1", ARTICLE, PARENT, number) == (asked.type, asked.article, asked.parent, asked.merging)  # type: ignore[attr-defined]
    assert ("bulky-waste", "533423100", due, extensions) == (
        asked.category, asked.area, local(asked.case_due_at), asked.extensions,  # type: ignore[attr-defined]
    )  # fmt: skip
    assert number == asked.sequence, "an attempt has the number of the fact that asks"


def test_until_the_parent_has_agreed_every_clock_goes_on(policy: Policy) -> None:
    before, asked = play(policy, *SIGNED), play(policy, *SIGNED, merges())
    assert before.ticket.clocks == asked.ticket.clocks
    assert ("in_progress", SANITATION, PARENT, 4) == (
        asked.ticket.stage, asked.ticket.unit, asked.ticket.parent, asked.ticket.merging,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("opening", "stage"),
    [(opens("Mon 2026-11-02 09:00", category="other"), "queued"), (opens("Mon 2026-11-02 20:00"), "held")],
)
def test_of_a_ticket_not_dispatched_yet_is_owed_what_would_be_if_it_went_out_now(
    policy: Policy, opening: Command, stage: str
) -> None:
    story = play(policy, opening, merges("Tue 2026-11-03 10:00"))
    assert (stage, "Fri 2026-11-06 18:00") == (story.ticket.stage, local(story.one("merge.requested").case_due_at))


@pytest.mark.parametrize(("own", "the_child_s", "larger"), [(0, 0, 0), (1, 0, 1), (0, 2, 2), (1, 2, 2), (1, 1, 1)])
def test_the_matter_was_extended_as_often_as_the_one_of_the_two_that_was_more_often(
    policy: Policy, own: int, the_child_s: int, larger: int
) -> None:
    story = play(policy, *(EXTENDED if own else SIGNED), attaches(extensions=the_child_s, case_due_at=at(LATER_DUE)))
    (attached,) = story.last
    assert ("child.attached.v1", ARTICLE, CHILD, 4, larger) == (
        attached.type, attached.article, attached.child, attached.merging, attached.extensions,  # type: ignore[attr-defined]
    )  # fmt: skip
    assert ((Child(ticket=CHILD, merging=4),), larger) == (story.ticket.children, story.ticket.extensions)


def test_what_was_agreed_and_is_asked_again_changes_nothing(policy: Policy) -> None:
    assert () == play(policy, *SIGNED, attaches(), attaches("Mon 2026-11-02 11:30")).last
    full = repeats(policy, max_merged=1)
    assert () == play(full, *SIGNED, attaches(), attaches("Mon 2026-11-02 11:30")).last, "though no place is left"


def test_a_later_attempt_of_a_child_stands_in_place_of_the_earlier(policy: Policy) -> None:
    story = play(policy, *SIGNED, attaches(child="T-3"), attaches(), attaches("Mon 2026-11-02 11:30", merging=9))
    assert (Child(ticket="T-3", merging=4), Child(ticket=CHILD, merging=9)) == story.ticket.children


@pytest.mark.parametrize(
    ("life", "asked", "code"),
    [
        ((*SIGNED, replies("Mon 2026-11-02 10:00")), {}, "not-in-stage-replied"),
        (MERGED, {}, "not-in-stage-merged"),
        ((*SIGNED, merges()), {}, "is-merged-itself"),
        (SIGNED, {"category": "graffiti"}, "another-matter"),
        (SIGNED, {"area": "533423101"}, "another-matter"),
        (SIGNED, {"case_due_at": at("Thu 2026-11-05 17:59")}, "due-later-than-the-child"),
        ((*SIGNED, attaches("Mon 2026-11-02 10:00", child="T-3")), {}, "too-many-merged"),
    ],
    ids=["replied", "merged", "asks itself", "category", "area", "due", "number"],
)
def test_a_ticket_that_cannot_answer_for_the_child_says_why(
    policy: Policy, life: tuple[Command, ...], asked: dict[str, Any], code: str
) -> None:
    story = play(repeats(policy, max_merged=1), *life, attaches(**asked))
    (refused,) = story.last
    assert ("child.refused.v1", ARTICLE, CHILD, 4, code) == (
        refused.type, refused.article, refused.child, refused.merging, refused.code,  # type: ignore[attr-defined]
    )  # fmt: skip
    assert CHILD not in {child.ticket for child in story.ticket.children}


@pytest.mark.parametrize(("unit", "fits"), [(SANITATION, True), (TRAFFIC, False), (None, False)])
def test_where_the_unit_belongs_to_the_matter_that_of_the_child_is_this_one(
    policy: Policy, unit: str | None, fits: bool
) -> None:
    strict = repeats(policy, same_matter=("category", "area", "unit"))
    (told,) = play(strict, *SIGNED, attaches(unit=unit)).last
    assert (None if fits else "another-matter") == getattr(told, "code", None)


def test_a_child_that_goes_its_own_way_is_let_go_and_no_other(policy: Policy) -> None:
    both = (*SIGNED, attaches(), attaches(child="T-3", merging=5))
    story = play(policy, *both, detaches())
    (gone,) = story.last
    assert ("child.detached.v1", ARTICLE, CHILD, 4) == (gone.type, gone.article, gone.child, gone.merging)  # type: ignore[attr-defined]
    assert (Child(ticket="T-3", merging=5),) == story.ticket.children
    for unknown in (detaches(merging=5), detaches(child="T-9")):
        assert () == play(policy, *both, unknown).last


def test_with_the_consent_every_clock_ends_without_a_verdict_and_nobody_has_the_ticket(policy: Policy) -> None:
    story = play(policy, *SIGNED, merges(), answers())
    (merged,) = story.last
    assert ("ticket.merged.v1", ARTICLE, PARENT, 4) == (merged.type, merged.article, merged.parent, merged.merging)  # type: ignore[attr-defined]
    assert {"return": "cancelled", "handle": "cancelled", "case": "cancelled"} == stopped(merged)
    assert ["released"] == [leg.end for leg in merged.cycles]
    assert (None, None) == (merged.unit, merged.unit_group)
    assert ("merged", None, None, ()) == (
        story.ticket.stage, story.ticket.unit, story.ticket.unit_group, story.ticket.clocks,
    )  # fmt: skip


@pytest.mark.parametrize(("own", "the_parent_s", "larger"), [(0, 0, 0), (1, 0, 1), (0, 2, 2), (1, 2, 2)])
def test_a_merged_ticket_keeps_the_larger_count_of_extensions(
    policy: Policy, own: int, the_parent_s: int, larger: int
) -> None:
    life, number = (EXTENDED, 6) if own else (SIGNED, 4)
    story = play(policy, *life, merges(), answers(merging=number, extensions=the_parent_s))
    assert (larger, larger) == (story.one("ticket.merged").extensions, story.ticket.extensions)


def test_what_was_missed_before_the_consent_stays_missed(policy: Policy) -> None:
    late = play(policy, *SIGNED, merges(), answers("Fri 2026-11-06 10:00"))
    assert ["clock.breached", "clock.breached", "ticket.merged"] == names(late.last)
    assert [("handle", DUE), ("case", DUE)] == late.missed


def test_a_consent_is_heard_once(policy: Policy) -> None:
    assert () == play(policy, *MERGED, answers("Mon 2026-11-02 11:30")).last


@pytest.mark.parametrize(
    ("life", "consent"),
    [
        ((*SIGNED, merges()), answers(merging=3)),
        ((*SIGNED, merges()), answers(parent="T-9")),
        (SIGNED, answers()),
        (MERGED, answers("Mon 2026-11-02 12:00", parent="T-9")),
        ((*SIGNED, merges(), replies("Mon 2026-11-02 10:30")), answers()),
    ],
    ids=["an earlier attempt", "another parent", "nobody asked", "another parent of a merged one", "replied meanwhile"],
)
def test_a_consent_to_what_stands_no_more_lapses_so_that_the_parent_lets_go(
    policy: Policy, life: tuple[Command, ...], consent: AnswerMerge
) -> None:
    before, story = play(policy, *life), play(policy, *life, consent)
    (lapsed,) = story.last
    assert ("merge.lapsed.v1", ARTICLE, consent.parent, consent.merging) == (
        lapsed.type, lapsed.article, lapsed.parent, lapsed.merging,  # type: ignore[attr-defined]
    )  # fmt: skip
    assert (before.ticket.stage, before.ticket.clocks) == (story.ticket.stage, story.ticket.clocks)


def test_a_refusal_leaves_the_ticket_to_itself_and_one_of_an_attempt_that_stands_no_more_says_nothing(
    policy: Policy,
) -> None:
    before, story = play(policy, *SIGNED), play(policy, *SIGNED, merges(), answers(code="another-matter"))
    (refused,) = story.last
    assert ("merge.refused.v1", ARTICLE, PARENT, 4, "another-matter") == (
        refused.type, refused.article, refused.parent, refused.merging, refused.code,  # type: ignore[attr-defined]
    )  # fmt: skip
    assert (before.ticket.clocks, None, 0) == (story.ticket.clocks, story.ticket.parent, story.ticket.merging)
    assert () == play(policy, *SIGNED, merges(), answers(merging=3, code="another-matter")).last
    assert () == play(policy, *MERGED, answers("Mon 2026-11-02 12:00", merging=3, code="another-matter")).last


@pytest.mark.parametrize(
    ("life", "out", "code"),
    [
        (MERGED, takes_out("Mon 2026-11-02 15:00", f"unit:{SANITATION}"), "not-entitled"),
        (MERGED, takes_out("Mon 2026-11-02 15:00", MESH), "not-entitled"),
        ((*SIGNED, merges()), takes_out("Mon 2026-11-02 15:00"), "not-in-stage-in_progress"),
    ],
    ids=["unit", "mesh", "not merged"],
)
def test_the_office_alone_takes_a_merged_ticket_out(
    policy: Policy, life: tuple[Command, ...], out: Command, code: str
) -> None:
    story = play(policy, *life, out)
    assert (code, ARTICLE) == (story.refusal, story.last[-1].article)


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        (takes_out("Tue 2026-11-03 10:00"), "another-matter-after-all"),
        (answers("Tue 2026-11-03 10:00", code="withdrawn"), "withdrawn"),
    ],
    ids=["by the office", "the parent answers no more"],
)
def test_taken_out_it_is_dispatched_anew_and_the_citizen_s_clock_goes_on(
    policy: Policy, out: Command, reason: str
) -> None:
    story = play(policy, *MERGED, out)
    assert ["ticket.unmerged", "ticket.dispatched"] == names(story.last)
    free = story.last[0]
    assert (ARTICLE, PARENT, 4, reason) == (free.article, free.parent, free.merging, free.reason)  # type: ignore[attr-defined]
    assert ("opened", None, None) == (free.stage, free.unit, free.unit_group)
    assert [("case", DUE)] == [(clock.kind, local(clock.due_at)) for clock in free.started]
    assert ("dispatched", SANITATION, None, 0) == (
        story.ticket.stage, story.ticket.unit, story.ticket.parent, story.ticket.merging,
    )  # fmt: skip
    assert (DUE, "Fri 2026-11-06 18:00") == (story.due("case"), story.due("handle")), "the unit has its three days"


def test_taken_out_at_night_it_is_held_until_the_opening(policy: Policy) -> None:
    story = play(policy, *MERGED, takes_out("Tue 2026-11-03 20:00"))
    assert ["ticket.unmerged", "ticket.held"] == names(story.last)
    assert {"case", "release", "dispatch"} == story.running


def test_a_ticket_merged_before_it_went_out_owes_nothing_until_it_goes_out(policy: Policy) -> None:
    asked = (opens("Mon 2026-11-02 09:00", category="other"), merges())
    story = play(policy, *asked, answers(merging=3), takes_out("Tue 2026-11-03 10:00"))
    assert ["ticket.unmerged", "ticket.queued"] == names(story.last)
    assert ((), {"dispatch"}) == (story.last[0].started, story.running)


def test_nobody_is_reminded_of_rungs_that_passed_while_another_ticket_answered(policy: Policy) -> None:
    rules = policy.rulebook.reminders.model_copy(update={"clocks": (ClockKind.CASE,)})
    reminding = replace(policy, rulebook=policy.rulebook.model_copy(update={"reminders": rules}))
    before = play(reminding, *MERGED).ticket.case_clock
    assert before is not None
    assert {
        "half": "Wed 2026-11-04 08:45",
        "four_fifths": "Thu 2026-11-05 10:00",
        "near_due": "Thu 2026-11-05 16:00",
    } == {mark.rung: local(mark.at) for mark in before.marks}
    after = play(reminding, *MERGED, takes_out("Wed 2026-11-04 10:00")).clock("case")
    assert ["four_fifths", "near_due"] == [mark.rung for mark in after.marks]


@pytest.mark.parametrize(
    ("when", "missed"),
    [(DUE, []), (f"{DUE}:01", [("case", DUE)]), ("Fri 2026-11-06 10:00", [("case", DUE)])],
    ids=["on the due instant", "a second later", "the next day"],
)
def test_what_the_citizen_was_owed_while_another_answered_was_missed_when_it_comes_out_later(
    policy: Policy, when: str, missed: list[tuple[str, str]]
) -> None:
    assert missed == play(policy, *MERGED, takes_out(when)).missed


def test_what_was_missed_before_merging_is_not_missed_twice(policy: Policy) -> None:
    late: tuple[Command | Alarm, ...] = (*SIGNED, elapses("handle"), elapses("case"), merges("Fri 2026-11-06 10:00"))
    story = play(policy, *late, answers("Fri 2026-11-06 10:00", merging=6), takes_out("Mon 2026-11-09 10:00"))
    assert ["ticket.unmerged", "ticket.dispatched"] == names(story.last)
    assert [("handle", DUE), ("case", DUE)] == story.missed


def test_a_miss_of_another_due_instant_or_of_another_clock_does_not_stand_for_this_one(policy: Policy) -> None:
    merged = play(policy, *MERGED).ticket
    earlier = Breach(kind=ClockKind.CASE, cycle=0, due_at=at("Wed 2026-11-04 18:00"))
    others = (earlier, Breach(kind=ClockKind.HANDLE, cycle=0, due_at=at(DUE)))
    ticket = merged.model_copy(update={"breaches": others})
    found = decide(ticket, takes_out("Fri 2026-11-06 10:00"), Policies.always(policy))
    assert ["ticket.unmerged", "clock.breached", "ticket.dispatched"] == names(found.facts)


def test_the_parent_s_reply_opens_this_caller_s_own_revisit(policy: Policy) -> None:
    story = play(policy, *MERGED, shares())
    (shared,) = story.last
    assert ("reply.shared.v1", "Art. 9", PARENT, 4, "text-1", "Mon 2026-11-02 14:45") == (
        shared.type, shared.article, shared.parent, shared.merging, shared.content_ref, local(shared.replied_at),  # type: ignore[attr-defined]
    )  # fmt: skip
    assert ("revisiting", TRAFFIC, "safety") == (story.ticket.stage, story.ticket.unit, story.ticket.unit_group)
    assert ({"rating"}, LATER_DUE) == (story.running, story.due("rating")), "five working days"


@pytest.mark.parametrize(("unit", "group"), [(TRAFFIC, "safety"), ("U-ABOLISHED", "another")])
def test_of_a_unit_that_the_directory_knows_it_says_the_group_of_any_other_the_parent(
    policy: Policy, unit: str, group: str
) -> None:
    shared = play(policy, *MERGED, shares(unit=unit, unit_group="another")).one("reply.shared")
    assert (unit, group) == (shared.unit, shared.unit_group)


def test_a_reply_that_comes_before_the_consent_merges_first(policy: Policy) -> None:
    story = play(policy, *SIGNED, merges(), shares())
    assert ["ticket.merged", "reply.shared"] == names(story.last)
    assert (0, "revisiting", {"rating"}) == (story.one("ticket.merged").extensions, story.ticket.stage, story.running)
    assert "merge.lapsed" in names(play(policy, *SIGNED, merges(), shares(), answers("Mon 2026-11-02 15:10")).last)


@pytest.mark.parametrize(
    ("life", "reply"),
    [
        (MERGED, shares(merging=3)),
        (MERGED, shares(parent="T-9")),
        ((*SIGNED, merges(), replies("Mon 2026-11-02 10:30")), shares()),
        ((*MERGED, shares()), shares("Mon 2026-11-02 15:10")),
    ],
    ids=["another attempt", "another parent", "it has replied itself", "twice"],
)
def test_a_reply_for_what_stands_no_more_is_not_this_ticket_s(
    policy: Policy, life: tuple[Command, ...], reply: Command
) -> None:
    assert () == play(policy, *life, reply).last


@pytest.mark.parametrize("life", [MERGED, SIGNED], ids=["merged", "taken out meanwhile"])
def test_an_extension_of_the_matter_counts_for_the_child_too(policy: Policy, life: tuple[Command, ...]) -> None:
    story = play(policy, *life, carries(1))
    (carried,) = story.last
    assert ("extension.carried.v1", "Art. 8", PARENT, 4, 1) == (
        carried.type, carried.article, carried.parent, carried.merging, carried.count,  # type: ignore[attr-defined]
    )  # fmt: skip
    assert 1 == story.ticket.extensions


@pytest.mark.parametrize(
    ("life", "count"),
    [
        (EXTENDED, 1),
        ((*MERGED, carries(2)), 1),
        ((*SIGNED, withdraws("Mon 2026-11-02 10:00")), 1),
        ((*EXTENDED, withdraws("Mon 2026-11-02 10:00")), 1),
    ],
    ids=["counted already", "more counted already", "ended", "ended and counted"],
)
def test_an_extension_that_is_counted_or_comes_after_the_end_changes_nothing(
    policy: Policy, life: tuple[Command, ...], count: int
) -> None:
    assert () == play(policy, *life, carries(count)).last


def test_an_extended_matter_is_not_extended_again_by_the_unit_that_gets_it_next(policy: Policy) -> None:
    out = (*MERGED, carries(1), takes_out("Tue 2026-11-03 10:00"))
    assert "no-further-extension" == play(policy, *out, asks_for_time("Tue 2026-11-03 11:00")).refusal


def test_a_parent_whose_reply_passed_lets_its_children_go_on_by_themselves(policy: Policy) -> None:
    answered = (*SIGNED, attaches(), replies("Mon 2026-11-02 15:00"), passes("Mon 2026-11-02 15:00"))
    assert () == play(policy, *answered).ticket.children
