from collections.abc import Callable
from datetime import timedelta

import pytest

from schemas.commands import PulseClock
from schemas.envelope import Event
from schemas.facts import ClockPulsed, TicketClosed, TicketOpened
from schemas.supervision import ScorePublished
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from schemas.vocabulary import ClockKind, Kind, Rung, Stage
from services.core.policy import Policy
from services.demo.ledger import Account, Ledger
from services.demo.ledger_queues import QueueSamples
from services.demo.ledger_tickets import Punctuality, TicketHistory
from tests.demo.builders import Log, at, book, settled_county


@pytest.fixture(scope="module")
def log(policy: Policy) -> Log:
    return settled_county(policy)


@pytest.fixture
def ledger(log: Log) -> Ledger:
    return book(log)


def without(log: Log, gone: Callable[[str, Event], bool]) -> Log:
    kept = [record for record in log if not gone(record[0], record[3])]
    assert len(kept) < len(log), "the planted loss must take something away"
    return kept


def test_every_matter_counts_once_by_where_it_is_now(ledger: Ledger) -> None:
    ledger.add_dead_letter("intake-dead-letters", "intake", "not-json", "upstream-tickets", 0, 9_001)

    account = ledger.account()

    expected = Account(
        accepted=11, closed=4, open=2, diverted=1, answered=1, declined=1, withdrawn=1, dead_letters=1
    )  # fmt: skip
    assert expected == account
    assert account.accounted == account.accepted
    assert account.balanced


def test_a_reopened_matter_counts_once_by_its_last_stage(ledger: Ledger) -> None:
    types = [fact.type for fact in ledger.facts("T-back")]

    assert 1 == types.count("ticket.reopened.v1")
    assert Stage.IN_PROGRESS is ledger.histories["T-back"].stage
    assert ledger.account().balanced


def test_a_matter_that_got_lost_is_named(log: Log) -> None:
    account = book(without(log, lambda _, event: event.subject == "T-good")).account()

    assert not account.balanced
    assert ("test/good",) == account.missing


def test_a_closing_that_is_not_on_closed_tickets_is_named(log: Log) -> None:
    lost = without(log, lambda topic, event: topic == "closed-tickets" and event.subject == "T-late")

    account = book(lost).account()

    assert not account.balanced
    assert ("test/late",) == account.missing


def test_a_ticket_that_nobody_handed_down_is_named(log: Log) -> None:
    lost = without(log, lambda _, event: isinstance(event, UpstreamTicketSubmitted) and event.upstream_id == "good")

    account = book(lost).account()

    assert not account.balanced
    assert ("test/good",) == account.strays


def test_a_hole_in_the_facts_is_named_though_the_sum_agrees(log: Log) -> None:
    account = book(without(log, lambda _, e: e.type == "ticket.signed.v1" and e.subject == "T-late")).account()

    assert account.accepted == account.accounted
    assert not account.balanced
    assert ("T-late",) == account.broken


def test_at_most_twenty_lost_matters_are_named() -> None:
    ledger = Ledger()
    for number in range(30):
        ledger.add("upstream-tickets", 0, number, submitted(f"n{number:02d}"))

    account = ledger.account()

    assert 30 == account.accepted
    assert 20 == len(account.missing)
    assert "test/n00" == account.missing[0]


def test_what_was_read_twice_counts_once(log: Log) -> None:
    once, twice = book(log), book([*log, *log])

    assert once.account() == twice.account()
    assert once.fact_count == twice.fact_count
    assert once.reminders_by_rung() == twice.reminders_by_rung()
    assert once.contact_count == twice.contact_count


def test_add_says_whether_the_event_was_new(log: Log) -> None:
    ledger = Ledger()

    assert ledger.add(*log[0])
    assert not ledger.add(*log[0])


def test_order_across_partitions_and_topics_does_not_matter(log: Log) -> None:
    live, backwards = book(log), book(reversed(log))

    assert live.account() == backwards.account()
    assert live.on_time_by_kind() == backwards.on_time_by_kind()
    assert live.queue_samples() == backwards.queue_samples()
    assert live.open_queues() == backwards.open_queues()


