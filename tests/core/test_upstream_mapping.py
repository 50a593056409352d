"""A platform's own record becomes our message, or its own fields are named: never a third thing, never an echo."""

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import derived_id
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from services.core.upstream.mapping import UpstreamMapping
from services.core.upstream.paths import ABSENT, find, leaves, pointer, steps
from services.core.upstream.survey import survey
from services.core.upstream.translation import Fault, NativeError, Withdrawn, translate
from services.runtime.platform_files import Platform, load_platforms
from services.runtime.policy_files import PolicyFileError, parse

OPS = Path(__file__).parents[2] / "ops"
NOW = datetime(2026, 9, 24, 9, 0, tzinfo=UTC)
CANARY = "张三 13800138000"
PROVINCE = load_platforms(OPS, "weixi")["yn12345"].mapping
assert PROVINCE is not None
RECORD: dict[str, Any] = {
    "flow": {"state": "下派", "message_id": "F-1"},
    "order": {
        "order_no": 2026092301, "type": "投诉", "category": {"code": "050102"}, "channel": 9, "anonymous": False,
        "accepted_at": 1790125200000, "due_at": "2026-10-15 18:00:00", "content": CANARY,
        "limit": {"days": 5, "until": None, "basis": "示例 3 号"},
    },
    "place": {"admin_code": "533423100201"},
    "reporter": {"name": "张三", "phone": "13800138000", "id_no": "无"},
}  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    *way, last = steps(path)
    place: Any = record
    for part in way:
        place = place[part]
    if value is ABSENT:
        place.pop(last, None)
    else:
        place[last] = value
    return record


def read(record: Any) -> Any:
    assert PROVINCE is not None
    return translate(PROVINCE, "yn12345", record, NOW)


def faults(record: Any) -> list[tuple[str, str]]:
    with pytest.raises(NativeError) as caught:
        read(record)
    assert CANARY not in str(caught.value) + repr(caught.value.faults)
    assert all(isinstance(fault.problem, str) for fault in caught.value.faults), "people read why"
    return [(fault.path, fault.code) for fault in caught.value.faults]


def test_every_field_of_the_record_is_read() -> None:
    said = read(RECORD)
    assert isinstance(said, UpstreamTicketSubmitted)
    assert (said.platform, said.upstream_id, said.id, said.source) == (
        "yn12345", "2026092301", "F-1", "/platform/yn12345",
    )  # fmt: skip
    assert (said.kind, said.category, said.area, said.channel) == (
        "complaint", "electronic-waste", "533423100", "other",
    )  # fmt: skip
    assert said.time == datetime(2026, 9, 23, 1, 0, tzinfo=UTC), "milliseconds since 1970"
    assert said.upstream_due_at == datetime(2026, 10, 15, 10, 0, tzinfo=UTC), "a time without zone is local"
    assert said.accepted_by == "province"
    assert said.limit_override is not None
    assert (said.limit_override.working_days, said.limit_override.legal_basis) == (5, "示例 3 号")
    assert (said.reporter.name, said.reporter.id_number) == ("张三", None), "what stands for nothing is nothing"
    assert (said.title, said.content) == ("", CANARY)
    assert read(changed("order.title", "积水")).title == "积水"


def test_the_longest_prefix_wins_and_what_none_fits_goes_to_the_manual_desk() -> None:
    codes = {"0501": "bulky-waste", "050101": "bulky-waste", "05010299": "electronic-waste", "777": "other"}
    assert {code: read(changed("order.category.code", code)).category for code in codes} == codes


