"""Readable histories: local instants with their weekday, commands as short functions, and the real decider."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from schemas.commands import (
    AssignTicket,
    ClockSignal,
    CloseTicket,
    Command,
    DecideExtension,
    DecideReturn,
    JudgeDissatisfaction,
    LogContact,
    OpenTicket,
    ReopenTicket,
    RequestExtension,
    RequestReturn,
    ReviewReply,
    SignalClocks,
    SignTicket,
    SubmitExplanation,
    SubmitRating,
    SubmitReply,
    UrgeTicket,
    WithdrawTicket,
)
from schemas.envelope import derived_id
from schemas.facts import Fact
from schemas.values import Actor, Clock, Mark, Reply
from schemas.vocabulary import ClockKind, Role, Rung
from services.core.lifecycle.decide import decide
from services.core.policy import Policies, Policy
from services.core.service import Position
from services.core.ticket import Ticket

SHANGHAI = ZoneInfo("Asia/Shanghai")
TICKET = "T-1"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_numbers = itertools.count(1)

SANITATION, URBAN, TRAFFIC = "U-SANITATION", "U-URBAN", "U-TRAFFIC"


def at(text: str) -> datetime:
    """Read "Wed 2026-09-23 09:00" as local time; raises ValueError for a wrong weekday."""
    weekday, rest = text.split(" ", 1)
    local = datetime.fromisoformat(rest).replace(tzinfo=SHANGHAI)
    if WEEKDAYS[local.weekday()] != weekday:
        raise ValueError(f"{rest} is a {WEEKDAYS[local.weekday()]}, not a {weekday}")
    return local.astimezone(UTC)


def local(instant: datetime) -> str:
    """Write an instant as `at` reads it, with seconds only where there are some."""
    here = instant.astimezone(SHANGHAI)
    return f"{WEEKDAYS[here.weekday()]} {here:%Y-%m-%d %H:%M}" + (f":{here:%S}" if here.second else "")


def actor(text: str) -> Actor:
    """Read "unit:U-URBAN", "office", "citizen", "service", "platform:stage"."""
    role, _, name = text.partition(":")
    return Actor(role=Role(role), id=name or role)


def said(cls: type[Command], who: str, when: str, **data: Any) -> Any:
    """Make a command of `cls` by `who` at local time `when`; each has an id of its own."""
    number = next(_numbers)
    base = {"id": f"c-{number}", "source": f"/test/{who}", "subject": TICKET, "time": at(when), "actor": actor(who)}
    return cls.model_validate(base | data)


def opens(when: str, kind: str = "help", category: str = "bulky-waste", **data: Any) -> OpenTicket:
    base = {
        "platform": "stage", "upstream_id": "1", "kind": kind, "category": category, "area": "533423100",
        "channel": "phone", "pii_ref": "pii-1",
    }  # fmt: skip
    who = data.pop("who", "platform:stage")
    return said(OpenTicket, who, when, **(base | data))  # type: ignore[no-any-return]


def assigns(when: str, unit: str = TRAFFIC, who: str = "office") -> Command:
    return said(AssignTicket, who, when, unit=unit)  # type: ignore[no-any-return]


def signs(when: str, unit: str = SANITATION) -> Command:
    return said(SignTicket, f"unit:{unit}", when)  # type: ignore[no-any-return]


def returns(when: str, unit: str = SANITATION, to: str | None = None) -> Command:
    data = {"reason": "not-our-remit", "basis": "三定方案", "proposed_unit": to}
    return said(RequestReturn, f"unit:{unit}", when, **data)  # type: ignore[no-any-return]


def upholds(when: str, to: str | None = None) -> Command:
    return said(DecideReturn, "office", when, upheld=True, unit=to)  # type: ignore[no-any-return]


def refuses_return(when: str) -> Command:
    return said(DecideReturn, "office", when, upheld=False)  # type: ignore[no-any-return]


def asks_for_time(when: str, unit: str = SANITATION) -> Command:
    return said(RequestExtension, f"unit:{unit}", when, reason="waiting-for-parts")  # type: ignore[no-any-return]


def grants(when: str, who: str = "office") -> Command:
    return said(DecideExtension, who, when, granted=True)  # type: ignore[no-any-return]


def refuses_time(when: str) -> Command:
    return said(DecideExtension, "office", when, granted=False)  # type: ignore[no-any-return]


def reply(**changes: Any) -> Reply:
    """A reply in which nothing is wanting, unless `changes` say so."""
    base = {
        "content_ref": "text-1", "handler": "H-1", "responsible": "R-1", "result": "resolved",
        "template_digest": "digest-1",
    }  # fmt: skip
    return Reply.model_validate(base | changes)


def replies(when: str, unit: str = SANITATION, **changes: Any) -> Command:
    return said(SubmitReply, f"unit:{unit}", when, reply=reply(**changes))  # type: ignore[no-any-return]


def passes(when: str, cycle: int = 1, who: str = "service:revisit") -> Command:
    return said(ReviewReply, who, when, cycle=cycle)  # type: ignore[no-any-return]


def fails(when: str, cycle: int = 1) -> Command:
    return said(ReviewReply, "service:revisit", when, cycle=cycle, defects=("empty_phrases",))  # type: ignore[no-any-return]


def calls(when: str, attempt: int = 1, outcome: str = "answered") -> Command:
    return said(LogContact, "office", when, attempt=attempt, channel="phone", outcome=outcome)  # type: ignore[no-any-return]


def rates(when: str, rating: str = "satisfied", who: str = "citizen") -> Command:
    return said(SubmitRating, who, when, rating=rating)  # type: ignore[no-any-return]


def judges(when: str, *, justified: bool) -> Command:
    return said(JudgeDissatisfaction, "office", when, justified=justified, reason="seen")  # type: ignore[no-any-return]


def explains(when: str, unit: str = SANITATION) -> Command:
    return said(SubmitExplanation, f"unit:{unit}", when, content_ref="text-2")  # type: ignore[no-any-return]


def closes(when: str, resolution: str = "rated") -> Command:
    return said(CloseTicket, "service:revisit", when, resolution=resolution)  # type: ignore[no-any-return]


def urges(when: str, who: str = "platform:stage") -> Command:
    return said(UrgeTicket, who, when)  # type: ignore[no-any-return]


def withdraws(when: str) -> Command:
    return said(WithdrawTicket, "citizen", when)  # type: ignore[no-any-return]


def reopens(when: str) -> Command:
    return said(ReopenTicket, "citizen", when)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Alarm:
    """sla-timer's alarm of a clock of the ticket as it stands then: at its end, or at a rung."""

    kind: ClockKind
    rung: Rung | None = None
    when: str | None = None
    cycle: int | None = None

    def rings_on(self, ticket: Ticket) -> Ticket:
        """Give the ticket with a ladder that has this rung at this instant: a rung rings at its mark or not at all."""
        if self.rung is None or self.when is None:
            return ticket
        mark = Mark(rung=self.rung, at=at(self.when))
        marked = (c.model_copy(update={"marks": (*c.marks, mark)}) if c.kind is self.kind else c for c in ticket.clocks)
        return ticket.model_copy(update={"clocks": tuple(marked)})

    def on(self, ticket: Ticket) -> SignalClocks:
        clock = ticket.clock(self.kind, self.cycle)
        if clock is None:
            raise AssertionError(f"no {self.kind} clock runs in stage {ticket.stage}")
        rings_at = at(self.when) if self.when else clock.due_at
        signal = ClockSignal(clock=clock.kind, cycle=clock.cycle, due_at=clock.due_at, at=rings_at, rung=self.rung)
        return alarm(signal)


