"""The fold by unit: counts per period, scores, and what a person should look at (Art. 15, 16)."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.envelope import Event, derived_id
from schemas.supervision import AccountabilityFlagged, ScorePublished, UnitMeasured
from schemas.vocabulary import Rating
from services.core.policy import Policies, Policy
from services.core.service import Output, Position, Rejected, Step

EVIDENCE_KEPT = 20


class LegState(BaseModel):
    """How far the facts of one ticket are measured."""

    model_config = ConfigDict(frozen=True)
    sequence: int
    stage: str
    kind: str
    unit_group: str
    since: datetime


class PeriodCounts(BaseModel):
    """What counted for a unit in one month; every rate is a pair of counts, so that it can be traced."""

    model_config = ConfigDict(frozen=True)
    dispatched: int = 0
    closed: int = 0
    returned: int = 0
    redone: int = 0
    breached: int = 0
    reminded: int = 0
    signed: int = 0
    signed_on_time: int = 0
    replied: int = 0
    replied_on_time: int = 0
    satisfied: int = 0
    satisfied_rated: int = 0
    rated: int = 0
    return_evidence: tuple[str, ...] = ()
    breach_evidence: tuple[str, ...] = ()


class UnitState(BaseModel):
    """A unit's counts by period, and how far each input partition is applied: `+=` only behind that guard."""

    model_config = ConfigDict(frozen=True)
    unit_group: str
    applied: dict[int, int] = {}
    periods: dict[str, PeriodCounts] = {}


def _counted(counts: PeriodCounts, said: UnitMeasured) -> PeriodCounts:
    add: dict[str, object] = {said.measure: getattr(counts, said.measure) + 1}
    match said.measure:
        case "signed":
            add["signed_on_time"] = counts.signed_on_time + (said.on_time is not False)
        case "replied":
            add["replied_on_time"] = counts.replied_on_time + (said.on_time is not False)
        case "closed":
            happy = said.rating is not Rating.DISSATISFIED
            add["satisfied"] = counts.satisfied + happy
            add["rated"] = counts.rated + (not said.deemed)
            add["satisfied_rated"] = counts.satisfied_rated + (happy and not said.deemed)
        case "returned":
            add["return_evidence"] = (*counts.return_evidence, said.evidence)[-EVIDENCE_KEPT:]
        case "breached":
            add["breach_evidence"] = (*counts.breach_evidence, said.evidence)[-EVIDENCE_KEPT:]
        case _:
            pass
    return counts.model_copy(update=add)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def score_of(counts: PeriodCounts, policy: Policy) -> float | None:
    """Give the weighted score in points of 100; None below the smallest sample that may be ranked."""
    rules = policy.rulebook.scoring
    rates = (
        (rules.signed_on_time, _percent(counts.signed_on_time, counts.signed)),
        (rules.replied_on_time, _percent(counts.replied_on_time, counts.replied)),
        (rules.satisfaction, _percent(counts.satisfied, counts.closed)),
    )
    known = [(weight, rate) for weight, rate in rates if rate is not None]
    if counts.dispatched < rules.min_sample or not known:
        return None
    return round(sum(weight * rate for weight, rate in known) / sum(weight for weight, _ in known), 2)


def _published(policy: Policy, source: str, said: UnitMeasured, counts: PeriodCounts) -> Output:
    score = ScorePublished(
        id=derived_id("score", said.id),
        source=source,
        subject=said.unit,
        time=said.time,
        causation=said.id,
        unit=said.unit,
        unit_group=said.unit_group,
        period=said.period,
        dispatched=counts.dispatched,
        closed=counts.closed,
        returned=counts.returned,
        redone=counts.redone,
        breached=counts.breached,
        signed_on_time=_percent(counts.signed_on_time, counts.signed),
        replied_on_time=_percent(counts.replied_on_time, counts.replied),
        satisfaction=_percent(counts.satisfied, counts.closed),
        satisfaction_rated_only=_percent(counts.satisfied_rated, counts.rated),
        score=score_of(counts, policy),
        rulebook=policy.rulebook.ref,
    )
    return Output("unit-scores", score, key=f"{said.unit}|{said.period}")


def _flags(policy: Policy, source: str, said: UnitMeasured, counts: PeriodCounts) -> tuple[Output, ...]:
    """Flag a unit once, when a count reaches its threshold (Art. 16 items 1 and 4)."""
    rules = policy.rulebook.scoring
    thresholds = {
        "returned": (
            "returned_again_and_again",
            "Art. 16 (4)",
            counts.returned,
            rules.flag_returns,
            counts.return_evidence,
        ),
        "breached": (
            "late_handling",
            "Art. 16 (1)",
            counts.breached,
            rules.flag_breaches,
            counts.breach_evidence,
        ),
    }
    if said.measure not in thresholds:
        return ()
    item, article, count, threshold, evidence = thresholds[said.measure]
    if count != threshold:
        return ()
    flag = AccountabilityFlagged.model_validate(
        {
            "id": derived_id("flag", said.unit, said.period, item),
            "source": source,
            "subject": said.unit,
            "time": said.time,
            "causation": said.id,
            "unit": said.unit,
            "period": said.period,
            "item": item,
            "article": article,
            "count": count,
            "evidence": evidence,
        }
    )
    return (Output("accountability-flags", flag),)


def fold_measure(
    policies: Policies, source: str, state: UnitState | None, event: Event, _at: Position
) -> Step[UnitState]:
    """Count one measure once: measures of one input partition arrive in its order, so an old position was counted."""
    if not isinstance(event, UnitMeasured):
        raise Rejected("unexpected-type", f"{event.type} is no measure of a unit")
    state = state or UnitState(unit_group=event.unit_group)
    if event.offset <= state.applied.get(event.partition, -1):
        return Step(state, duplicate=True)
    counts = _counted(state.periods.get(event.period, PeriodCounts()), event)
    after = state.model_copy(
        update={
            "applied": state.applied | {event.partition: event.offset},
            "periods": state.periods | {event.period: counts},
        }
    )
    policy = policies.at(event.time)
    return Step(after, (_published(policy, source, event, counts), *_flags(policy, source, event, counts)))
