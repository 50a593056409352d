"""The fold by unit: counts per period, scores, and what a person should look at (Art. 15, 16).

What counts changes a number at once and is published with the next pulse, however much came in between; what takes
something back is a revision of its own and published at once.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.envelope import Event, derived_id
from schemas.supervision import AccountabilityFlagged, AccountabilityNoted, ScorePublished, UnitMeasured
from schemas.values import ScoreChange
from schemas.vocabulary import AccountabilityItem, FlagStatus, Indicator, Measure
from services.core.accountability import article, thresholds
from services.core.assessment import BREACH_WITHDRAWN, PeriodCounts, class_of, indicators, policy_of, score_of
from services.core.policy import Policies, Policy
from services.core.scoring_rules import ScoringRule
from services.core.service import Output, Position, Rejected, Step
from services.scoring.weeks import Weeks

EVIDENCE_KEPT = 20


class Unsaid(BaseModel):
    """The newest measure of a period that its published assessment does not hold yet."""

    model_config = ConfigDict(frozen=True)
    measure: str
    time: datetime


class Published(BaseModel):
    """What was said last of a period: the score, and how often it was corrected."""

    model_config = ConfigDict(frozen=True)
    score: float | None = None
    revision: int = 1
    change: ScoreChange | None = None


class Flag(BaseModel):
    """What a person should look at; kept so that a decision can be said under its name."""

    model_config = ConfigDict(frozen=True)
    item: AccountabilityItem
    period: str
    count: int
    evidence: tuple[str, ...]
    ticket: str


class UnitState(BaseModel):
    """A unit's counts by period, and how far each input partition is applied: `+=` only behind that guard."""

    model_config = ConfigDict(frozen=True)
    unit_group: str
    applied: dict[int, tuple[int, int]] = {}
    periods: dict[str, PeriodCounts] = {}
    published: dict[str, Published] = {}
    unsaid: dict[str, Unsaid] = {}
    flags: dict[str, Flag] = {}
    weeks: Weeks = Weeks()

    def overdue(self, period: str) -> int:
        """Count the legs that were late and open at the end of a period: what came up to then and was not settled."""
        return sum(counts.overdue for month, counts in self.periods.items() if month <= period)


def _counted(counts: PeriodCounts, said: UnitMeasured, rules: ScoringRule) -> PeriodCounts:
    after = counts.add(said)
    changed: dict[str, object] = {}
    if said.measure in thresholds(rules):
        kept = counts.evidence.get(said.measure, ())
        more = (*kept, said.evidence)[-EVIDENCE_KEPT:]
        left = more if said.count > 0 else tuple(one for one in kept if one != said.evidence)
        changed["evidence"] = counts.evidence | {said.measure: left}
    if said.count < 0 and said.because not in {None, BREACH_WITHDRAWN}:
        changed["excluded"] = counts.excluded + 1
    return after.model_copy(update=changed)


def _numbers(policy: Policy, state: UnitState, unit: str, period: str) -> dict[str, object]:
    counts = state.periods[period]
    overdue = max(state.overdue(period), 0)
    numbers = indicators(policy, unit, state.unit_group, counts, overdue)
    rate = {number.indicator: number.rate for number in numbers}
    return {
        "dispatched": counts.dispatched,
        "closed": counts.closed,
        "returned": counts.returned,
        "redone": counts.redone,
        "breached": counts.breached,
        "overdue": overdue,
        "excluded": counts.excluded,
        "signed_on_time": rate[Indicator.SIGNED_ON_TIME],
        "replied_on_time": rate[Indicator.REPLIED_ON_TIME],
        "satisfaction": rate[Indicator.SATISFACTION],
        "satisfaction_rated_only": rate[Indicator.SATISFACTION_RATED_ONLY],
        "unit_class": class_of(policy.rulebook.scoring, state.unit_group)[0],
        "indicators": numbers,
        "score": score_of(policy, state.unit_group, counts, numbers),
    }


def _publish(
    policies: Policies, source: str, state: UnitState, unit: str, period: str, newest: Unsaid, said: UnitMeasured | None
) -> tuple[UnitState, Output]:
    """Say the assessment of a period anew: under a new revision if `said` takes back what had counted."""
    policy = policy_of(policies, period)
    numbers = _numbers(policy, state, unit, period)
    before = state.published.get(period, Published())
    revision, change = before.revision, before.change
    if said is not None and said.because is not None:
        revision += 1
        change = ScoreChange(
            indicator=said.indicator or Indicator.SATISFACTION,
            ticket=said.ticket,
            evidence=said.evidence,
            because=said.because,
            score_before=before.score,
        )
    score = ScorePublished.model_validate(
        numbers
        | {
            "id": derived_id("score", newest.measure, period),
            "source": source,
            "subject": unit,
            "time": newest.time,
            "causation": newest.measure,
            "unit": unit,
            "unit_group": state.unit_group,
            "period": period,
            "revision": revision,
            "change": change,
            "rulebook": policy.rulebook.ref,
        }
    )
    after = Published(score=score.score, revision=revision, change=change)
    left = {other: due for other, due in state.unsaid.items() if other != period}
    state = state.model_copy(update={"published": state.published | {period: after}, "unsaid": left})
    return state, Output("unit-scores", score, key=f"{unit}|{period}")


