"""The end-to-end test: six real processes, a real broker, every branch of the life cycle, each service killed once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from schemas.facts import TicketOpened
from schemas.topics import SERVICES, load
from schemas.vocabulary import Stage as TicketStage
from services.cli.simulation import simulate
from services.core.policy import Policies, Policy
from services.core.rulebook import Rulebook
from services.router.service import service as router
from services.runtime.log_file import TOPICS as LOG_TOPICS
from services.runtime.log_file import read_log, write_log
from services.runtime.mesh import Mesh
from services.runtime.replay import compare, decide_again, digest, read_facts
from services.runtime.settings import Settings
from services.runtime.tail import Tail
from services.runtime.ticket_log import Told, told
from tests.mesh.stage import HOURLY, Stage, at

pytestmark = [pytest.mark.broker, pytest.mark.timeout(400)]
OWN = "U-SANITATION"
UNIT = f"unit:{OWN}"


def script(stage: Stage) -> dict[str, str]:
    """Say everything that happens in this city; gives the tickets by name."""
    t: dict[str, str] = {}

    t["satisfied"] = stage.opens("satisfied", "Wed 2026-09-23 09:00")
    stage.says(t["satisfied"], "Wed 2026-09-23 09:30", "ticket.sign.v1", UNIT)
    stage.replies(t["satisfied"], "Thu 2026-09-24 10:00", OWN)
    stage.says(
        t["satisfied"], "Thu 2026-09-24 11:10", "contact.log.v1", "office:desk",
        attempt=1, channel="phone", outcome="answered",
    )  # fmt: skip
    stage.says(t["satisfied"], "Thu 2026-09-24 11:20", "rating.submit.v1", "citizen:c", rating="satisfied")
    stage.says(t["satisfied"], "Mon 2026-09-28 09:00", "ticket.reopen.v1", "citizen:c")
    stage.says(t["satisfied"], "Mon 2026-09-28 10:00", "ticket.withdraw.v1", "citizen:c")

    t["silent"] = stage.opens("silent", "Wed 2026-09-23 09:00")
    stage.says(t["silent"], "Wed 2026-09-23 09:30", "ticket.sign.v1", UNIT)
    stage.replies(t["silent"], "Wed 2026-09-23 15:00", OWN)

    t["never signed"] = stage.opens("never-signed", "Wed 2026-09-23 09:00")
    stage.replies(t["never signed"], "Wed 2026-09-23 16:00", OWN)
    stage.says(t["never signed"], "Thu 2026-09-24 10:00", "rating.submit.v1", "citizen:c", rating="basically_satisfied")

    t["return upheld"] = stage.opens("return-upheld", "Wed 2026-09-23 09:00")
    stage.says(t["return upheld"], "Wed 2026-09-23 09:20", "ticket.sign.v1", UNIT)
    stage.says(
        t["return upheld"], "Wed 2026-09-23 10:30", "return.request.v1", UNIT,
        reason="not-our-remit", basis="三定方案", proposed_unit="U-URBAN",
    )  # fmt: skip
    stage.says(t["return upheld"], "Wed 2026-09-23 11:00", "return.decide.v1", "office:desk", upheld=True)
    stage.says(t["return upheld"], "Wed 2026-09-23 11:30", "ticket.sign.v1", "unit:U-URBAN")
    stage.replies(t["return upheld"], "Wed 2026-09-23 15:00", "U-URBAN")
    stage.says(t["return upheld"], "Thu 2026-09-24 09:00", "ticket.withdraw.v1", "citizen:c")

    t["too late, then extended and redone"] = e = stage.opens("extended", "Wed 2026-09-23 09:00")
    stage.says(e, "Wed 2026-09-23 09:20", "ticket.sign.v1", UNIT)
    stage.says(e, "Thu 2026-09-24 14:40", "return.request.v1", UNIT, reason="not-our-remit", basis="三定方案")
    stage.says(e, "Thu 2026-09-24 15:00", "extension.request.v1", UNIT, reason="waiting-for-parts")
    stage.says(e, "Thu 2026-09-24 16:00", "extension.decide.v1", "office:desk", granted=True)
    stage.says(e, "Thu 2026-09-24 16:30", "extension.request.v1", UNIT, reason="waiting-again")
    stage.replies(e, "Mon 2026-09-28 10:00", OWN)
    stage.says(e, "Tue 2026-09-29 09:00", "rating.submit.v1", "citizen:c", rating="dissatisfied")
    stage.says(e, "Tue 2026-09-29 10:00", "dissatisfaction.judge.v1", "office:desk", justified=True, reason="not-done")
    stage.says(e, "Tue 2026-09-29 10:30", "ticket.sign.v1", UNIT)
    stage.replies(e, "Tue 2026-09-29 11:30", OWN, text="已重新清运并拍照留存。")
    stage.says(e, "Wed 2026-09-30 09:00", "rating.submit.v1", "citizen:c", rating="satisfied")

    t["poor reply, unjustified"] = f = stage.opens("poor-reply", "Wed 2026-09-23 09:00")
    stage.says(f, "Wed 2026-09-23 09:10", "ticket.sign.v1", UNIT)
    stage.replies(f, "Wed 2026-09-23 10:00", OWN, result="promised", text="我单位将尽快处理。", handler=None)
    stage.replies(f, "Wed 2026-09-23 11:00", OWN, text="当日上午已清运完毕。")
    stage.says(f, "Wed 2026-09-23 15:00", "rating.submit.v1", "citizen:c", rating="dissatisfied")
    stage.says(f, "Wed 2026-09-23 16:00", "dissatisfaction.judge.v1", "office:desk", justified=False, reason="policy")
    stage.says(f, "Thu 2026-09-24 09:00", "explanation.submit.v1", UNIT, text="已向市民说明政策依据。")

    t["extension refused"] = x = stage.opens("extension-refused", "Wed 2026-09-23 09:00")
    stage.says(x, "Wed 2026-09-23 09:10", "ticket.sign.v1", UNIT)
    stage.says(x, "Wed 2026-09-23 10:00", "extension.request.v1", UNIT, reason="busy")
    stage.says(x, "Wed 2026-09-23 11:00", "extension.decide.v1", "office:desk", granted=False)
    stage.says(x, "Wed 2026-09-23 11:30", "ticket.sign.v1", "unit:U-WATER")

    t["emergency"] = stage.opens("fire", "Wed 2026-09-23 03:00", category="fire")
    t["knowledge base"] = stage.opens(
        "kb", "Wed 2026-09-23 10:00", kind="consultation", category="social-security", title=stage.knowledge_title
    )
    t["lawful channel"] = stage.opens("court", "Wed 2026-09-23 10:00", category="litigation")

    t["manual desk"] = m = stage.opens("desk", "Wed 2026-09-23 09:00", category="other")
    stage.says(m, "Wed 2026-09-23 10:00", "ticket.assign.v1", "office:desk", unit="U-TRAFFIC")
    stage.says(m, "Wed 2026-09-23 10:30", "ticket.sign.v1", "unit:U-TRAFFIC")
    stage.replies(m, "Wed 2026-09-23 11:00", "U-TRAFFIC")
    stage.says(m, "Wed 2026-09-23 15:00", "rating.submit.v1", "citizen:c", rating="satisfied")

    t["held, then forgotten"] = stage.opens("held", "Wed 2026-09-23 20:00")
    t["complaint by night"] = stage.opens("night", "Thu 2026-09-24 02:00", kind="complaint", category="illegal-dumping")

    t["twice returned"] = r = stage.opens("twice-returned", "Wed 2026-09-23 09:00")
    stage.says(r, "Wed 2026-09-23 09:10", "ticket.sign.v1", UNIT)
    stage.says(r, "Wed 2026-09-23 09:30", "return.request.v1", UNIT, reason="not-our-remit", basis="三定方案")
    stage.says(r, "Wed 2026-09-23 10:00", "return.decide.v1", "office:desk", upheld=False)
    stage.says(r, "Wed 2026-09-23 10:20", "return.request.v1", UNIT, reason="not-our-remit", basis="新证据")
    stage.says(r, "Wed 2026-09-23 10:40", "return.decide.v1", "office:desk", upheld=True, unit="U-TRAFFIC")
    stage.says(r, "Wed 2026-09-23 11:00", "ticket.sign.v1", "unit:U-TRAFFIC")
    stage.says(r, "Wed 2026-09-23 11:20", "return.request.v1", "unit:U-TRAFFIC", reason="nor-ours", basis="三定方案")
    stage.says(r, "Wed 2026-09-23 11:40", "ticket.withdraw.v1", "citizen:c")

    t["parent"] = p = stage.opens("parent", "Wed 2026-09-23 09:00", area="533423101")
    t["child"] = c = stage.opens("child", "Wed 2026-09-23 09:00", area="533423101")
    t["taken out"] = o = stage.opens("taken-out", "Wed 2026-09-23 09:00", area="533423101")
    stage.says(p, "Wed 2026-09-23 09:30", "ticket.sign.v1", UNIT)
    stage.says(c, "Wed 2026-09-23 10:00", "ticket.merge.v1", "office:desk", parent=p)
    stage.says(o, "Wed 2026-09-23 10:30", "ticket.merge.v1", "office:desk", parent=p)
    stage.says(o, "Wed 2026-09-23 15:00", "ticket.unmerge.v1", "office:desk", reason="another-place")
    stage.says(o, "Wed 2026-09-23 15:30", "ticket.withdraw.v1", "citizen:c")
    stage.replies(p, "Wed 2026-09-23 16:00", OWN)
    stage.says(c, "Thu 2026-09-24 09:00", "rating.submit.v1", "citizen:c", rating="satisfied")
    stage.says(p, "Thu 2026-09-24 09:30", "rating.submit.v1", "citizen:c", rating="basically_satisfied")

    stage.opens("satisfied", "Wed 2026-09-23 09:00")  # the same message again
    stage.urges("silent", "Wed 2026-09-23 11:40")
    return t


STORIES = {
    "satisfied": [
        "ticket.opened", "ticket.dispatched", "ticket.signed", "reply.submitted", "reply.accepted",
        "contact.attempted", "rating.recorded", "ticket.closed", "ticket.reopened", "ticket.dispatched",
        "ticket.withdrawn",
    ],
    "silent": [
        "ticket.opened", "ticket.dispatched", "ticket.signed", "ticket.urged", "reply.submitted", "reply.accepted",
        "clock.elapsed", "ticket.closed",
    ],
    "never signed": [
        "ticket.opened", "ticket.dispatched", "clock.breached", "ticket.signed", "reply.submitted", "reply.accepted",
        "rating.recorded", "ticket.closed",
    ],
    "return upheld": [
        "ticket.opened", "ticket.dispatched", "ticket.signed", "return.requested", "return.upheld",
        "ticket.dispatched", "ticket.signed", "reply.submitted", "reply.accepted", "ticket.withdrawn",
    ],
    "too late, then extended and redone": [
        "ticket.opened", "ticket.dispatched", "ticket.signed", "clock.elapsed", "command.refused",
        "extension.requested", "extension.granted", "command.refused", "reply.submitted", "reply.accepted",
        "rating.recorded", "dissatisfaction.judged", "ticket.redispatched", "ticket.signed", "reply.submitted",
        "reply.accepted", "rating.recorded", "ticket.closed",
    ],
    "poor reply, unjustified": [
        "ticket.opened", "ticket.dispatched", "ticket.signed", "reply.submitted", "reply.rejected",
        "reply.submitted", "reply.accepted", "rating.recorded", "dissatisfaction.judged", "explanation.given",
        "ticket.closed",
    ],
    "emergency": ["ticket.opened", "ticket.diverted"],
    "knowledge base": ["ticket.opened", "ticket.answered"],
    "lawful channel": ["ticket.opened", "ticket.declined"],
    "manual desk": [
        "ticket.opened", "ticket.queued", "ticket.dispatched", "ticket.signed", "reply.submitted", "reply.accepted",
        "rating.recorded", "ticket.closed",
    ],
    "held, then forgotten": [
        "ticket.opened", "ticket.held", "clock.elapsed", "ticket.dispatched", "clock.breached", "ticket.signed",
        "clock.elapsed", "clock.at_risk", "clock.at_risk", "clock.at_risk", "clock.breached", "clock.breached",
        "clock.at_risk", "clock.at_risk",
    ],
    "parent": [
        "ticket.opened", "ticket.dispatched", "ticket.signed", "child.attached", "child.attached", "child.detached",
        "reply.submitted", "reply.accepted", "rating.recorded", "ticket.closed",
    ],
    "child": [
        "ticket.opened", "ticket.dispatched", "merge.requested", "ticket.merged", "reply.shared", "rating.recorded",
        "ticket.closed",
    ],
    "taken out": [
        "ticket.opened", "ticket.dispatched", "merge.requested", "ticket.merged", "ticket.unmerged",
        "ticket.dispatched", "ticket.withdrawn",
    ],
    "twice returned": [
        "ticket.opened", "ticket.dispatched", "ticket.signed", "return.requested", "return.refused",
        "return.requested", "return.upheld", "ticket.dispatched", "ticket.signed", "command.refused",
        "ticket.withdrawn",
    ],
}  # fmt: skip


class Played:
    """The stage after the play, and the tickets by name."""

    def __init__(self, stage: Stage, tickets: dict[str, str], killed: list[str]) -> None:
        self.stage, self.tickets, self.killed = stage, tickets, killed


@pytest.fixture(scope="module")
def played(new_settings: object, policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    settings: Settings = new_settings()  # type: ignore[operator]
    logs: Path = tmp_path_factory.mktemp("logs")
    with Mesh(settings, logs) as mesh:
        stage = Stage(mesh, policy)
        tickets = script(stage)
        pending, killed = list(SERVICES), []
        begin, end = at("Tue 2026-09-22 23:00"), at("Fri 2026-10-09 20:00")
        for number, _ in enumerate(stage.driver.steps(begin, end, HOURLY)):
            if pending and number % 4 == 3:
                killed.append(pending.pop(0))
                mesh.kill_and_restart(killed[-1])
        yield Played(stage, tickets, killed)
        stage.close()


@pytest.mark.parametrize("name", STORIES)
def test_a_ticket_lives_exactly_this_life(played: Played, name: str) -> None:
    assert STORIES[name] == played.stage.story(played.tickets[name])


def test_every_service_was_killed_once_on_the_way(played: Played) -> None:
    assert list(SERVICES) == played.killed


def test_facts_are_numbered_without_a_gap_and_never_doubled(played: Played) -> None:
    for ticket in played.tickets.values():
        sequences = [fact.sequence for fact in played.stage.facts(ticket)]
        assert list(range(1, len(sequences) + 1)) == sequences


def test_a_deemed_closure_counts_as_basically_satisfied_and_says_so(played: Played) -> None:
    closed = played.stage.facts(played.tickets["silent"])[-1]
    assert ("deemed", "basically_satisfied", True) == (closed.resolution, closed.rating, closed.deemed)  # type: ignore[attr-defined]
    assert at("Thu 2026-10-08 18:00") == closed.time, "5 working days across Mid-Autumn and National Day"


def test_the_handling_limit_crosses_the_holiday_and_the_adjusted_workdays(played: Played) -> None:
    dispatched = played.stage.facts(played.tickets["satisfied"])[1]
    due = {clock.kind.value: clock.due_at for clock in dispatched.started}
    assert at("Tue 2026-09-29 18:00") == due["handle"], "help: 3 working days after Wed 09-23; 25-27 Sep are off"
    assert at("Wed 2026-09-23 11:00") == due["sign"]


def test_a_held_ticket_is_dispatched_at_the_opening_and_its_breach_bears_the_due_instant(played: Played) -> None:
    facts = played.stage.facts(played.tickets["held, then forgotten"])
    assert at("Thu 2026-09-24 08:30") == facts[3].time
    breach = next(f for f in facts if f.type == "clock.breached.v1" and f.clock == "handle")  # type: ignore[attr-defined]
    assert at("Wed 2026-09-30 18:00") == breach.time


def test_an_extension_counts_from_the_whole_and_the_case_never_restarts(played: Played) -> None:
    facts = played.stage.facts(played.tickets["too late, then extended and redone"])
    granted = next(f for f in facts if f.type == "extension.granted.v1")
    assert at("Thu 2026-10-08 18:00") == granted.new_due_at  # type: ignore[attr-defined]
    starts = [clock for fact in facts for clock in fact.started if clock.kind.value == "case"]
    assert {at("Wed 2026-09-23 09:00")} == {clock.started_at for clock in starts}


def test_a_complaint_by_night_is_dispatched_at_once_and_signed_for_by_the_wall_clock(played: Played) -> None:
    dispatched = played.stage.facts(played.tickets["complaint by night"])[1]
    assert (TicketStage.DISPATCHED, at("Thu 2026-09-24 02:00")) == (dispatched.stage, dispatched.time)
    assert at("Thu 2026-09-24 04:00") == next(c.due_at for c in dispatched.started if c.kind.value == "sign")


def test_reminders_climb_the_ladder_once_per_rung(played: Played) -> None:
    ticket = played.tickets["held, then forgotten"]
    reminders = [r for r in played.stage.driver.ledger.reminders if r.subject == ticket]
    rungs = [r.rung for r in sorted(reminders, key=lambda r: r.time) if r.clock.value == "handle"]
    assert ["half", "four_fifths", "near_due", "overdue", "overdue_daily", "overdue_daily"] == rungs


def test_the_account_balances(played: Played) -> None:
    account = played.stage.driver.ledger.account()
    assert account.balanced, account.missing
    assert 17 == account.accepted


def test_a_merged_ticket_has_the_reply_of_its_parent_and_a_rating_of_its_own(played: Played) -> None:
    (parent, *_), child = (played.stage.facts(played.tickets[name])[::-1] for name in ("parent", "child"))
    closed, _, shared, *_ = child
    assert (played.tickets["parent"], "satisfied") == (closed.merged_into, closed.rating)  # type: ignore[attr-defined]
    assert (None, "basically_satisfied") == (parent.merged_into, parent.rating)  # type: ignore[attr-defined]
    assert (OWN, at("Wed 2026-09-23 16:00")) == (shared.unit, shared.replied_at)  # type: ignore[attr-defined]


def test_a_replay_from_offset_zero_says_the_same_facts(played: Played, policies: Policies) -> None:
    settings = played.stage.mesh.settings
    found = compare(settings, load(), router(policies))
    assert () == found.differing
    assert digest(decide_again(settings, load(), router(policies))) == digest(
        read_facts(settings, load(), "ticket-events")
    )


@pytest.fixture(scope="module")
def recorded(played: Played, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of all that was played, as `hotline log export` writes it."""
    settings = played.stage.mesh.settings
    tail = Tail(settings, load(), LOG_TOPICS)
    path = tmp_path_factory.mktemp("log") / "log.jsonl.gz"
    write_log(path, tail.catch_up())
    tail.close()
    return path


