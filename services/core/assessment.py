"""Assessment of a unit in a period: counts, rates, points, rank within its class (Art. 15; 国办函〔2025〕66号 (六)).

All arithmetic is exact; each published number is rounded once, half up, to two places.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from schemas.supervision import ScorePublished, UnitMeasured
from schemas.values import IndicatorScore
from schemas.vocabulary import Indicator, Measure, Rating
from services.core.policy import Policies, Policy
from services.core.scoring_rules import IndicatorRule, ScoringRule

EVERY_UNIT = "all"
"""The class of every unit where the rulebook knows no classes."""
BREACH_WITHDRAWN = "breach_withdrawn"
"""Why something no longer counts that was never excluded: it had been in time."""


class PeriodCounts(BaseModel):
    """What counted for a unit in one month; every rate is a pair of counts, so that it can be traced.

    `overdue` is a change, not a level: legs that became late and open in it, less those that were settled in it.
    """

    model_config = ConfigDict(frozen=True)
    dispatched: int = 0
    closed: int = 0
    returned: int = 0
    return_refused: int = 0
    redone: int = 0
    repeated: int = 0
    breached: int = 0
    overdue: int = 0
    reminded: int = 0
    signed: int = 0
    signed_on_time: int = 0
    replied: int = 0
    replied_on_time: int = 0
    reply_rejected: int = 0
    satisfied: int = 0
    satisfied_rated: int = 0
    rated: int = 0
    excluded: int = 0
    evidence: dict[Measure, tuple[str, ...]] = {}
    """The newest facts behind what may be flagged (Art. 16)."""

    def add(self, said: UnitMeasured) -> "PeriodCounts":
        """Give the counts with one measure more, or less."""
        by = said.count
        more: dict[str, int] = {said.measure.value: by}
        match said.measure:
            case Measure.SIGNED:
                more["signed_on_time"] = by * (said.on_time is not False)
            case Measure.REPLIED:
                more["replied_on_time"] = by * (said.on_time is not False)
            case Measure.CLOSED:
                happy = said.rating is not Rating.DISSATISFIED
                more |= {"satisfied": by * happy, "rated": by * (not said.deemed)}
                more["satisfied_rated"] = by * (happy and not said.deemed)
            case _:
                pass
        return self.model_copy(update={name: getattr(self, name) + change for name, change in more.items()})


def percent(part: int, whole: int) -> Fraction | None:
    """Give the exact percentage; None of nothing."""
    return Fraction(100 * part, whole) if whole else None


def rounded(value: Fraction | None) -> float | None:
    """Round half up to two places, as published tables do: 12.795 is 12.80."""
    return None if value is None else (value * 100 + Fraction(1, 2)).__floor__() / 100


def on_curve(curve: Sequence[tuple[float, float]], rate: Fraction) -> Fraction:
    """Give the points of a rate: straight from corner to corner, level before the first and after the last."""
    corners = [(Fraction(str(x)), Fraction(str(y))) for x, y in curve]
    if rate <= corners[0][0]:
        return corners[0][1]
    for (x0, y0), (x1, y1) in pairwise(corners):
        if rate <= x1:
            return y0 + (y1 - y0) * (rate - x0) / (x1 - x0)
    return corners[-1][1]


def _parts(counts: PeriodCounts, overdue: int, knowledge: tuple[int, int]) -> dict[Indicator, tuple[int, int]]:
    return {
        Indicator.SIGNED_ON_TIME: (counts.signed_on_time, counts.signed),
        Indicator.REPLIED_ON_TIME: (counts.replied_on_time, counts.replied + overdue),
        Indicator.SATISFACTION: (counts.satisfied, counts.closed),
        Indicator.SATISFACTION_RATED_ONLY: (counts.satisfied_rated, counts.rated),
        Indicator.REDONE: (counts.redone, counts.replied),
        Indicator.RETURNS_UPHELD: (counts.returned, counts.returned + counts.return_refused),
        Indicator.REPLIES_REJECTED: (counts.reply_rejected, counts.replied + counts.reply_rejected),
        Indicator.REPEATED: (counts.repeated, counts.dispatched),
        Indicator.KNOWLEDGE_CURRENT: knowledge,
    }


def class_of(rules: ScoringRule, group: str) -> tuple[str, Sequence[IndicatorRule], int]:
    """Give a unit group's class, what it is assessed by, and the smallest sample that may be ranked."""
    for name, rule in rules.classes.items():
        if group in rule.groups:
            return name, rule.indicators, rule.min_sample or rules.min_sample
    weights = (
        (Indicator.SIGNED_ON_TIME, rules.signed_on_time),
        (Indicator.REPLIED_ON_TIME, rules.replied_on_time),
        (Indicator.SATISFACTION, rules.satisfaction),
    )
    straight = tuple(
        IndicatorRule(indicator=indicator, curve=((0, 0), (100, points))) for indicator, points in weights if points
    )
    return EVERY_UNIT, straight, rules.min_sample