def wake_at(state: UnitState) -> datetime | None:
    """Give since when something is to be published, or when a week is to be told."""
    due = [unsaid.time for unsaid in state.unsaid.values()]
    return min([*due, state.weeks.due] if state.weeks.due else due, default=None)


def publish(policies: Policies, source: str, unit: str, state: UnitState, now: datetime) -> Step[UnitState]:
    """Say the assessments that changed since the last pulse, one per period; and the hot issues of a week's end."""
    outputs: list[Output] = []
    for period, newest in sorted(state.unsaid.items()):
        if newest.time <= now:
            state, output = _publish(policies, source, state, unit, period, newest, None)
            outputs.append(output)
    if state.weeks.due is not None and state.weeks.due <= now:
        weeks, issues = state.weeks.tell(now, policies.newest.calendar.zone, source, unit, state.unit_group)
        state = state.model_copy(update={"weeks": weeks})
        outputs += issues
    return Step(state, tuple(outputs))


def _flag(source: str, said: UnitMeasured | AccountabilityNoted, name: str, flag: Flag, **more: object) -> Output:
    """Say a flag, or what became of it, under its name."""
    decided = more.get("decided_by")
    event = AccountabilityFlagged.model_validate(
        flag.model_dump()
        | {
            "id": derived_id("flag", name, decided) if decided else name,
            "source": source,
            "subject": said.unit,
            "time": said.time,
            "causation": said.id,
            "unit": said.unit,
            "article": article(flag.item),
            "flag": name,
        }
        | more
    )
    return Output("accountability-flags", event)


def _reached(policy: Policy, said: UnitMeasured, counts: PeriodCounts) -> Flag | None:
    """Give the flag that a count raises on reaching its threshold (Art. 16)."""
    item, threshold = thresholds(policy.rulebook.scoring).get(said.measure, (None, 0))
    count = getattr(counts, said.measure.value)
    if item is None or said.count < 0 or count != threshold:
        return None
    return Flag(item=item, period=said.period, count=count, evidence=counts.evidence[said.measure], ticket=said.ticket)


def _note(source: str, state: UnitState, said: AccountabilityNoted) -> Step[UnitState]:
    """Raise a flag by hand, or say what a person decided about one."""
    if said.item is not None:
        name = derived_id("flag", said.evidence)
        flag = Flag(item=said.item, period=said.period, count=1, evidence=(said.evidence,), ticket=said.ticket)
        about = {"origin": "office", "reason": said.reason, "basis": said.basis}
        after = state.model_copy(update={"flags": state.flags | {name: flag}})
        return Step(after, (_flag(source, said, name, flag, **about),))
    known = state.flags.get(said.flag or "")
    if known is None:
        raise Rejected("unknown-flag", "the decision names a flag that was never raised against this unit")
    status = FlagStatus.UPHELD if said.upheld else FlagStatus.DISMISSED
    decided = {"status": status, "note_ref": said.note_ref, "decided_by": said.evidence}
    return Step(state, (_flag(source, said, said.flag or "", known, **decided),))


def fold_measure(
    policies: Policies, source: str, state: UnitState | None, event: Event, _at: Position
) -> Step[UnitState]:
    """Count one measure once: measures of one input partition arrive in its order, so an old position was counted."""
    if not isinstance(event, UnitMeasured | AccountabilityNoted):
        raise Rejected("unexpected-type", f"{event.type} is no measure of a unit")
    state = state or UnitState(unit_group=event.unit_group)
    place = (event.offset, event.index)
    if place <= state.applied.get(event.partition, (-1, 0)):
        return Step(state, duplicate=True)
    applied = state.applied | {event.partition: place}
    if isinstance(event, AccountabilityNoted):
        return _note(source, state.model_copy(update={"applied": applied}), event)
    policy = policy_of(policies, event.period)
    counts = _counted(state.periods.get(event.period, PeriodCounts()), event, policy.rulebook.scoring)
    periods = dict(sorted((state.periods | {event.period: counts}).items()))
    touched = [event.period]
    if event.measure is Measure.OVERDUE:  # what is late and open is so at the end of later months too
        touched += [period for period in periods if period > event.period]
    newest = Unsaid(measure=event.id, time=event.time)
    unsaid = state.unsaid | dict.fromkeys(touched, newest)
    zone = policies.newest.calendar.zone
    weeks = state.weeks.add(event.category, event.time, zone) if event.category is not None else state.weeks
    after = state.model_copy(update={"applied": applied, "periods": periods, "unsaid": unsaid, "weeks": weeks})
    outputs: list[Output] = []
    for period in touched if event.because is not None else ():
        after, output = _publish(policies, source, after, event.unit, period, newest, event)
        outputs.append(output)
    flag = _reached(policy, event, counts)
    name = derived_id("flag", event.unit, event.period, flag.item) if flag else ""
    if flag is not None and name not in after.flags:
        after = after.model_copy(update={"flags": after.flags | {name: flag}})
        outputs.append(_flag(source, event, name, flag))
    return Step(after, tuple(outputs))
