"""A whole ticket explained: its facts in order, what each did to the clocks, what comes next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from schemas.commands import Command
from schemas.docs import CHINESE, meaning
from schemas.events import BY_TYPE
from schemas.facts import Fact
from schemas.values import StoppedClock
from schemas.vocabulary import ClockKind, Rung
from services.core.calendar import CalendarRangeError
from services.core.explain.arithmetic import explain_clock
from services.core.explain.model import Arithmetic, Cause, Ended, Entry, Explanation, Next, Text
from services.core.explain.words import CLOCKS, CONSEQUENCES, local_en, local_zh
from services.core.policy import Policies, Policy
from services.core.service import Rejected
from services.core.ticket import Ticket
from services.core.ticket_fold import apply
from services.core.transitions import IllegalTransitionError

_COMMON: Final = frozenset(Fact.model_fields) | {"pii_ref", "reply"}


class NothingKnownError(ValueError):
    """There is no fact of that ticket."""


def explain(
    ticket: str, facts: Sequence[Fact], commands: Mapping[str, Command], policies: Policies, now: datetime
) -> Explanation:
    """Explain a ticket from its facts and the commands that led to them, as things stand at `now`.

    Facts after `now` are left out. Every due instant is computed anew; what does not agree with the record, or breaks
    the order of sequence numbers or stages, is named in `problems`. Raises `NothingKnownError` without any fact.
    """
    told = sorted((fact for fact in facts if fact.time <= now), key=lambda fact: fact.sequence)
    if not told:
        raise NothingKnownError(f"no fact of {ticket} is known" + (" by then" if facts else ""))
    state: Ticket | None = None
    entries: list[Entry] = []
    problems: list[Text] = []
    for number, fact in enumerate(told, start=1):
        if fact.sequence != number:
            problems.append(
                Text(en=f"Fact {number} is missing: the next has number {fact.sequence}.", zh=f"缺少第{number}条事实。")
            )
        try:
            policy = policies.at(fact.time)
        except Rejected as error:
            problems.append(Text(en=f"Fact {number}: {error}.", zh=f"第{number}条:{error}"))
            policy = policies.newest
        started, wrong = _started(fact, state, policy, policies)
        problems += wrong
        entries.append(_entry(fact, started, commands))
        try:
            state = apply(state, fact)
        except IllegalTransitionError as error:
            problems.append(
                Text(en=f"Fact {number} breaks the order of stages: {error}.", zh=f"第{number}条不符合办理流程:{error}")
            )
    calendar = policies.newest.calendar
    return Explanation(
        ticket=ticket,
        time_zone=str(calendar.zone),
        rulebooks=tuple(dict.fromkeys(entry.rulebook for entry in entries)),
        entries=tuple(entries),
        next=_next(state, now) if state else (),
        stage=told[-1].stage,
        problems=tuple(problems),
    )


def _started(
    fact: Fact, state: Ticket | None, policy: Policy, policies: Policies
) -> tuple[tuple[Arithmetic, ...], list[Text]]:
    found: list[Arithmetic] = []
    problems: list[Text] = []
    ref = policy.rulebook.ref
    if fact.rulebook != ref:
        problems.append(
            Text(
                en=f"Fact {fact.sequence} was decided under {fact.rulebook.version} ({fact.rulebook.hash}); "
                f"the files say {ref.version} ({ref.hash}).",
                zh=f"第{fact.sequence}条适用规则 {fact.rulebook.version}({fact.rulebook.hash}),"
                f"现有文件为 {ref.version}({ref.hash})。",
            )
        )
    for clock in fact.started:
        try:
            arithmetic = explain_clock(clock, fact, state, policies)
        except (CalendarRangeError, ValueError, Rejected) as error:
            problems.append(
                Text(en=f"Fact {fact.sequence}, clock {clock.kind}: {error}.", zh=f"第{fact.sequence}条时钟:{error}")
            )
            continue
        found.append(arithmetic)
        if not arithmetic.agrees:
            problems.append(
                Text(
                    en=f"Fact {fact.sequence}: the {clock.kind} clock was recorded as due "
                    f"{local_en(clock.due_at, policy.calendar)} under calendar {clock.calendar}; "
                    f"computed anew it is not.",
                    zh=f"第{fact.sequence}条:{CLOCKS[clock.kind].zh}时钟记录为 "
                    f"{local_zh(clock.due_at, policy.calendar)} 到期(日历 {clock.calendar}),重新计算不一致。",
                )
            )
    return tuple(found), problems


def _entry(fact: Fact, started: tuple[Arithmetic, ...], commands: Mapping[str, Command]) -> Entry:
    cause = commands.get(fact.causation) if fact.causation else None
    return Entry(
        sequence=fact.sequence,
        id=fact.id,
        type=fact.type,
        title=title(fact.type),
        time=fact.time,
        stage=fact.stage,
        unit=fact.unit,
        article=fact.article,
        rulebook=f"{fact.rulebook.jurisdiction} {fact.rulebook.version} ({fact.rulebook.hash})",
        details=_details(fact),
        cause=_cause(cause) if cause else None,
        started=started,
        ended=tuple(_ended(clock) for clock in fact.stopped),
    )


def title(event_type: str) -> Text:
    """Give what an event type means."""
    return Text(en=meaning(BY_TYPE[event_type]), zh=CHINESE[event_type])


def _cause(command: Command) -> Cause:
    return Cause(
        id=command.id, type=command.type, title=title(command.type), role=command.actor.role, actor=command.actor.id,
        time=command.time,
    )  # fmt: skip


def _details(fact: Fact) -> dict[str, str]:
    own: dict[str, Any] = fact.model_dump(mode="json", exclude=set(_COMMON), exclude_none=True)
    return {name: str(value) for name, value in own.items() if value not in ([], False)}


def _ended(clock: StoppedClock) -> Ended:
    return Ended(
        clock=clock.kind, cycle=clock.cycle, due_at=clock.due_at, stopped_at=clock.stopped_at, outcome=clock.outcome,
        margin_seconds=int((clock.due_at - clock.stopped_at).total_seconds()),
    )  # fmt: skip


def _next(ticket: Ticket, now: datetime) -> tuple[Next, ...]:
    found = []
    for clock in ticket.clocks:
        name: dict[str, Any] = {"clock": clock.kind, "cycle": clock.cycle}
        found += [
            Next(**name, due_at=mark.at, overdue=False, consequence=RUNGS[mark.rung])
            for mark in clock.marks
            if mark.at > now
        ]
        late = clock.due_at < now
        found.append(Next(**name, due_at=clock.due_at, overdue=late, consequence=CONSEQUENCES[clock.kind]))
    return tuple(sorted(found, key=lambda item: (item.due_at, item.clock, item.cycle)))


RUNGS: Final[dict[Rung, Text]] = {
    Rung.HALF: Text(en="reminder: half of the time is used", zh="提醒:时限过半"),
    Rung.FOUR_FIFTHS: Text(en="reminder: four fifths of the time are used", zh="提醒:时限已用五分之四"),
    Rung.NEAR_DUE: Text(en="reminder by phone: nearly due", zh="电话提醒:即将到期"),
    Rung.OVERDUE: Text(en="reminder: overdue", zh="督办:已超期"),
    Rung.OVERDUE_DAILY: Text(en="daily reminder: overdue", zh="每日督办:已超期"),
    Rung.ESCALATED: Text(en="reminder to the leader in charge: overdue", zh="提级督办:已超期"),
    Rung.URGED: Text(en="reminder by phone: the citizen asked again", zh="电话提醒:群众催办"),
}


def missing_words() -> tuple[str, ...]:
    """Give the clock kinds and rungs that have no words yet: a test keeps this empty."""
    kinds = tuple(kind.value for kind in ClockKind if kind not in CONSEQUENCES or kind not in CLOCKS)
    return kinds + tuple(rung.value for rung in Rung if rung not in RUNGS)