def alarm(*signals: ClockSignal) -> SignalClocks:
    """All alarms of one pulse in one command, as sla-timer says them."""
    return SignalClocks(
        id=f"c-{next(_numbers)}", source="/test/sla-timer", subject=TICKET, time=signals[-1].at,
        actor=actor("service:sla-timer"), signals=signals,
    )  # fmt: skip


def elapses(kind: str, cycle: int | None = None) -> Alarm:
    """The clock of that kind (and leg, if given), as it runs then, runs out."""
    return Alarm(ClockKind(kind), cycle=cycle)


@dataclass(frozen=True)
class Story:
    """A ticket and its facts after some commands."""

    ticket: Ticket
    facts: tuple[Fact, ...]
    last: tuple[Fact, ...]
    """The facts that the last command led to."""

    @property
    def types(self) -> list[str]:
        return names(self.facts)

    def one(self, name: str) -> Any:
        """Give the only fact of that name."""
        found = self.of(name)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} facts {name} in {self.types}")
        return found[0]

    def of(self, name: str) -> list[Any]:
        """Give the facts of that name, in order."""
        return [fact for fact in self.facts if fact.type == f"{name}.v1"]

    def due(self, kind: str) -> str:
        """Give when the running clock of that kind is due, in local time."""
        return local(self.clock(kind).due_at)

    def clock(self, kind: str) -> Clock:
        clock = self.ticket.clock(ClockKind(kind))
        if clock is None:
            raise AssertionError(f"no {kind} clock runs: {[c.kind.value for c in self.ticket.clocks]}")
        return clock

    @property
    def running(self) -> set[str]:
        return {clock.kind.value for clock in self.ticket.clocks}

    @property
    def missed(self) -> list[tuple[str, str]]:
        """Give the breaches that stand: which clock, due when."""
        return [(b.kind.value, local(b.due_at)) for b in self.ticket.breaches]

    @property
    def refusal(self) -> str | None:
        """Give the code with which the last command was refused."""
        fact = self.last[-1] if self.last else None
        return getattr(fact, "code", None) if fact is not None and fact.type == "command.refused.v1" else None


def names(facts: Iterable[Fact]) -> list[str]:
    """Give the types without the version."""
    return [fact.type.removesuffix(".v1") for fact in facts]


def play(policy: Policy | Policies, *commands: Command | Alarm) -> Story:
    """Decide each command by the real life cycle; a single policy is taken to be in force at any time."""
    policies = policy if isinstance(policy, Policies) else Policies.always(policy)
    ticket: Ticket | None = None
    facts: list[Fact] = []
    last: tuple[Fact, ...] = ()
    for said_next in commands:
        if isinstance(said_next, Alarm) and ticket is None:
            raise AssertionError("an alarm before the ticket was opened")
        if isinstance(said_next, Alarm) and ticket:
            ticket = said_next.rings_on(ticket)
        command = said_next.on(ticket) if isinstance(said_next, Alarm) and ticket else cast("Command", said_next)
        decision = decide(ticket, command, policies)
        ticket, last = decision.ticket, decision.facts
        facts.extend(last)
    if ticket is None:
        raise AssertionError("no ticket was opened")
    return Story(ticket, tuple(facts), last)


def told(policy: Policy | Policies, *commands: Command | Alarm) -> tuple[Fact, ...]:
    """Give the facts that the commands lead to."""
    return play(policy, *commands).facts


def stopped(fact: Fact) -> dict[str, str]:
    """Give how each clock ended that the fact stopped."""
    return {clock.kind.value: clock.outcome.value for clock in fact.stopped}


def position(offset: int = 0, topic: str = "ticket-events", partition: int = 0) -> Position:
    return Position(topic, partition, offset)


def seconds(n: int) -> timedelta:
    return timedelta(seconds=n)


def new_id(*parts: object) -> str:
    return derived_id("test", *parts)
