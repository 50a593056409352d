"""The tables notice: each planted defect makes a row fail, and each row fails under some plant."""

from collections.abc import Iterable

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


@pytest.fixture(scope="module")
def run(policy: Policy, knowledge: KnowledgeIndex) -> dict[str, Lines]:
    """The lines of planted functions that each row runs."""
    planted = functions(CODE)
    return {row.id: lines_run(lambda row=row: play(row, policy, knowledge), planted) for row in ROWS}


def nearest(plant: Rule | Code, rows: Iterable[Row], run: dict[str, Lines]) -> list[Row]:
    """Give the rows that may come to the plant, those that do come to it first."""
    near = {row.id: plant.nearness(run[row.id]) for row in rows}
    return sorted((row for row in rows if near[row.id]), key=lambda row: -near[row.id])


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_a_planted_defect_makes_a_row_fail(
    plant: Rule | Code, policy: Policy, knowledge: KnowledgeIndex, run: dict[str, Lines]
) -> None:
    for table in plant.tables:
        rows = nearest(plant, [row for row in ROWS if row.file.stem == table], run)
        with plant.planted(policy, load) as broken:
            noticed = any(moves(plant, row, broken, knowledge) for row in rows)
        assert noticed, f"{plant}: no row of {table}.md fails"


def test_every_row_fails_under_some_plant(policy: Policy, knowledge: KnowledgeIndex, run: dict[str, Lines]) -> None:
    moved = {row for (_, row), failed in PLAYED.items() if failed}
    unmoved = {row.id: row for row in ROWS if row.id not in moved}
    plants = sorted(PLANTS, key=lambda plant: sum(plant.nearness(lines) for lines in run.values()))  # the rarest first
    for elsewhere in (False, True):  # a plant moves rows of the tables named beside it, and seldom others
        for plant in plants if unmoved else ():
            rows = [row for row in unmoved.values() if elsewhere or row.file.stem in plant.tables]
            rows = nearest(plant, rows, run)
            with plant.planted(policy, load) as broken:
                for row in rows:
                    if moves(plant, row, broken, knowledge):
                        del unmoved[row.id]
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
