"""Policy files: an error names the file, the line and what is wrong, so that an editor's reader finds it."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.core.policy import NotInForceError
from services.runtime.policy_files import PolicyFileError, load_history, load_knowledge, load_policies

OPS = Path(__file__).parents[2] / "ops"
BOOK = "rulebooks/weixi/2024-10-15.yaml"
DIRECTORY = "directories/weixi.yaml"


@pytest.fixture
def ops(tmp_path: Path) -> Path:
    for folder in ("rulebooks", "directories", "calendars", "knowledge", "door"):
        shutil.copytree(OPS / folder, tmp_path / folder)
    return tmp_path


def change(path: Path, old: str, new: str) -> int:
    """Replace the only `old` in the file; gives the line where it stood."""
    text = path.read_text(encoding="utf-8")
    assert 1 == text.count(old), f"{text.count(old)} times {old!r} in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def line_of(path: Path, begin: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(begin))


def test_the_committed_files_are_read(ops: Path) -> None:
    assert ("weixi", "2024-10-15.1") == (load_policies(ops, "weixi").newest.rulebook.ref.jurisdiction, "2024-10-15.1")
    assert load_knowledge(ops, "weixi").root


def test_an_unknown_key_is_named_with_its_line(ops: Path) -> None:
    line = change(ops / BOOK, "  deemed: true", "  deemt: true")
    with pytest.raises(PolicyFileError, match=rf"2024-10-15\.yaml:{line}: sign\.deemt: Extra inputs"):
        load_policies(ops, "weixi")


def test_a_kind_without_a_limit_is_named_with_the_line_of_the_kinds(ops: Path) -> None:
    path = ops / BOOK
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("  suggestion:"), text.index("  complaint:")
    path.write_text(text[:begin] + text[end:], encoding="utf-8")
    line = line_of(path, "kinds:")
    with pytest.raises(PolicyFileError, match=rf"2024-10-15\.yaml:{line}: kinds: .*kinds without a limit: suggestion"):
        load_policies(ops, "weixi")


def test_a_category_with_an_unknown_unit_is_named_with_the_line_of_the_categories(ops: Path) -> None:
    path = ops / DIRECTORY
    change(path, "name_en: Bulky waste, unit: U-SANITATION", "name_en: Bulky waste, unit: U-GONE")
    line = line_of(path, "categories:")
    with pytest.raises(PolicyFileError, match=rf"weixi\.yaml:{line}: .*category bulky-waste: unknown unit U-GONE"):
        load_policies(ops, "weixi")


def test_weights_that_are_not_100_are_named_with_the_line_of_the_weights(ops: Path) -> None:
    change(ops / BOOK, "  satisfaction: 40", "  satisfaction: 41")
    line = line_of(ops / BOOK, "scoring:")
    with pytest.raises(PolicyFileError, match=rf":{line}: scoring: .*must sum up to 100 points"):
        load_policies(ops, "weixi")


def test_a_unit_group_that_no_class_assesses_is_refused(ops: Path) -> None:
    change(ops / BOOK, "groups: [urban, livelihood, economy, safety]", "groups: [urban, livelihood, economy]")
    with pytest.raises(PolicyFileError, match=r"groups: not the same as in the classes of rulebook .*: safety"):
        load_policies(ops, "weixi")


def test_a_time_of_day_without_quotes_is_named_with_its_line(ops: Path) -> None:
    line = change(ops / BOOK, 'out_by: "10:00"', "out_by: 10:00")
    with pytest.raises(PolicyFileError, match=rf":{line}: dispatch\.out_by: .*in quotes"):
        load_policies(ops, "weixi")


def test_every_error_of_a_file_is_told_at_once(ops: Path) -> None:
    change(ops / BOOK, "  max_returns: 2", "  max_returns: -2")
    change(ops / BOOK, "  contact_attempts: 3", "  contact_attempts: none")
    with pytest.raises(PolicyFileError) as caught:
        load_policies(ops, "weixi")
    assert 2 == len(str(caught.value).splitlines())


def test_a_file_that_is_no_yaml_is_named(ops: Path) -> None:
    (ops / BOOK).write_text("kinds: [", encoding="utf-8")
    with pytest.raises(PolicyFileError, match=r"2024-10-15\.yaml: not YAML"):
        load_policies(ops, "weixi")


@pytest.mark.parametrize("missing", [DIRECTORY, "calendars/weixi.yaml", "calendars/cn.yaml"])
def test_a_missing_file_is_named(ops: Path, missing: str) -> None:
    (ops / missing).unlink()
    with pytest.raises(PolicyFileError, match=rf"{Path(missing).name}: cannot be read: No such file"):
        load_policies(ops, "weixi")


def test_a_jurisdiction_without_rules_is_named(ops: Path) -> None:
    with pytest.raises(PolicyFileError, match="rulebooks/atlantis: no rulebook"):
        load_policies(ops, "atlantis")


def test_the_rules_in_force_are_those_last_effective(ops: Path) -> None:
    path = ops / BOOK
    later = path.read_text(encoding="utf-8").replace('version: "2024-10-15.1"', 'version: "2027"')
    later = later.replace("effective_from: 2024-10-15", "effective_from: 2027-01-01")
    (path.parent / "2027-01-01.yaml").write_text(later, encoding="utf-8")
    found = load_policies(ops, "weixi")
    midnight = datetime.fromisoformat("2027-01-01T00:00:00+08:00")
    assert "2024-10-15.1" == found.at(midnight - timedelta(seconds=1)).rulebook.version
    assert "2027" == found.at(midnight).rulebook.version == found.newest.rulebook.version
    first = datetime.fromisoformat("2024-10-15T00:00:00+08:00")
    with pytest.raises(NotInForceError, match="no rules of weixi are in force at 2024-10-14T23:59:59"):
        found.at(first - timedelta(seconds=1))


def test_a_calendar_that_is_its_own_parent_is_refused(ops: Path) -> None:
    path = ops / "calendars/weixi.yaml"
    text = path.read_text(encoding="utf-8")
    assert 1 == text.count("parents: [cn]")
    path.write_text(text.replace("parents: [cn]", "parents: [weixi]"), encoding="utf-8")
    with pytest.raises(PolicyFileError, match=r"weixi\.yaml"):
        load_policies(ops, "weixi")


UNIT = "{id: U-URBAN, name_zh: 县住房和城乡建设局, name_en: Housing and Urban-Rural Development Bureau, group: urban}"
SEASONS = """{id: U-URBAN, name_zh: 住建局, name_en: Housing Bureau, group: urban,
     office_hours: [
       {from: 2026-01-01, seasons: [
         {zh: 夏季, en: summer, begins: "05-01", ends: "09-30", windows: ["08:30-12:00", "15:00-18:00"]},
         {zh: 冬季, en: winter, begins: "10-01", ends: "04-30", windows: ["08:30-12:00", "14:30-17:30"]}]}]}"""


@pytest.mark.parametrize(
    ("old", "new", "below", "problem"),
    [
        ('begins: "10-01"', 'begins: "09-30"', 4, r"seasons\.1: 09-30 lies in summer and in winter"),
        ('begins: "10-01"', 'begins: "10-02"', 2, r"seasons: .*10-01 lies in no season"),
        ("en: summer", "colour: green, en: summer", 3, r"seasons\.0\.colour: Extra inputs"),
        ('"15:00-18:00"', '"11:00-18:00"', 3, r'seasons\.0\.windows\.1: "11:00-18:00" opens before'),
        ('"14:30-17:30"', '"17:30-14:30"', 4, r"seasons\.1\.windows\.1: .*must close after it opens"),
        ("from: 2026-01-01", "from: 2026-01-01, until: 2025-12-31", 2, r"until: .*before the first day"),
        ("from: 2026-01-01", 'from: 2026-01-01, windows: ["09:00-17:00"]', 2, "either as windows or as seasons"),
    ],
)
def test_wrong_office_hours_of_a_unit_are_named_with_their_line(
    ops: Path, old: str, new: str, below: int, problem: str
) -> None:
    assert 1 == SEASONS.count(old)
    line = change(ops / DIRECTORY, UNIT, SEASONS.replace(old, new))
    with pytest.raises(PolicyFileError, match=rf"weixi\.yaml:{line + below}: units\.0\.office_hours\.0.*{problem}"):
        load_policies(ops, "weixi")


def test_units_with_the_same_office_hours_share_a_calendar_and_the_others_have_the_jurisdictions(ops: Path) -> None:
    text = (ops / DIRECTORY).read_text(encoding="utf-8")
    water = "{id: U-WATER, name_zh: 县水务局, name_en: Water Affairs Bureau, group: livelihood"
    own = SEASONS[SEASONS.index(",\n     office_hours") :]
    text = text.replace(UNIT, SEASONS).replace(water + "}", water + own)
    (ops / DIRECTORY).write_text(text, encoding="utf-8")
    policy = load_policies(ops, "weixi").at(datetime.fromisoformat("2026-11-02T09:00:00+08:00"))
    urban, water_bureau, lighting = (policy.for_unit(each) for each in ("U-URBAN", "U-WATER", "U-LIGHTING"))
    assert urban.calendar is water_bureau.calendar
    assert lighting is policy
    assert urban.for_unit("U-LIGHTING") == policy
    assert 2 == len(policy.histories())
    day = datetime.fromisoformat("2026-11-02T12:00:00+08:00").date()
    assert ("17:30", "18:00") == tuple(
        f"{each.close_of(day).astimezone(each.zone):%H:%M}" for each in (urban.calendar, policy.calendar)
    )


LAYERS = Path(__file__).parents[1] / "rules" / "layers"
WORKED = "workdays: [2026-04-16, 2026-10-11]"
OVERRIDES = "    overrides: 测试省〔2026〕1号\n"


@pytest.fixture
def layered(ops: Path) -> Path:
    """The nation's real layer, and below it the invented ones of the decision tables."""
    for path in LAYERS.glob("*.yaml"):
        shutil.copy(path, ops / "calendars")
    return ops


