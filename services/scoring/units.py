"""The fold by unit: counts per period, scores, and what a person should look at (Art. 15, 16)."""

from pydantic import BaseModel, ConfigDict

from schemas.envelope import Event, derived_id
from schemas.supervision import AccountabilityFlagged, ScorePublished, UnitMeasured
from schemas.values import ScoreChange
from schemas.vocabulary import Indicator, Measure
from services.core.assessment import BREACH_WITHDRAWN, PeriodCounts, class_of, indicators, policy_of, score_of
from services.core.policy import Policies, Policy
from services.core.service import Output, Position, Rejected, Step

EVIDENCE_KEPT = 20


class Published(BaseModel):
    """What was said last of a period: the score, and how often it was corrected."""

    model_config = ConfigDict(frozen=True)
    score: float | None = None
    revision: int = 1
    change: ScoreChange | None = None


class UnitState(BaseModel):
    """A unit's counts by period, and how far each input partition is applied: `+=` only behind that guard."""

    model_config = ConfigDict(frozen=True)
    unit_group: str
    applied: dict[int, tuple[int, int]] = {}
    periods: dict[str, PeriodCounts] = {}
    published: dict[str, Published] = {}

    def overdue(self, period: str) -> int:
        """Count the legs that were late and open at the end of a period: what came up to then and was not settled."""
        return sum(counts.overdue for month, counts in self.periods.items() if month <= period)


def _counted(counts: PeriodCounts, said: UnitMeasured) -> PeriodCounts:
    after = counts.add(said)
    kept = {Measure.RETURNED: "return_evidence", Measure.BREACHED: "breach_evidence"}.get(said.measure)
    changed: dict[str, object] = {}
    if kept is not None:
        evidence: tuple[str, ...] = getattr(counts, kept)
        more = (*evidence, said.evidence)[-EVIDENCE_KEPT:]
        changed[kept] = more if said.count > 0 else tuple(e for e in evidence if e != said.evidence)
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
    policies: Policies, source: str, state: UnitState, said: UnitMeasured, period: str
) -> tuple[Published, Output]:
    """Say the assessment of a period anew: under a new revision if what had counted no longer does."""
    policy = policy_of(policies, period)
    numbers = _numbers(policy, state, said.unit, period)
    before = state.published.get(period, Published())
    revision, change = before.revision, before.change
    if said.because is not None and said.count < 0:
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
            "id": derived_id("score", said.id) if period == said.period else derived_id("score", said.id, period),
            "source": source,
            "subject": said.unit,
            "time": said.time,
            "causation": said.id,
            "unit": said.unit,
            "unit_group": state.unit_group,
            "period": period,
            "revision": revision,
            "change": change,
            "rulebook": policy.rulebook.ref,
        }
    )
    after = Published(score=score.score, revision=revision, change=change)
    return after, Output("unit-scores", score, key=f"{said.unit}|{period}")


def _flags(policy: Policy, source: str, said: UnitMeasured, counts: PeriodCounts) -> tuple[Output, ...]:
    """Flag a unit once, when a count reaches its threshold (Art. 16 items 1 and 4)."""
    rules = policy.rulebook.scoring
    thresholds = {
        Measure.RETURNED: (
            "returned_again_and_again",
            "Art. 16 (4)",
            counts.returned,
            rules.flag_returns,
            counts.return_evidence,
        ),
        Measure.BREACHED: (
            "late_handling",
            "Art. 16 (1)",
            counts.breached,
            rules.flag_breaches,
            counts.breach_evidence,
        ),
    }
    if said.measure not in thresholds or said.count < 0:
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
    place = (event.offset, event.index)
    if place <= state.applied.get(event.partition, (-1, 0)):
        return Step(state, duplicate=True)
    counts = _counted(state.periods.get(event.period, PeriodCounts()), event)
    after = state.model_copy(
        update={
            "applied": state.applied | {event.partition: place},
            "periods": dict(sorted((state.periods | {event.period: counts}).items())),
        }
    )
    touched = [event.period]
    if event.measure is Measure.OVERDUE:  # what is late and open is so at the end of later months too
        touched += [period for period in after.periods if period > event.period]
    outputs: list[Output] = []
    for period in touched:
        said, output = _publish(policies, source, after, event, period)
        after = after.model_copy(update={"published": after.published | {period: said}})
        outputs.append(output)
    flags = _flags(policy_of(policies, event.period), source, event, counts)
    return Step(after, (*outputs, *flags))
