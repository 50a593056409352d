"""Rulebook and directory as values: hashes, placement, what they refuse."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from services.core.directory import Directory
from services.core.policy import Policy
from services.core.rulebook import Rulebook
from services.core.rulebook_articles import StatutoryLimit

ROOT = Path(__file__).parents[2]
LIMIT = {"amount": 1, "unit": "working_days", "article": "x"}
BOOK = ROOT / "ops/rulebooks/weixi/2024-10-15.yaml"


def book() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(BOOK.read_text(encoding="utf-8"))
    return parsed


def turned(value: Any) -> Any:
    """Give the same data with every mapping in the reverse order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def test_the_hash_is_of_the_content_not_of_the_order_in_which_it_is_written() -> None:
    assert Rulebook.model_validate(book()).hash == Rulebook.model_validate(turned(book())).hash


@pytest.mark.parametrize(("path", "value"), [("version", "2024-10-15.2"), ("day_end", "midnight")])
def test_the_hash_changes_with_any_rule(path: str, value: str) -> None:
    assert Rulebook.model_validate(book()).hash != Rulebook.model_validate(book() | {path: value}).hash


def test_the_hash_is_the_same_in_another_process_with_another_hash_seed() -> None:
    code = (
        "from pathlib import Path; from services.runtime.policy_files import load_policies; "
        "print(load_policies(Path('ops'), 'weixi').newest.rulebook.hash)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert {Rulebook.model_validate(book()).hash + "\n"} == said


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sgin": {}}, "sgin"),
        ({"dispatch": {"out_by": 600}}, "write a time of day in quotes"),
        ({"scoring": {"signed_on_time": 21}}, "the weights must sum up to 100 points"),
        ({"sign": {"limit": {"amount": 0}}}, "greater than or equal to 1"),
        ({"kinds": {"help": {"extension": {"each": LIMIT}}}}, "either each or total"),
        ({"upstream_buffer": LIMIT}, r"buffer\s+Value error, give hours or working_hours"),
        ({"co_handling": {"joining_time": LIMIT}}, r"joining_time\s+Value error, give hours or working_hours"),
        ({"reply_review": {"dating_tolerance": LIMIT}}, r"tolerance\s+Value error, give hours or working_hours"),
    ],
)
def test_a_rulebook_that_cannot_be_meant_is_refused(changes: dict[str, Any], problem: str) -> None:
    def merged(old: Any, new: Any) -> Any:
        if isinstance(old, dict) and isinstance(new, dict):
            return old | {key: merged(old.get(key), value) for key, value in new.items()}
        return new

    with pytest.raises(ValidationError, match=problem):
        Rulebook.model_validate(merged(book(), changes))


def test_a_matter_is_placed_by_category_and_where_the_catalogue_says_so_by_area(policy: Policy) -> None:
    directory = policy.directory
    found = [directory.place(*where) for where in (("bulky-waste", "533423100"), ("graffiti", "533423101"))]
    assert [("U-SANITATION", "bulky-waste"), ("U-YEZHI", "graffiti/533423101")] == [
        (p.unit.id, p.rule) for p in found if p
    ]


@pytest.mark.parametrize("where", [("other", "533423100"), ("unheard-of", "533423100"), ("graffiti", "000000000")])
def test_what_the_catalogue_does_not_place_goes_to_the_desk(policy: Policy, where: tuple[str, str]) -> None:
    assert policy.directory.place(*where) is None


def test_the_area_s_government_is_the_last_resort(policy: Policy) -> None:
    placement = policy.directory.last_resort("533423200")
    assert placement is not None
    assert ("U-YONGCHUN", "last-resort/533423200") == (placement.unit.id, placement.rule)
    assert policy.directory.last_resort("000000000") is None


UNIT = {"id": "U-1", "name_zh": "一", "name_en": "One", "group": "g"}
CATEGORY = {"code": "c", "name_zh": "类", "name_en": "Category", "unit": "U-1"}
SMALL: dict[str, Any] = {
    "name": "d", "version": "1", "groups": {"g": "组"}, "units": [UNIT], "categories": [CATEGORY], "areas": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"units": [UNIT | {"group": "x"}]}, "units", "unit U-1: unknown group x"),
        ({"categories": [CATEGORY | {"unit": "U-9"}]}, "categories", "category c: unknown unit U-9"),
        (
            {"areas": [{"code": "a", "name_zh": "乡", "name_en": "A", "unit": "U-9"}]},
            "areas",
            "area a: unknown unit U-9",
        ),
        ({"categories": [CATEGORY | {"lane": "emergency"}]}, "categories", "an emergency needs call_number"),
        ({"categories": [CATEGORY | {"lane": "lawful_channel"}]}, "categories", "a refusal needs lane_code"),
        ({"unit": []}, "unit", "Extra inputs are not permitted"),
    ],
)
def test_a_directory_that_names_what_it_lacks_is_refused_at_the_field(
    changes: dict[str, Any], field: str, problem: str
) -> None:
    assert Directory.model_validate(SMALL)
    with pytest.raises(ValidationError) as caught:
        Directory.model_validate(SMALL | changes)
    first = caught.value.errors()[0]
    assert (1, field) == (len(caught.value.errors()), first["loc"][0])
    assert problem in first["msg"]


def limit(
    begins: str, until: str | None = None, *, category: str = "noise", kinds: tuple[str, ...] = ()
) -> StatutoryLimit:
    data = {"category": category, "kinds": kinds, "amount": 7, "legal_basis": "某条例", "effective_from": begins}
    return StatutoryLimit.model_validate(data | {"effective_until": until})


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (limit("2026-01-01"), limit("2026-06-01"), True),
        (limit("2026-01-01", "2026-06-01"), limit("2026-06-01"), False),
        (limit("2026-01-01", "2026-06-02"), limit("2026-06-01"), True),
        (limit("2026-01-01", "2026-03-01"), limit("2026-02-01", "2026-04-01"), True),
        (limit("2026-01-01", "2026-02-01"), limit("2026-03-01", "2026-04-01"), False),
        (limit("2026-01-01"), limit("2026-01-01", category="dust"), False),
        (limit("2026-01-01", kinds=("help",)), limit("2026-01-01", kinds=("report",)), False),
        (limit("2026-01-01", kinds=("help", "report")), limit("2026-01-01", kinds=("report",)), True),
        (limit("2026-01-01"), limit("2026-01-01", kinds=("report",)), True),
    ],
)
def test_two_limits_by_law_clash_if_both_could_hold_for_one_matter_on_one_day(
    one: StatutoryLimit, other: StatutoryLimit, clash: bool
) -> None:
    assert [clash, clash] == [one.clashes(other), other.clashes(one)]