def test_status_words_say_whether_it_is_new_urged_or_withdrawn() -> None:
    urged, withdrawn = read(changed("flow.state", "催办")), read(changed("flow.state", "撤单"))
    assert isinstance(urged, UpstreamTicketUrged)
    assert isinstance(withdrawn, Withdrawn)
    assert (urged.upstream_id, urged.id) == ("2026092301", "F-1")
    first_id, spoken_at = derived_id("withdrawn", "yn12345", "F-1"), datetime(2026, 9, 23, 1, 0, tzinfo=UTC)
    assert Withdrawn("yn12345", "2026092301", first_id, spoken_at) == withdrawn, "the same after an upgrade"
    nameless = changed("flow.state", "催办") | {"flow": {"state": "催办"}}
    assert faults(nameless) == [("/flow/message_id", "missing")], "two urges without ids would be one"
    assert read(changed("flow.message_id", ABSENT)).id == "2026092301", "a new matter may go by its own number"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("flow.state", CANARY, "unknown-word"),
        ("flow.state", ABSENT, "missing"),
        ("order.order_no", ABSENT, "missing"),
        ("order.order_no", CANARY, "string_pattern_mismatch"),
        ("flow.message_id", CANARY, "string_pattern_mismatch"),
        ("order.order_no", 1.5, "not-a-text"),
        ("order.order_no", ["1"], "not-a-text"),
        ("order.type", CANARY, "unknown-word"),
        ("order.type", "", "missing"),
        ("order.type", {"zh": "投诉"}, "not-a-text"),
        ("place.admin_code", "53342310020", "not-an-area-code"),
        ("place.admin_code", "５33423100201", "not-an-area-code"),
        ("place.admin_code", "533421100201", "another-area"),
        ("order.accepted_at", "昨天", "not-a-time"),
        ("order.accepted_at", "2026-02-30 09:00:00", "not-a-time"),
        ("order.accepted_at", "9" * 30, "not-a-time"),
        ("order.due_at", CANARY, "not-a-time"),
        ("order.anonymous", "也许", "unknown-word"),
        ("order.limit.days", 0, "greater_than_equal"),
        ("order.limit.days", CANARY, "int_parsing"),
        ("order.limit.basis", None, "missing"),
        ("order.limit.until", "2026-10-15 18:00:00", "value_error"),
        ("order.content", "x" * 32_001, "string_too_long"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_the_platforms_own_path(path: str, value: Any, code: str) -> None:
    expected = "/" + path.replace(".", "/")
    if path == "order.limit.until":
        expected = "(mapping)"  # both a number of days and an instant: no single field is wrong
    assert faults(changed(path, value)) == [(expected, code)]


@pytest.mark.parametrize("record", [None, [], "text", 1], ids=str)
def test_what_is_no_object_is_wrong_as_a_whole(record: Any) -> None:
    assert [("/", "not-an-object")] == faults(record)


def test_all_that_is_wrong_is_named_at_once() -> None:
    record = changed("order.type", CANARY)
    record["place"]["admin_code"] = CANARY
    record["order"]["due_at"] = CANARY
    assert faults(record) == [
        ("/order/type", "unknown-word"), ("/place/admin_code", "not-an-area-code"), ("/order/due_at", "not-a-time"),
    ]  # fmt: skip


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted({pointer(way) for way in leaves(RECORD)} | {"/order", "/flow", "/reporter"})), json)
def test_whatever_stands_in_a_field_gives_a_message_or_faults(path: str, value: Any) -> None:
    try:
        said = read(changed(path, value))
    except NativeError:
        return
    assert isinstance(said, UpstreamTicketSubmitted | UpstreamTicketUrged | Withdrawn)


@given(json)
def test_whatever_the_record_is_the_answer_is_in_words(record: Any) -> None:
    with pytest.raises(NativeError):
        read(record)


@pytest.mark.parametrize("path", ["/a~1b/~0c/1", "a.b"])
def test_a_path_finds_what_the_pointer_names(path: str) -> None:
    record = {"a/b": {"~c": [0, "here"]}, "a": {"b": "here"}}
    assert find(record, path) == "here"
    assert find(record, path + ("/x" if path.startswith("/") else ".x")) is ABSENT


