"""Histories for the demo's books: the real services, folded over topics in memory instead of a broker."""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from schemas.commands import PulseClock
from schemas.envelope import Event, derived_id
from schemas.upstream import UpstreamTicketSubmitted
from schemas.wire import encode
from services.core.knowledge import KnowledgeArticle, KnowledgeBase
from services.core.policy import Policies, Policy
from services.core.service import Position
from services.demo.ledger import Ledger
from services.intake.door import actor_command, open_command
from services.reminder.service import service as make_reminder
from services.revisit.service import service as make_revisit
from services.router.service import service as make_router
from services.runtime.engine import Engine, Record
from services.runtime.knowledge_index import KnowledgeIndex
from services.scoring.service import service as make_scoring
from services.sla_timer.service import service as make_sla_timer

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HALF_HOUR = timedelta(minutes=30)
Log = list[tuple[str, int, int, Event]]
"""Records as they were written: topic, partition, offset, event."""


def at(text: str) -> datetime:
    """Read "Wed 2026-09-23 09:00" as local time; a wrong weekday is an error in the test."""
    weekday, rest = text.split(" ", 1)
    local = datetime.fromisoformat(rest).replace(tzinfo=SHANGHAI)
    assert WEEKDAYS[local.weekday()] == weekday, f"{rest} is a {WEEKDAYS[local.weekday()]}"
    return local.astimezone(UTC)


class County:
    """A county without a broker: what is said goes through the real services into a ledger."""

    def __init__(self, policy: Policy, knowledge: KnowledgeIndex | None = None, cast: Any = None) -> None:
        self.ledger = Ledger()
        self.log: Log = []
        self._policy, self._cast = policy, cast
        self._knowledge = knowledge or KnowledgeIndex(KnowledgeBase(()), policy.calendar.zone)
        makers = (make_router, make_sla_timer, make_reminder, make_revisit, make_scoring)
        folds = [fold for maker in makers for fold in maker(Policies.always(policy)).folds]
        tables: list[dict[bytes, Any]] = [{} for _ in folds]
        self._engines = [(Engine(fold, table), table) for fold, table in zip(folds, tables, strict=True)]
        self._offsets: Counter[str] = Counter()
        self._agenda: list[tuple[datetime, str, int, int, Any]] = []
        self._sources: dict[str, Any] = {}
        self._numbers = count()
        self._written: deque[tuple[str, Event]] = deque()

    def token(self, upstream_id: str) -> str:
        """Give the token of a matter."""
        return f"T-{upstream_id}"

    def opens(self, upstream_id: str, when: str, **fields: Any) -> str:
        """A platform hands a matter down; gives the ticket token."""
        data = {
            "id": f"m-{upstream_id}", "source": "/platform/test", "time": at(when), "platform": "test",
            "upstream_id": upstream_id, "kind": "help", "category": "bulky-waste", "area": "533423100",
            "channel": "phone",
        }  # fmt: skip
        self.plan(UpstreamTicketSubmitted.model_validate(data | fields))
        return self.token(upstream_id)

    def plan(self, submitted: UpstreamTicketSubmitted, source: Any = None) -> None:
        """Put an arrival on the agenda."""
        ticket = self.token(submitted.upstream_id)
        self._sources.setdefault(ticket, source)
        self._put(submitted.time, ticket, 0, submitted)

    def says(self, ticket: str, when: str, command: str, actor: str, **data: Any) -> None:
        """An actor ("unit:U-SANITATION") says something about a ticket."""
        role, _, name = actor.partition(":")
        message = {
            "specversion": "1.0", "id": derived_id("test", ticket, when, command), "source": f"/actor/{role}",
            "type": command, "subject": ticket, "time": at(when).isoformat(),
            "data": {"actor": {"role": role, "id": name or role}} | data,
        }  # fmt: skip
        self._put(at(when), ticket, 1, message)

    def replies(self, ticket: str, when: str, unit: str = "U-SANITATION", **changes: Any) -> None:
        """A unit replies, well unless `changes` say otherwise."""
        reply = {
            "text": f"经现场核实,{ticket} 于 {when} 办理完毕。", "handler": "H-1", "responsible": "R-1",
            "result": "resolved", "points": 1, "points_answered": 1,
        } | changes  # fmt: skip
        self.says(ticket, when, "reply.submit.v1", f"unit:{unit}", reply=reply)

    def signs(self, ticket: str, when: str, unit: str = "U-SANITATION") -> None:
        """A unit takes the ticket on."""
        self.says(ticket, when, "ticket.sign.v1", f"unit:{unit}")

    def rates(self, ticket: str, when: str, rating: str) -> None:
        """The citizen evaluates."""
        self.says(ticket, when, "rating.submit.v1", "citizen", rating=rating)

    def runs(self, begin: str, end: str, step: timedelta = HALF_HOUR) -> None:
        """Let simulated time pass, one pulse every `step`."""
        now, last = at(begin), at(end)
        while now <= last:
            while self._agenda and self._agenda[0][0] <= now:
                self._speak(*heappop(self._agenda)[1:])
            self.publish("ticket-commands", PulseClock(id=f"p-{now:%Y%m%dT%H%M}", source="/clock", time=now))
            now += step

    def publish(self, topic: str, event: Event) -> None:
        """Write an event, and let the services fold it and what comes of it, in the order in which it was written."""
        self._written.append((topic, event))
        while self._written:
            self._fold(*self._written.popleft())

    def _fold(self, topic: str, event: Event) -> None:
        offset = self._offsets[topic]
        self._offsets[topic] += 1
        self.log.append((topic, 0, offset, event))
        self.ledger.add(topic, 0, offset, event)
        headers, value = encode(event)
        record = Record(Position(topic, 0, offset), event.subject.encode() or None, value, tuple(headers), 0.0)
        for engine, table in self._engines:
            if engine.fold.reads == topic:
                result = engine.handle(record)
                self._written.extend((output.topic, output.event) for output in result.outputs)
                table.update(result.writes)
        if self._cast is not None and topic in {"ticket-events", "contact-tasks"}:
            for planned in self._cast.react(event, self._sources.get(event.subject)):
                self._put(planned.at, planned.ticket, planned.order, planned.command)

    def _put(self, when: datetime, ticket: str, order: int, said: Any) -> None:
        heappush(self._agenda, (when, ticket, order, next(self._numbers), said))

    def _speak(self, ticket: str, _order: int, _number: int, said: Any) -> None:
        if isinstance(said, UpstreamTicketSubmitted):
            self.publish("upstream-tickets", said)
            heard = open_command(said, ticket, self._policy.directory, self._knowledge)
        else:
            heard = actor_command(said, b"test")
        self.publish("ticket-commands", heard.command)


