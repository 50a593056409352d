"""The tables notice: each planted defect makes a row fail, and each row fails under some plant."""

from collections.abc import Iterable, Iterator
from functools import cached_property

import pytest

from services.core.policy import Policy
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.policy_files import load_policies
from tests.rules.planted import Code, Rule, StalePlantError, functions
from tests.rules.plants import CODE, PLANTS
from tests.rules.reach import Lines, lines_run
from tests.rules.rows import play
from tests.rules.tables import HERE, Row, all_rows

ROWS = all_rows()
PLAYED: dict[tuple[Rule | Code, str], bool] = {}
"""Which rows were played under which plant, and whether they failed: no pair is played twice."""
WITNESSES = "rules/witnesses"
OPS = HERE.parents[1] / "ops"


def load() -> Policy:
    return load_policies(OPS, "weixi").newest


def fails(row: Row, policy: Policy, knowledge: KnowledgeIndex) -> bool:
    try:
        return bool(play(row, policy, knowledge))
    except Exception:  # noqa: BLE001 - a defect that crashes is noticed, too
        return True


def moves(plant: Rule | Code, row: Row, broken: Policy, knowledge: KnowledgeIndex) -> bool:
    if (plant, row.id) not in PLAYED:
        PLAYED[plant, row.id] = fails(row, broken, knowledge)
    return PLAYED[plant, row.id]


class Reach:
    """Which rows may come to which plant; rows are traced when that is first asked."""

    def __init__(self, policy: Policy, knowledge: KnowledgeIndex) -> None:
        self._policy, self._knowledge = policy, knowledge

    @cached_property
    def _lines(self) -> dict[str, Lines]:
        planted = functions(CODE)
        return {row.id: lines_run(lambda row=row: play(row, self._policy, self._knowledge), planted) for row in ROWS}

    def nearest(self, plant: Rule | Code, rows: Iterable[Row]) -> list[Row]:
        """Give the rows that may come to the plant, those that do come to it first."""
        near = {row.id: plant.nearness(self._lines[row.id]) for row in rows}
        return sorted((row for row in rows if near[row.id]), key=lambda row: -near[row.id])

    def rarest(self) -> list[Rule | Code]:
        """Give the plants, first those to which the fewest rows come."""
        return sorted(PLANTS, key=lambda plant: sum(map(plant.nearness, self._lines.values())))


@pytest.fixture(scope="module")
def reach(policy: Policy, knowledge: KnowledgeIndex) -> Reach:
    return Reach(policy, knowledge)


@pytest.fixture(scope="module")
def witnesses(pytestconfig: pytest.Config) -> Iterator[dict[str, set[str]]]:
    """The rows that failed under each plant in the run before: they are tried first, and what they say now counts."""
    cache = getattr(pytestconfig, "cache", None)
    known = {plant: set(rows) for plant, rows in (cache.get(WITNESSES, {}) if cache else {}).items()}
    yield known
    for (plant, row), failed in PLAYED.items():
        (set.add if failed else set.discard)(known.setdefault(repr(plant), set()), row)
    if cache:
        planted = set(map(repr, PLANTS))
        cache.set(WITNESSES, {plant: sorted(rows) for plant, rows in sorted(known.items()) if plant in planted})


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_a_planted_defect_makes_a_row_fail(
    plant: Rule | Code, policy: Policy, knowledge: KnowledgeIndex, reach: Reach, witnesses: dict[str, set[str]]
) -> None:
    def noticed(rows: list[Row]) -> bool:
        with plant.planted(policy, load) as broken:
            return any(moves(plant, row, broken, knowledge) for row in rows)

    for table in plant.tables:
        rows = [row for row in ROWS if row.file.stem == table]
        witness = [row for row in rows if row.id in witnesses.get(repr(plant), ())][:1]
        assert (witness and noticed(witness)) or noticed(reach.nearest(plant, rows)), f"no row of {table}.md fails"


def test_every_row_fails_under_some_plant(
    policy: Policy, knowledge: KnowledgeIndex, reach: Reach, witnesses: dict[str, set[str]]
) -> None:
    moved = {row for (_, row), failed in PLAYED.items() if failed}
    unmoved = {row.id: row for row in ROWS if row.id not in moved}

    def plant_among(plant: Rule | Code, rows: list[Row]) -> None:
        with plant.planted(policy, load) as broken:
            for row in rows:
                if moves(plant, row, broken, knowledge):
                    del unmoved[row.id]

    for plant in PLANTS:
        known = [unmoved[row] for row in sorted(witnesses.get(repr(plant), ())) if row in unmoved]
        if known:
            plant_among(plant, known)
    for elsewhere in (False, True):  # a plant moves rows of the tables named beside it, and seldom others
        for plant in reach.rarest() if unmoved else ():
            rows = [row for row in unmoved.values() if elsewhere or row.file.stem in plant.tables]
            plant_among(plant, reach.nearest(plant, rows))
    assert [] == [str(row) for row in unmoved.values()]


def test_after_the_plants_are_gone_a_row_holds_again(policy: Policy, knowledge: KnowledgeIndex) -> None:
    for plant in PLANTS:
        with plant.planted(policy, lambda: policy):
            pass
    assert [] == [row.id for row in ROWS if fails(row, policy, knowledge)]


@pytest.mark.parametrize(
    "plant",
    [
        Code("services.core.clocks:stop", "at <= clock.gone_at", "False", ()),
        Code("services.core.clocks:stopping", "at", "False", ()),
    ],
    ids=str,
)
def test_a_plant_in_code_that_changed_says_so(plant: Code, policy: Policy) -> None:
    with pytest.raises(StalePlantError), plant.planted(policy, load):
        pass
