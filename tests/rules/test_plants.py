"""The tables notice: each planted defect makes a row fail, and each row fails under some plant."""

from collections import Counter

import pytest

from services.core.policy import Policy
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.policy_files import load_policies
from tests.rules.planted import Code, Rule, StalePlantError
from tests.rules.plants import CODE, PLANTS, RULES
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


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_a_planted_defect_makes_a_row_fail(plant: Rule | Code, policy: Policy, knowledge: KnowledgeIndex) -> None:
    for table in plant.tables:
        with plant.planted(policy, load) as broken:
            noticed = any(moves(plant, row, broken, knowledge) for row in ROWS if row.file.stem == table)
        assert noticed, f"{plant}: no row of {table}.md fails"


def test_every_row_fails_under_some_plant(policy: Policy, knowledge: KnowledgeIndex) -> None:
    unmoved = {row.id: row for row in ROWS}
    tries = Counter(plant for plant, _ in PLAYED)  # what was noticed after few tries moves many rows
    plants = sorted((*CODE, *RULES), key=lambda plant: tries[plant])
    for elsewhere in (False, True):  # a plant moves rows of the tables named beside it, and seldom others
        for plant in plants if unmoved else ():
            with plant.planted(policy, load) as broken:
                for row in [row for row in unmoved.values() if elsewhere or row.file.stem in plant.tables]:
                    if moves(plant, row, broken, knowledge):
                        del unmoved[row.id]
    assert [] == [str(row) for row in unmoved.values()]


def test_after_the_plants_are_gone_a_row_holds_again(policy: Policy, knowledge: KnowledgeIndex) -> None:
    for plant in PLANTS:
        with plant.planted(policy, load):
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
