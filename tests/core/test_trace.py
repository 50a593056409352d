"""The tickets behind a number: what stands, what was taken back and why, what is late and open (Art. 15)."""

from typing import Any

import pytest

from schemas.supervision import UnitMeasured
from services.core.traces import Trace, excluded, trace
from tests.builders import SANITATION, URBAN, at


def said(name: str, measure: str = "closed", **data: Any) -> UnitMeasured:
    base = {
        "id": name, "source": "/test", "subject": SANITATION, "time": at("Wed 2026-09-23 09:00"), "unit": SANITATION,
        "unit_group": "urban", "period": "2026-09", "ticket": "T-1", "kind": "help", "measure": measure,
        "evidence": "f-1", "partition": 0, "offset": 0, "rating": "satisfied" if measure == "closed" else None,
    }  # fmt: skip
    return UnitMeasured.model_validate(base | data)


def names(found: tuple[UnitMeasured, ...]) -> list[str]:
    return [one.id for one in found]


def parts(*measures: UnitMeasured, period: str = "2026-09") -> tuple[list[str], list[str], list[str]]:
    found = trace(measures, SANITATION, period)
    return names(found.standing), names(found.overdue), names(found.taken_back)


def test_what_counts_in_the_period_of_the_unit_stands_once() -> None:
    assert (["a"], [], []) == parts(
        said("a"), said("a"), said("b", period="2026-10"), said("c", unit=URBAN, subject=URBAN)
    )


def test_what_is_taken_back_stands_no_more_whatever_came_first() -> None:
    for measures in ([said("a"), said("b", count=-1, because="appeal")], [said("b", count=-1, because="x"), said("a")]):
        assert ([], [], ["b"]) == parts(*measures)


@pytest.mark.parametrize(
    "other",
    [
        {"ticket": "T-2"}, {"evidence": "f-2"}, {"measure": "signed"}, {"cycle": 2}, {"clock": "sign"},
        {"on_time": True}, {"period": "2026-10"},
    ],
    ids=str,
)  # fmt: skip
def test_one_measure_taken_back_leaves_all_others(other: dict[str, Any]) -> None:
    gone = said("b", count=-1, because="appeal", **other)
    assert "a" in names(trace([said("a"), gone], SANITATION, "2026-09").standing)


def test_of_two_alike_one_taken_back_leaves_the_other() -> None:
    assert (["b"], [], ["c"]) == parts(said("a"), said("b"), said("c", count=-1, because="appeal"))
    assert (["b"], [], ["c"]) == parts(said("a"), said("c", count=-1, because="appeal"), said("b"))
    assert (["d"], [], ["c", "e"]) == parts(
        said("a"), said("b"), said("d"), said("c", count=-1, because="x"), said("e", count=-1, because="x")
    )


def test_late_and_open_lasts_until_it_is_settled_in_whatever_month() -> None:
    late, settled = (
        said("a", "overdue", clock="handle"),
        said("b", "overdue", clock="handle", period="2026-11", count=-1),
    )
    for period, left in (("2026-08", []), ("2026-09", ["a"]), ("2026-10", ["a"]), ("2026-11", [])):
        assert ([], left, []) == parts(late, settled, period=period), period


def test_what_is_settled_is_not_taken_back() -> None:
    assert ([], [], []) == parts(said("a", "overdue"), said("b", "overdue", count=-1))


def test_what_was_excluded_is_counted_and_what_was_mistaken_is_not() -> None:
    gone = [said("a", count=-1, because="appeal"), said("b", count=-1, because="breach_withdrawn"), said("c", count=-1)]
    assert [True, False, False] == [excluded(one) for one in gone]
    assert not excluded(said("d", because="appeal")), "it counts"
    counts = Trace((said("e"), said("f"), said("g", "redone")), (), tuple(gone)).counts()
    assert (2, 2, 1, 1) == (counts.closed, counts.satisfied, counts.redone, counts.excluded)