FILE = """platform: p
name_en: P
name_zh: 平台
key_generations: [1]
mapping:
  status: {at: s, words: {新: submits}}
  fields:
    upstream_id: n
    kind: {at: k, words: {求助: help}}
    category: {at: c, otherwise: other}
    area: {at: a, as_is: true}
    channel: {fixed: phone}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("words: {求助: help}", "words: {求助: halp}", "p.yaml:9: mapping.fields.kind.words.求助: "),
        ("upstream_id: n", "upstream_id: ''", "p.yaml:8: mapping.fields.upstream_id.at.0: Value error, must be a JSON"),
        ("upstream_id: n", "upstream_id: a..n", "p.yaml:8: mapping.fields.upstream_id.at.0: Value error, must be a"),
        ("    kind:", "    kinds: x\n    kind:", "p.yaml:9: mapping.fields.kinds: Extra inputs"),
        ("    upstream_id: n\n", "", "p.yaml:7: mapping.fields.upstream_id: Field required"),
        ("{fixed: phone}", "{fixed: phone, at: x}", "p.yaml:12: mapping.fields.channel: Value error, give either"),
        ("{fixed: phone}", "{at: x}", "p.yaml:12: mapping.fields.channel: Value error, says no word"),
        ("{fixed: phone}", "{fixed: phone, otherwise: web}", "p.yaml:12: mapping.fields.channel: Value error, `fixed`"),
        ("as_is: true", "as_is: true, digits: 13", "p.yaml:11: mapping.fields.area.digits: "),
        ("as_is: true", "words: {1: x}", "p.yaml:11: mapping.fields.area.words.1.[key]: Input should be a"),
        ("  status:", "  zone: Mars/Base\n  status:", "p.yaml:6: mapping.zone: Value error, no time zone"),
        ("  status:", "  time_formats: ['%H:%M']\n  status:", "p.yaml:6: mapping.time_formats: Value error, must be"),
        ("新: submits", "新: submits, 催: urges", "p.yaml:5: mapping: Value error, status: what urges or withdraws"),
        ("    kind:", "    kind: {fixed: help}\n    kind:", "p.yaml:10: the key 'kind' stands twice"),
        ("    channel:", "    limit_override: {working_days: d}\n    channel:", "p.yaml:12: mapping.fields.limit_over"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_with_file_and_line(old: str, new: str, said: str) -> None:
    assert parse(Platform, FILE, "p.yaml").mapping is not None
    assert old in FILE
    with pytest.raises(PolicyFileError) as caught:
        parse(Platform, FILE.replace(old, new), "p.yaml")
    assert str(caught.value).startswith(said)


def test_a_place_and_attachments_are_read_and_what_is_wrong_in_them_is_named() -> None:
    more = (
        "    place: {address: w, lat: pos.lat, long: pos.lon}\n"
        "    reporter: {email: mail}\n"
        "    attachments: {at: files, sha256: hash, media_type: kind.mime, size: bytes}\n"
    )
    mapping = parse(Platform, FILE + more, "p.yaml").mapping
    assert isinstance(mapping, UpstreamMapping)
    file = {"hash": "ab" * 32, "kind": {"mime": "image/png"}, "bytes": 7}
    record = {
        "s": "新", "n": "1", "k": "求助", "c": "x", "a": "533423100", "w": "示例路 1 号", "mail": "a@example.org",
        "pos": {"lat": 27.5, "lon": "99.25"}, "files": [file],
    }  # fmt: skip
    said = translate(mapping, "p", record, NOW)
    assert isinstance(said, UpstreamTicketSubmitted)
    assert said.place is not None
    assert (said.place.address, said.place.lat, said.place.long) == ("示例路 1 号", 27.5, 99.25)
    assert (said.reporter.email, said.attachments[0].sha256) == ("a@example.org", "ab" * 32)
    assert '"attachments"' not in translate(mapping, "p", record | {"files": []}, NOW).model_dump_json()  # type: ignore[union-attr]
    for nothing in (record | {"files": None}, {name: record[name] for name in record if name != "files"}):
        assert translate(mapping, "p", nothing, NOW).attachments == ()  # type: ignore[union-attr]
    for changes, path, code in (
        ({"files": "none"}, "files", "not-a-list"),
        ({"files": [file | {"hash": CANARY}]}, "files", "string_pattern_mismatch"),
        ({"files": [file] * 21}, "files", "too_long"),
        ({"pos": {"lat": 91, "lon": 0}}, "pos.lat", "less_than_equal"),
        ({"pos": {"lat": CANARY, "lon": 0}}, "pos.lat", "float_parsing"),
    ):
        with pytest.raises(NativeError) as caught:
            translate(mapping, "p", record | changes, NOW)
        assert [(fault.path, fault.code) for fault in caught.value.faults] == [(path, code)]
        assert CANARY not in repr(caught.value.faults)


GOOD = {"s": "新", "n": "1", "k": "求助", "c": "1", "a": "533423100"}


def by(old: str, new: str, **changes: Any) -> Any:
    """Read the good record, changed, by the mapping of the file, changed; give what it says or the faults."""
    assert old in FILE
    mapping = parse(Platform, FILE.replace(old, new), "p.yaml").mapping
    assert isinstance(mapping, UpstreamMapping)
    try:
        return translate(mapping, "p", {k: v for k, v in (GOOD | changes).items() if v is not ABSENT}, NOW)
    except NativeError as error:
        return [(fault.path, fault.code, fault.problem) for fault in error.faults]


@pytest.mark.parametrize("first", [ABSENT, None, "", " "], ids=["absent", "null", "empty", "blank"])
def test_of_several_places_the_first_that_is_filled_counts_and_a_fault_names_them_all(first: Any) -> None:
    two = ("upstream_id: n", "upstream_id: [n, m]")
    assert "2" == by(*two, n=first, m="2").upstream_id
    assert "1" == by(*two, m="2").upstream_id
    wrong = by(*two, n=first, m=CANARY)
    assert {("n | m", "string_pattern_mismatch")} == {(path, code) for path, code, _ in wrong}


def test_a_number_that_names_the_message_too_is_wrong_in_both_at_its_one_place() -> None:
    wrong = by("kind:", "kind:", n=CANARY)
    assert [("n", "id"), ("n", "upstream_id")] == [(path, problem.partition(":")[0]) for path, _, problem in wrong]


def test_a_word_that_may_be_wanting_is_left_out_and_true_and_false_are_words() -> None:
    added = ("    channel:", '    anonymous: {at: x, words: {"true": true, "false": false}}\n    channel:')
    assert [True, False] == [by(*added, x=x).anonymous for x in (True, False)]
    assert [False] * 3 == [by(*added, x=x).anonymous for x in (ABSENT, None, "")], "as nothing was said"
    assert [("x", "unknown-word")] == [found[:2] for found in by(*added, x="也许")]


def test_a_record_that_says_nothing_readable_of_what_it_is_is_judged_by_nothing_else() -> None:
    silent = ("words: {新: submits}", "words: {新: submits}, absent: submits")
    assert "1" == by(*silent, s=ABSENT).upstream_id
    assert [("s", "not-a-text")] == [found[:2] for found in by(*silent, s={"x": 1}, k="哎")]
    assert [("k", "unknown-word")] == [found[:2] for found in by(*silent, s=ABSENT, k="哎")]


def test_a_survey_counts_what_is_filled_unread_and_refused() -> None:
    mapping = parse(Platform, FILE + "  ignored: [x]\n", "p.yaml").mapping
    assert isinstance(mapping, UpstreamMapping)
    good = {"s": "新", "n": "1", "k": "求助", "c": "", "a": "533423100", "x": {"y": 1}, "list": [{"z": 1}, {"z": 2}]}
    found = survey(mapping, "p", [(1, good | {"c": "1"}), (2, good), (3, Fault("/", "not-json", "no"))], NOW)
    assert (found.records, [number for number, _ in found.accepted]) == (3, [1])
    assert {seen.ours: seen.filled for seen in found.mapped}["category"] == 1
    assert (dict(found.unknown), found.fixed) == ({"/list/*/z": 2}, ["channel"])
    assert {fault.code: numbers for fault, numbers in found.refused.items()} == {"missing": [2], "not-json": [3]}


def test_a_line_that_is_no_record_ends_no_survey_and_each_refused_record_is_noted_once() -> None:
    mapping = parse(Platform, FILE + "  ignored: [x, list/*/z]\n", "p.yaml").mapping
    assert isinstance(mapping, UpstreamMapping)
    good = {"s": "新", "n": "1", "k": "求助", "c": "1", "a": "533423100"}
    strange = good | {"list": [{"z": 1, "w": 2}], "x": {"0": 1}, "5": 3, "k": "哎", "a": "1"}
    found = survey(mapping, "p", [(1, Fault("/", "not-json", "no")), (2, strange), (3, good)], NOW)
    assert (3, [3], {1, 2}) == (found.records, [number for number, _ in found.accepted], found.refused_records)
    assert 2 == {seen.ours: seen.filled for seen in found.mapped}["category"], "of the records that are some"


def test_a_place_of_a_list_that_a_mapping_reads_is_known_and_a_number_is_no_other_name() -> None:
    mapping = parse(Platform, FILE + "  ignored: [/list/0/z, /x/5]\n", "p.yaml").mapping
    assert isinstance(mapping, UpstreamMapping)
    found = survey(mapping, "p", [(1, {"list": [{"z": 1}, {"z": 2}], "x": {"y": 1, "5": 2}})], NOW)
    assert {"/x/y": 1} == dict(found.unknown)


def test_a_pointer_leads_back_to_the_names_it_was_made_of() -> None:
    names = ("a/b", "c~d", "~1", "e")
    assert "/a~1b/c~0d/~01/e" == pointer(names)
    assert names == steps(pointer(names))


def test_behind_the_last_place_of_a_list_lies_nothing() -> None:
    assert "b" == find({"list": ["a", "b"]}, "/list/1")
    assert ABSENT is find({"list": ["a", "b"]}, "/list/2")
