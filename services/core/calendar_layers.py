"""What the layers of a calendar may say over each other: 上下级日历的关系 (ops/calendars/README.md).

The nearest layer decides on a day, whichever notice is later: a festival of the county on a Saturday that the nation
has worked (调休) is a day off there. But no layer below makes people work on a public holiday of the nation, and a day
off of a layer above is worked below only where a notice says which one it overrides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from services.core.calendar_data import LEVELS, CalendarLayer, Notice


@dataclass(frozen=True, slots=True)
class LayerProblem:
    """What is wrong with a layer under those above it: its name, the place in its file, and the rule it breaks."""

    layer: str
    place: tuple[str | int, ...]
    message: str


def layer_problems(layers: Sequence[CalendarLayer]) -> Iterator[LayerProblem]:
    """Give what does not fit together, the nation's layer first; nothing if all does."""
    if not layers or layers[0].level != "nation":
        name = layers[0].name if layers else ""
        yield LayerProblem(name, ("level",), "a calendar starts with the nation's layer")
    for above, below in pairwise(layers):
        if below.parents != (above.name,) or LEVELS.index(above.level) >= LEVELS.index(below.level):
            yield LayerProblem(below.name, ("parents",), f"{above.name} ({above.level}) does not stand above it")
    for number, layer in enumerate(layers[1:], start=1):
        for place, notice in enumerate(layer.notices):
            yield from _notice_problems(layers[:number], layer.name, ("notices", place), notice)


def _notice_problems(
    above: Sequence[CalendarLayer], layer: str, place: tuple[str | int, ...], notice: Notice
) -> Iterator[LayerProblem]:
    overridden = next((n for up in above[1:] for n in up.notices if n.id == notice.overrides), None)
    if notice.overrides is not None and (overridden is None or overridden.year != notice.year):
        said = f"{notice.overrides} is no notice of {notice.year} of a layer between the nation's and this one"
        yield LayerProblem(layer, (*place, "overrides"), said)
        return
    holidays = _days_off(above[0], notice.issued)
    given = set(overridden.named()) if overridden else set()
    for number, day in enumerate(notice.workdays):
        at = (*place, "workdays", number)
        if day in holidays:
            yield LayerProblem(layer, at, f"{day} is a public holiday of the nation: no layer below has it worked")
        elif notice.overrides is not None and day.weekday() < 5 and day not in given:
            yield LayerProblem(layer, at, f"{day} is no day off in {notice.overrides}, which it overrides")


def _days_off(nation: CalendarLayer, issued: date) -> set[date]:
    """The days off of the nation as known on a day: what it says later, nobody below could have looked up."""
    off: set[date] = set()
    for notice in (notice for notice in nation.notices if notice.issued <= issued):
        off |= {day for holiday in notice.days_off for day in holiday.days()}
        off -= set(notice.workdays)
    return off
