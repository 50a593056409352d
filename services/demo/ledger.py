"""The demo's books: what is read from the topics, nothing else. Pure; every figure of screen and report is from here.

An event that was read twice counts once, by topic, source and id.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from schemas.envelope import Event
from schemas.facts import ClockPulsed, CommandRefused, Fact, ReplyAccepted, TicketClosed
from schemas.supervision import AccountabilityFlagged, ContactRequested, DigestIssued, ReminderIssued, ScorePublished
from schemas.upstream import UpstreamTicketSubmitted
from schemas.vocabulary import ClockKind, Kind, Rating, Rung, Stage
from services.core.transitions import OPEN_STAGES
from services.demo.ledger_figures import NAMED, Account, DeadLetterSeen, OnTime, OpenQueue, Satisfaction
from services.demo.ledger_queues import QueueSample, QueueSamples
from services.demo.ledger_tickets import Punctuality, TicketHistory, most_eventful

FEED = "upstream-tickets"
Upstream = tuple[str, str]
"""Platform and upstream id: what makes two messages one matter."""


class Ledger:
    """Books what the topics say; figures are computed when asked for."""

    def __init__(self) -> None:
        self.histories: dict[str, TicketHistory] = {}
        self.now: datetime | None = None
        self.fact_count = 0
        self.dead_letters: list[DeadLetterSeen] = []
        self.reminders: list[ReminderIssued] = []
        self.digests: list[DigestIssued] = []
        self.flags: list[AccountabilityFlagged] = []
        self.contact_count = 0
        self.queues = QueueSamples()
        self._seen: set[tuple[str, str, str]] = set()
        self._buried: set[DeadLetterSeen] = set()
        self._submitted: dict[Upstream, set[tuple[int, int]]] = {}
        self._other_feed: set[tuple[int, int]] = set()
        self._closed_records: set[str] = set()
        self._scores: dict[tuple[str, str], tuple[int, ScorePublished]] = {}
        self._open: set[str] = set()

    def add(self, topic: str, partition: int, offset: int, event: Event) -> bool:
        """Book an event read at this position; gives False for one that is on the books already."""
        if topic == FEED:
            self._hear_feed((partition, offset), event)
        key = (topic, event.source, event.id)
        if key in self._seen:
            return False
        self._seen.add(key)
        match event:
            case TicketClosed() if topic == "closed-tickets":
                self._closed_records.add(event.id)
            case Fact():
                self._add_fact(event)
            case ClockPulsed():
                self.now = max(event.time, self.now or event.time)
                self.queues.pulse(event.time)
            case ReminderIssued():
                self.reminders.append(event)
            case DigestIssued():
                self.digests.append(event)
            case ContactRequested():
                self.contact_count += 1
            case AccountabilityFlagged():
                self.flags.append(event)
            case ScorePublished():
                known = self._scores.get((event.unit, event.period))
                if known is None or known[0] < offset:
                    self._scores[event.unit, event.period] = (offset, event)
            case _:
                pass
        return True

    def _hear_feed(self, at: tuple[int, int], event: Event) -> None:
        if isinstance(event, UpstreamTicketSubmitted):
            self._submitted.setdefault((event.platform, event.upstream_id), set()).add(at)
        else:
            self._other_feed.add(at)

    def _add_fact(self, fact: Fact) -> None:
        self.fact_count += 1
        history = self.histories.get(fact.subject)
        if history is None:
            history = self.histories[fact.subject] = TicketHistory(fact.subject)
        history.add(fact)
        if history.is_open:
            self._open.add(fact.subject)
        else:
            self._open.discard(fact.subject)

    def add_dead_letter(
        self, topic: str, service: str, code: str, original_topic: str, original_partition: int, original_offset: int
    ) -> None:
        """Book a dead letter that lies on `topic`; one record buried twice by a service counts once."""
        seen = DeadLetterSeen(
            service or topic.removesuffix("-dead-letters"), code, original_topic, original_partition, original_offset
        )
        if seen not in self._buried:
            self._buried.add(seen)
            self.dead_letters.append(seen)

    @property
    def open_count(self) -> int:
        """Give how many tickets are open."""
        return len(self._open)

    def facts(self, ticket: str) -> tuple[Fact, ...]:
        """Give a ticket's facts by sequence; none for a ticket that is not on the books."""
        history = self.histories.get(ticket)
        return tuple(history.facts) if history else ()

    def open_queues(self) -> dict[tuple[Stage, Kind, str], OpenQueue]:
        """Give the open tickets per stage, kind and unit group ("none" before dispatch), in the order of a life."""
        found: dict[tuple[Stage, Kind, str], OpenQueue] = {}
        for token in self._open:
            history = self.histories[token]
            key = (history.stage, history.kind, history.facts[-1].unit_group or "none")
            since = history.since or history.facts[0].time
            known = found.get(key, OpenQueue(0, since))
            found[key] = OpenQueue(known.count + 1, min(known.oldest_since, since))
        return {key: found[key] for key in sorted(found, key=lambda k: (OPEN_STAGES.index(k[0]), k[1], k[2]))}

    def queue_samples(self) -> list[QueueSample]:
        """Give the queues at every remembered pulse."""
        return self.queues.samples(self.histories.values())

    def account(self) -> Account:
        """Balance the books: every matter accepted, by where it is now."""
        dead = {
            (d.partition, d.offset) for d in self.dead_letters if d.service == "intake" and d.topic == FEED
        } - self._other_feed
        unread = dead.difference(*self._submitted.values()) if self._submitted else dead
        on_books: dict[Upstream, list[TicketHistory]] = {}
        broken = []
        for token in sorted(self.histories):
            history = self.histories[token]
            if history.opened is not None:
                on_books.setdefault((history.opened.platform, history.opened.upstream_id), []).append(history)
            if not history.complete:
                broken.append(token)
        counts: Counter[str] = Counter(dead=len(unread))
        missing = []
        for matter in sorted(self._submitted):
            where = self._where(on_books.get(matter, []), dead=self._submitted[matter] <= dead)
            counts[where] += 1
            if where == "missing":
                missing.append("/".join(matter))
        strays = ["/".join(matter) for matter in sorted(on_books) if matter not in self._submitted]
        return Account(
            accepted=len(self._submitted) + len(unread),
            closed=counts[Stage.CLOSED],
            open=counts["open"],
            diverted=counts[Stage.DIVERTED],
            answered=counts[Stage.ANSWERED],
            declined=counts[Stage.DECLINED],
            withdrawn=counts[Stage.WITHDRAWN],
            dead_letters=counts["dead"],
            missing=tuple(missing[:NAMED]),
            strays=tuple(strays[:NAMED]),
            broken=tuple(broken[:NAMED]),
        )

    def _where(self, histories: list[TicketHistory], *, dead: bool) -> str:
        """Say where a matter is now; "closed" only if the closing is on `closed-tickets` too."""
        if len(histories) != 1:
            # None: the matter got lost, unless the door buried it. Several: one matter became two tickets.
            return "dead" if dead and not histories else "missing"
        history = histories[0]
        if history.is_open:
            return "open"
        closing = history.closing
        if history.stage is Stage.CLOSED and (closing is None or closing.id not in self._closed_records):
            return "missing"
        return history.stage.value

    def on_time_by_kind(self) -> dict[Kind, OnTime]:
        """Give for each kind how its tickets stand to their handling limits (Art. 8)."""
        counts: dict[Kind, Counter[str]] = {kind: Counter() for kind in Kind}
        if self.now is not None:
            for history in self.histories.values():
                verdict = history.punctuality(self.now)
                if verdict is not None:
                    counts[history.kind][verdict.value] += 1
        return {kind: OnTime(**{p.value: found[p.value] for p in Punctuality}) for kind, found in counts.items()}

    def on_time(self) -> OnTime:
        """Give the same for all kinds together."""
        kinds = self.on_time_by_kind().values()
        return OnTime(**{p.value: sum(getattr(kind, p.value) for kind in kinds) for p in Punctuality})

    def satisfaction(self) -> Satisfaction:
        """Give how citizens judged what is closed now."""
        closings = [h.closing for h in self.histories.values() if h.stage is Stage.CLOSED]
        judged = [(c.rating is not Rating.DISSATISFIED, c.deemed) for c in closings if c is not None]
        return Satisfaction(
            closed=len(judged),
            satisfied=sum(happy for happy, _ in judged),
            rated=sum(not deemed for _, deemed in judged),
            satisfied_rated=sum(happy and not deemed for happy, deemed in judged),
        )

    def breaches(self) -> dict[ClockKind, int]:
        """Give how many limits of each kind ran out and were not taken back."""
        found = Counter(breach[0] for history in self.histories.values() for breach in history.breaches())
        return {kind: found[kind] for kind in ClockKind if found[kind]}

    def refusals(self) -> list[tuple[str, str, str, int]]:
        """Give refused commands as (code, article, command, count), the most frequent first."""
        found = Counter((f.code, f.article, f.command) for f in self._all_facts() if isinstance(f, CommandRefused))
        return [(*key, count) for key, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))]

    def reminders_by_rung(self) -> dict[Rung, tuple[int, int]]:
        """Give (written, by phone) reminders of each rung of the ladder (Art. 10)."""
        found = Counter((reminder.rung, reminder.channel) for reminder in self.reminders)
        return {rung: (found[rung, "written"], found[rung, "phone"]) for rung in Rung}

    def dead_letters_by_code(self) -> list[tuple[str, str, str, int]]:
        """Give dead letters as (service, original topic, code, count), the most frequent first."""
        found = Counter((d.service, d.topic, d.code) for d in self.dead_letters)
        return [(*key, count) for key, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))]

    def unit_scores(self) -> list[ScorePublished]:
        """Give the newest score of each unit and period, by period and unit."""
        return [score for _, (_, score) in sorted(self._scores.items(), key=lambda item: (item[0][1], item[0][0]))]

    def funnel(self) -> list[tuple[str, int]]:
        """Give how many matters got at least as far as each step; a step once taken stays taken."""
        types = [{fact.type for fact in history.facts} for history in self.histories.values()]
        answered = [any(isinstance(f, ReplyAccepted) for f in h.facts) for h in self.histories.values()]
        return [
            ("accepted", self.account().accepted),
            ("dispatched", sum("ticket.dispatched.v1" in found for found in types)),
            ("signed", sum("ticket.signed.v1" in found for found in types)),
            ("replied", sum("reply.submitted.v1" in found for found in types)),
            ("revisited", sum(answered)),
            ("closed", sum("ticket.closed.v1" in found for found in types)),
        ]

    def most_eventful(self) -> TicketHistory | None:
        """Choose the ticket whose life shows most of the rules."""
        return most_eventful(self.histories.values())

    def _all_facts(self) -> Iterable[Fact]:
        return (fact for history in self.histories.values() for fact in history.facts)