def test_a_chain_of_four_layers_is_read(layered: Path) -> None:
    assert "test-county@2026-01-06" == load_history(layered, "test-county").latest.version.partition(":")[0]


@pytest.mark.parametrize(
    ("layer", "old", "new", "below", "problem"),
    [
        ("county", WORKED, "workdays: [2026-10-04]", 0, "2026-10-04 is a public holiday of the nation"),
        ("county", WORKED, "workdays: [2026-04-17]", 0, "2026-04-17 is no day off in 测试省〔2026〕1号"),
        ("county", OVERRIDES, "    overrides: 测试省〔2026〕2号\n", 0, "is no notice of 2026 of a layer between"),
        ("county", OVERRIDES, "    overrides: 国办发明电〔2025〕7号\n", 0, "is no notice of 2026 of a layer between"),
        ("county", OVERRIDES, "", 2, "2026-04-16 is a Thursday, which is worked anyway"),
        ("county", "until: 2026-10-09", "until: 2026-10-08", 0, "is not within 30 days"),
        ("county", "zh: 测试县节", "colour: red, zh: 测试县节", 0, "Extra inputs are not permitted"),
        ("county", "parents: [test-prefecture]", "parents: []", 0, "every other layer has one"),
        ("prefecture", "parents: [test-province]", "parents: [test-county]", 0, "would be its own parent"),
        (
            "prefecture",
            "level: prefecture",
            "level: province",
            3,
            r"test-province \(province\) does not stand above it",
        ),
    ],
)
def test_layers_that_do_not_fit_are_named_with_file_and_line(
    layered: Path, layer: str, old: str, new: str, below: int, problem: str
) -> None:
    line = change(layered / "calendars" / f"test-{layer}.yaml", old, new)
    with pytest.raises(PolicyFileError, match=rf"test-{layer}\.yaml:{line + below}: .*{problem}"):
        load_history(layered, "test-county")


def test_a_day_that_two_notices_of_a_layer_name_is_refused_unless_one_amends_the_other(layered: Path) -> None:
    path = layered / "calendars" / "test-county.yaml"
    text = path.read_text(encoding="utf-8")
    again = text + (
        "  - id: 测试县〔2026〕2号\n    title: 又一份\n    issued: 2026-02-01\n    year: 2026\n"
        "    days_off:\n      - {zh: 节, en: Again, from: 2026-10-09, until: 2026-10-09}\n"
    )
    path.write_text(again, encoding="utf-8")
    line = text.count("\n") + 1
    with pytest.raises(
        PolicyFileError, match=rf"test-county\.yaml:{line}: .*2号 names 2026-10-09, as 测试县〔2026〕1号 does"
    ):
        load_history(layered, "test-county")
    path.write_text(
        again.replace(
            "    year: 2026\n    days_off:\n      - {zh: 节",
            "    year: 2026\n    amends: 测试县〔2026〕1号\n    days_off:\n      - {zh: 节",
        ),
        encoding="utf-8",
    )
    assert load_history(layered, "test-county").latest