def test_a_message_sent_twice_is_one_matter(log: Log) -> None:
    ledger = book(log)
    accepted = ledger.account().accepted

    ledger.add("upstream-tickets", 0, 5_000, submitted("good", message="again"))

    assert accepted == ledger.account().accepted
    assert ledger.account().balanced


def test_a_readable_message_that_the_door_buried_counts_as_one_dead_letter() -> None:
    ledger = Ledger()
    ledger.add("upstream-tickets", 2, 7, submitted("too-far-ahead"))
    ledger.add_dead_letter("intake-dead-letters", "intake", "invalid-field", "upstream-tickets", 2, 7)
    ledger.add_dead_letter("intake-dead-letters", "intake", "invalid-field", "upstream-tickets", 2, 7)

    account = ledger.account()

    assert (1, 1) == (account.accepted, account.dead_letters)
    assert account.balanced


def test_a_buried_urging_is_no_matter() -> None:
    ledger = Ledger()
    urging = UpstreamTicketUrged(
        id="u", source="/platform/test", time=at("Wed 2026-09-23 09:00"), platform="test", upstream_id="x"
    )
    ledger.add("upstream-tickets", 0, 3, urging)
    ledger.add_dead_letter("intake-dead-letters", "intake", "unknown-ticket", "upstream-tickets", 0, 3)

    assert 0 == ledger.account().accepted
    assert ledger.account().balanced


def test_dead_letters_of_other_services_are_listed_but_are_no_matters(ledger: Ledger) -> None:
    before = ledger.account()
    ledger.add_dead_letter("router-dead-letters", "router", "unknown-ticket", "ticket-commands", 1, 4)

    assert before == ledger.account()
    assert [("router", "ticket-commands", "unknown-ticket", 1)] == ledger.dead_letters_by_code()


def test_late_stays_late_though_it_was_answered_in_the_end(ledger: Ledger) -> None:
    assert ledger.now is not None
    verdicts = {token: history.punctuality(ledger.now) for token, history in ledger.histories.items()}

    assert Punctuality.ON_TIME is verdicts["T-good"]
    assert Punctuality.LATE is verdicts["T-late"]
    assert Punctuality.OPEN_OVERDUE is verdicts["T-stuck"]
    assert verdicts["T-fire"] is None


def test_the_on_time_rate_counts_what_is_open_and_overdue(ledger: Ledger) -> None:
    helps = ledger.on_time_by_kind()[Kind.HELP]

    assert (helps.on_time, helps.late, helps.open_overdue) == (2, 1, 2)
    assert 40.0 == helps.rate
    assert ledger.on_time().rate == 100 * 3 / 6


def test_a_reply_in_review_is_judged_by_when_it_was_given(log: Log) -> None:
    submitted_at = next(record[3].time for record in log if record[3].type == "reply.submitted.v1")
    facts = [record[3] for record in log if record[3].subject == "T-good" and record[0] == "ticket-events"]
    history = TicketHistory("T-good")
    for fact in facts[: [fact.type for fact in facts].index("reply.submitted.v1") + 1]:
        history.add(fact)  # type: ignore[arg-type]

    assert Stage.REPLIED is history.stage
    assert Punctuality.OPEN_IN_TIME is history.punctuality(submitted_at + timedelta(days=30))


def test_satisfaction_stands_with_and_without_silence(ledger: Ledger) -> None:
    happy = ledger.satisfaction()

    assert (4, 3, 3, 2) == (happy.closed, happy.satisfied, happy.rated, happy.satisfied_rated)
    assert 75.0 == happy.with_deemed
    assert round(happy.rated_only or 0, 2) == 66.67


def test_breaches_refusals_and_reminders_are_counted(ledger: Ledger) -> None:
    assert (2, 3) == (ledger.breaches()[ClockKind.CASE], ledger.breaches()[ClockKind.HANDLE])
    assert ("not-the-responsible-unit", "Art. 7", "ticket.sign.v1", 1) in ledger.refusals()
    written, phone = ledger.reminders_by_rung()[Rung.NEAR_DUE]
    assert written == 0
    assert phone > 0