def book(log: Iterable[tuple[str, int, int, Event]]) -> Ledger:
    """Read records into books of their own."""
    ledger = Ledger()
    for record in log:
        ledger.add(*record)
    return ledger


def settled_county(policy: Policy) -> Log:
    """Ten matters around Mid-Autumn and the National Day, so that each way in which a matter may stand is there.

    Closed: good, late (dissatisfied, explained), silent (deemed), rich (returned, extended, sent back, redone). Open
    and overdue: stuck, back (opened again). Withdrawn: gone. At the door: fire, asked, court.
    """
    question = KnowledgeArticle(
        id="K-1",
        title_zh="如何办理",
        title_en="How",
        category="social-security",
        answer_zh="到窗口办理。",
        owner="U-HRSS",
        valid_from=date(2024, 1, 1),
    )
    county = County(policy, KnowledgeIndex(KnowledgeBase((question,)), policy.calendar.zone))
    for name in ("good", "late", "stuck", "back", "gone", "rich"):
        county.opens(name, "Wed 2026-09-23 09:00")
    county.opens("silent", "Wed 2026-09-23 09:00", kind="suggestion")
    county.opens("fire", "Wed 2026-09-23 09:05", category="fire")
    county.opens("asked", "Wed 2026-09-23 09:10", kind="consultation", category="social-security", title="如何办理")
    county.opens("court", "Wed 2026-09-23 09:20", category="litigation")
    for name in ("good", "late", "stuck", "back", "silent", "rich"):
        county.signs(f"T-{name}", "Wed 2026-09-23 10:10")
    county.says("T-good", "Wed 2026-09-23 09:40", "ticket.sign.v1", "unit:U-WATER")
    county.replies("T-good", "Wed 2026-09-23 11:00")
    county.rates("T-good", "Wed 2026-09-23 15:00", "satisfied")
    county.replies("T-late", "Wed 2026-09-30 10:00")
    county.rates("T-late", "Wed 2026-09-30 11:00", "dissatisfied")
    county.says(
        "T-late", "Wed 2026-09-30 15:00", "dissatisfaction.judge.v1", "office", justified=False, reason="policy"
    )
    county.says("T-late", "Wed 2026-09-30 16:00", "explanation.submit.v1", "unit:U-SANITATION", text="已说明政策。")
    county.replies("T-silent", "Wed 2026-09-23 14:40")
    county.says("T-gone", "Wed 2026-09-23 11:00", "ticket.withdraw.v1", "citizen")
    county.replies("T-back", "Wed 2026-09-23 11:00")
    county.rates("T-back", "Wed 2026-09-23 15:00", "satisfied")
    county.says("T-back", "Thu 2026-09-24 10:00", "ticket.reopen.v1", "citizen")
    county.signs("T-back", "Thu 2026-09-24 10:30")
    _rich_life(county)
    county.runs("Wed 2026-09-23 09:00", "Fri 2026-10-09 12:00")
    return county.log


def _rich_life(county: County) -> None:
    unit = "U-ENFORCEMENT"
    county.says(
        "T-rich", "Wed 2026-09-23 10:20", "return.request.v1", "unit:U-SANITATION",
        reason="not-our-remit", basis="三定方案", proposed_unit=unit,
    )  # fmt: skip
    county.says("T-rich", "Wed 2026-09-23 11:00", "return.decide.v1", "office", upheld=True)
    county.signs("T-rich", "Wed 2026-09-23 11:10", unit)
    county.says("T-rich", "Thu 2026-09-24 10:00", "extension.request.v1", f"unit:{unit}", reason="needs-survey")
    county.says("T-rich", "Thu 2026-09-24 11:00", "extension.decide.v1", "office", granted=True)
    county.replies("T-rich", "Mon 2026-09-28 10:00", unit, responsible=None)
    county.replies("T-rich", "Mon 2026-09-28 14:40", unit)
    county.rates("T-rich", "Mon 2026-09-28 15:00", "dissatisfied")
    county.says("T-rich", "Mon 2026-09-28 16:00", "dissatisfaction.judge.v1", "office", justified=True, reason="undone")
    county.signs("T-rich", "Mon 2026-09-28 16:30", unit)
    county.replies("T-rich", "Tue 2026-09-29 10:00", unit)
    county.rates("T-rich", "Tue 2026-09-29 11:00", "satisfied")