def indicators(policy: Policy, unit: str, group: str, counts: PeriodCounts, overdue: int) -> tuple[IndicatorScore, ...]:
    """Give every number of an assessment, in the order of the vocabulary; `overdue` legs are late and open."""
    found = policy.directory.unit(unit)
    knowledge = (found.knowledge.current, found.knowledge.kept) if found and found.knowledge else (0, 0)
    _, rules, _ = class_of(policy.rulebook.scoring, group)
    weighed = {rule.indicator: rule for rule in rules}
    scores = []
    for indicator, (part, whole) in _parts(counts, overdue, knowledge).items():
        rate, rule = percent(part, whole), weighed.get(indicator)
        scores.append(
            IndicatorScore(
                indicator=indicator,
                part=part,
                whole=whole,
                rate=rounded(rate),
                points=rounded(on_curve(rule.curve, rate)) if rule and rate is not None else None,
                of=rule.most if rule else None,
            )
        )
    return tuple(scores)


def score_of(policy: Policy, group: str, counts: PeriodCounts, numbers: Iterable[IndicatorScore]) -> float | None:
    """Give the points of 100, of what is known; None below the smallest sample that may be ranked."""
    _, rules, min_sample = class_of(policy.rulebook.scoring, group)
    weighed = {rule.indicator: rule for rule in rules}
    points, most = Fraction(0), Fraction(0)
    for number in numbers:
        rule, rate = weighed.get(number.indicator), percent(number.part, number.whole)
        if rule is not None and rate is not None:
            points += on_curve(rule.curve, rate)
            most += Fraction(str(rule.most))
    return None if counts.dispatched < min_sample or not most else rounded(100 * points / most)


def period_of(policies: Policies, at: datetime) -> str:
    """Give the month of an instant, in local time: `2026-09`."""
    return at.astimezone(policies.newest.calendar.zone).strftime("%Y-%m")


def policy_of(policies: Policies, period: str) -> Policy:
    """Give the rules by which a month is assessed: those in force when it began, or else the first there are.

    Nobody is assessed by weights that he could not know, and a correction made later changes none.
    """
    year, month = period.split("-")
    begin = datetime(int(year), int(month), 1, tzinfo=policies.newest.calendar.zone)
    return policies.at(max(begin, policies.segments[0][0]))


def ranks(scores: Iterable[ScorePublished]) -> dict[tuple[str, str], int]:
    """Give the rank of (unit, period) within its class and period; equal scores share a rank, the unranked have none.

    Units of two classes are never compared (国办函〔2025〕66号 (六)).
    """
    ranked = [score for score in scores if score.score is not None]
    return {
        (one.unit, one.period): 1
        + sum(
            (other.period, other.unit_class) == (one.period, one.unit_class)
            and (other.score or 0.0) > (one.score or 0.0)
            for other in ranked
        )
        for one in ranked
    }