def test_the_funnel_only_narrows(ledger: Ledger) -> None:
    counts = [count for _, count in ledger.funnel()]

    assert ("accepted", 10) == ledger.funnel()[0]
    assert ("closed", 5) == ledger.funnel()[-1], "four closed now, one closed and opened again"
    assert counts == sorted(counts, reverse=True)


def test_the_newest_score_of_a_unit_and_month_counts(ledger: Ledger) -> None:
    scores = ledger.unit_scores()
    keys = [(score.unit, score.period) for score in scores]

    assert keys
    assert len(keys) == len(set(keys))
    older = ScorePublished.model_validate(scores[0].model_dump() | {"id": "older", "closed": 999})
    ledger.add("unit-scores", 0, -1, older)
    assert scores == ledger.unit_scores()


def test_open_tickets_are_queued_by_stage_kind_and_group(ledger: Ledger) -> None:
    queues = ledger.open_queues()

    assert {Stage.IN_PROGRESS} == {stage for stage, _, _ in queues}
    assert ledger.open_count == sum(queue.count for queue in queues.values())
    oldest = queues[Stage.IN_PROGRESS, Kind.HELP, "urban"].oldest_since
    assert ledger.histories["T-stuck"].since == oldest


def test_queues_are_sampled_at_most_every_half_hour() -> None:
    samples = QueueSamples()
    first = at("Wed 2026-09-23 09:00")
    for minute in range(120):
        samples.pulse(first + timedelta(minutes=minute))

    assert 4 == len(samples)


def test_a_sample_says_who_waits_and_since_when(log: Log) -> None:
    ledger = book(log)
    sample = next(s for s in ledger.queue_samples() if s.at >= at("Wed 2026-09-23 09:45"))

    assert Stage.DISPATCHED in sample.waiting
    age = sample.age(Stage.DISPATCHED)
    assert age is not None
    assert timedelta() <= age <= timedelta(hours=1)


def test_an_extension_moves_the_due_instant_of_the_same_clock(ledger: Ledger) -> None:
    handle = [span for span in ledger.histories["T-rich"].spans() if span.kind is ClockKind.HANDLE]

    assert 2 == len(handle[1].dues), "the second unit's clock was extended"
    assert handle[1].dues[0] < handle[1].dues[1]


def test_a_matter_that_comes_back_has_a_handling_clock_of_its_own(ledger: Ledger) -> None:
    handle = [span for span in ledger.histories["T-back"].spans() if span.kind is ClockKind.HANDLE]

    assert [False, True] == [span.breached for span in handle]
    assert handle[0].stopped_at is not None
    assert handle[1].stopped_at is None


def test_the_most_eventful_ticket_is_the_one_that_went_through_most(ledger: Ledger) -> None:
    chosen = ledger.most_eventful()

    assert chosen is not None
    assert "T-rich" == chosen.token


def test_empty_books_balance_and_give_no_rates() -> None:
    ledger = Ledger()

    assert ledger.account().balanced
    assert ledger.on_time().rate is None
    assert ledger.satisfaction().with_deemed is None
    assert [] == ledger.queue_samples()
    assert ledger.most_eventful() is None


def test_time_is_the_newest_pulse(log: Log, ledger: Ledger) -> None:
    pulses = [record[3].time for record in log if isinstance(record[3], ClockPulsed)]

    assert max(pulses) == ledger.now
    assert not any(isinstance(record[3], PulseClock) and record[0] == "ticket-events" for record in log)
    assert any(isinstance(record[3], TicketOpened | TicketClosed) for record in log)


def submitted(upstream_id: str, message: str = "first") -> UpstreamTicketSubmitted:
    return UpstreamTicketSubmitted.model_validate(
        {
            "id": f"m-{upstream_id}-{message}", "source": "/platform/test", "time": at("Wed 2026-09-23 09:00"),
            "platform": "test", "upstream_id": upstream_id, "kind": "help", "category": "bulky-waste",
            "area": "533423100", "channel": "phone",
        }
    )  # fmt: skip
