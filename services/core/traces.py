"""The tickets behind each number of an assessment: what stands, and what was taken back and why (Art. 15)."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.supervision import UnitMeasured
from schemas.vocabulary import Measure
from services.core.assessment import PeriodCounts


@dataclass(frozen=True)
class Trace:
    """The measures of one unit up to the end of one period.

    `standing` counts in the period; `overdue` is late and open at its end, since whenever; `taken_back` no longer
    counts.
    """

    standing: tuple[UnitMeasured, ...]
    overdue: tuple[UnitMeasured, ...]
    taken_back: tuple[UnitMeasured, ...]

    def counts(self) -> PeriodCounts:
        """Count what stands: the numbers of the score, made anew from the tickets behind them."""
        counts = PeriodCounts()
        for measure in self.standing:
            counts = counts.add(measure)
        return counts.model_copy(update={"excluded": len([m for m in self.taken_back if excluded(m)])})


def excluded(measure: UnitMeasured) -> bool:
    """Say whether a measure was excluded, not only found to be mistaken."""
    return measure.count < 0 and measure.because is not None and measure.because != "breach_withdrawn"


def _named(measure: UnitMeasured) -> tuple[object, ...]:
    return (measure.ticket, measure.evidence, measure.measure, measure.cycle, measure.clock, measure.on_time)


def _left(measures: Iterable[UnitMeasured]) -> tuple[UnitMeasured, ...]:
    """Give what nothing took back, whatever came first."""
    measures = tuple(measures)
    gone: dict[tuple[object, ...], int] = {}
    for measure in measures:
        if measure.count < 0:
            name = _named(measure)
            gone[name] = gone.get(name, 0) + 1
    left = []
    for measure in measures:
        if measure.count < 0:
            continue
        name = _named(measure)
        if gone.get(name, 0):
            gone[name] -= 1
        else:
            left.append(measure)
    return tuple(left)


def trace(measures: Iterable[UnitMeasured], unit: str, period: str) -> Trace:
    """Give the tickets behind a unit's assessment; copies of a measure count once."""
    own = {m.id: m for m in measures if m.unit == unit}.values()
    late = _left(m for m in own if m.measure is Measure.OVERDUE and m.period <= period)
    here = [m for m in own if m.period == period and m.measure is not Measure.OVERDUE]
    back = tuple(m for m in own if m.period == period and m.count < 0 and m.because is not None)
    return Trace(_left(here), late, back)