def test_simulated_under_the_same_rulebook_nothing_is_decided_otherwise(recorded: Path, policies: Policies) -> None:
    found = simulate(list(read_log(recorded)), policies, Console(quiet=True))
    assert found.tickets > 10
    assert () == found.differences


def test_simulated_under_a_longer_limit_exactly_the_tickets_of_that_kind_differ(
    recorded: Path, policies: Policies
) -> None:
    book = policies.newest.rulebook.model_dump(mode="json", by_alias=True)
    book["kinds"]["help"]["handle"]["amount"] = 4
    other = replace(policies.newest, rulebook=Rulebook.model_validate(book))
    log = list(read_log(recorded))
    found = simulate(log, Policies.always(other), Console(quiet=True))
    dispatched = {
        fact.subject
        for said in told(log).values()
        for fact in said.facts.values()
        if fact.type == "ticket.dispatched.v1" and fact.kind == "help"
    }
    bound_otherwise = {d.ticket for d in found.differences} ^ dispatched
    assert all(limits_of(told(log)[ticket]) for ticket in bound_otherwise), bound_otherwise
    assert len(found.differences) > 5


def limits_of(said: Told) -> bool:
    """Say whether another limit than the table's bounds the ticket, so that the table does not matter."""
    opened = next(fact for fact in said.facts.values() if isinstance(fact, TicketOpened))
    return opened.limit_override is not None or opened.upstream_due_at is not None
