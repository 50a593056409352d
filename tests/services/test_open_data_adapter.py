"""The open-data adapter: the example file, planted bad lines and files, planted bad mappings."""

import gzip
import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from schemas.upstream import Reporter, UpstreamTicketUrged
from schemas.vocabulary import Channel, Kind, Lane
from schemas.wire import WireError, decode, encode
from services.core.policy import Policy
from services.intake.adapters.open_data import (
    BadLine,
    FeedFileError,
    MappingError,
    SourceMapping,
    SourceRequest,
    follow_ups,
    load_mapping,
    planted_bad_messages,
    read,
    read_lines,
)
from services.intake.door import open_command
from services.runtime.knowledge_index import KnowledgeIndex

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "la311-2017-12.csv.gz"
MAPPING = ROOT / "examples" / "la311-mapping.yaml"
SHANGHAI = ZoneInfo("Asia/Shanghai")
ASKED_AT = datetime(2026, 9, 23, 9, tzinfo=SHANGHAI)
SEED = 12345
HEADER = (
    b"SRNumber,CreatedDate,RequestType,Owner,AssignTo,RequestSource,Anonymous,Status,ServiceDate,ClosedDate,"
    b"ZipCode,NCName\r\n"
)
GOOD = (
    b'1-1,12/27/2017 01:36:22 PM,Bulky Items,BOS,NC,Call,N,Closed,,12/29/2017 11:29:10 AM,90042,"HIGHLAND PARK, NC"\r\n'
)
BULLETIN = {"consultation": 47.1, "help": 30.3, "suggestion": 14.7, "complaint and report": 5.3}
"""Per cent; features.md section 6: a city, week 28 of 2024."""


@pytest.fixture(scope="module")
def mapping() -> SourceMapping:
    return load_mapping(MAPPING)


@pytest.fixture(scope="module")
def requests(mapping: SourceMapping) -> list[SourceRequest]:
    found = list(read(EXAMPLE, mapping, SEED))
    assert [item for item in found if isinstance(item, BadLine)] == []
    return [item for item in found if isinstance(item, SourceRequest)]


def only(lines: list[bytes], mapping: SourceMapping) -> list[SourceRequest | BadLine]:
    return list(read_lines([HEADER, *lines], mapping, SEED))


def test_every_request_of_the_example_is_read(requests: list[SourceRequest]) -> None:
    assert len(requests) == 5000
    assert len({request.submitted.upstream_id for request in requests}) == 5000
    assert [request.line for request in requests] == list(range(2, 5002))


def test_the_mix_of_kinds_is_near_the_published_bulletin(requests: list[SourceRequest]) -> None:
    names = {Kind.COMPLAINT: "complaint and report", Kind.REPORT: "complaint and report"}
    counted = Counter(names.get(request.submitted.kind, request.submitted.kind.value) for request in requests)
    for name, percent in BULLETIN.items():
        assert 100 * counted[name] / len(requests) == pytest.approx(percent, abs=3), name


def test_the_door_sends_the_example_down_every_lane(
    requests: list[SourceRequest], policy: Policy, knowledge: KnowledgeIndex
) -> None:
    lanes: Counter[str] = Counter()
    for request in requests:
        keywords = policy.door.emergencies
        command = open_command(request.submitted, "T", policy.directory, knowledge, keywords).command
        if command.lane is Lane.EMERGENCY:  # type: ignore[attr-defined]
            assert command.emergency_rule.startswith("category/"), "a false alarm"  # type: ignore[attr-defined]
        lanes[command.lane.value] += 1  # type: ignore[attr-defined]
    desk = sum(r.submitted.category == "other" for r in requests)
    consultations = sum(r.submitted.kind is Kind.CONSULTATION for r in requests)
    assert set(lanes) == {lane.value for lane in Lane}
    assert 0.005 <= lanes["emergency"] / 5000 <= 0.02
    assert 0.01 <= desk / 5000 <= 0.03
    assert 0.002 <= (lanes["lawful_channel"] + lanes["not_acceptable"]) / 5000 <= 0.01
    assert 0.5 <= lanes["knowledge_base"] / consultations <= 0.7


def test_the_mapping_fits_the_directory_and_the_knowledge_base(
    mapping: SourceMapping, policy: Policy, knowledge: KnowledgeIndex
) -> None:
    every = [*(m for listed in mapping.types.values() for m in listed), *mapping.other_type, *mapping.planted]
    assert {m.category for m in every if policy.directory.category(m.category) is None} == set()
    assert {area.code: area.name_zh for area in policy.directory.areas} == mapping.areas
    for category, questions in mapping.knowledge.questions.items():
        for question in questions:
            article = knowledge.match(question, ASKED_AT)
            assert article is not None, question
            assert article.category == category
    assert [m.title_zh for m in every if knowledge.match(m.title_zh, ASKED_AT)] == []


def test_dates_keep_their_weekday_and_their_time_of_day(requests: list[SourceRequest]) -> None:
    first = requests[0]
    assert first.submitted.time == datetime(2026, 9, 23, 13, 36, 22, tzinfo=SHANGHAI)
    assert first.closes_at == datetime(2026, 9, 30, 7, 33, 56, tzinfo=SHANGHAI)
    assert first.closes_at is not None
    assert first.closes_at.tzinfo is UTC
    days = Counter(r.submitted.time.astimezone(SHANGHAI).strftime("%a %Y-%m-%d") for r in requests)
    assert days == {"Wed 2026-09-23": 1775, "Thu 2026-09-24": 3225}


def test_the_period_holds_mid_autumn_and_an_adjusted_workday(requests: list[SourceRequest], policy: Policy) -> None:
    last = sorted(r.closes_at for r in requests if r.closes_at)[int(len(requests) * 0.97)]
    assert last > datetime(2026, 10, 5, tzinfo=SHANGHAI)
    assert not policy.calendar.is_working_day(datetime(2026, 9, 25, tzinfo=SHANGHAI).date())
    assert policy.calendar.is_working_day(datetime(2026, 10, 10, tzinfo=SHANGHAI).date())


def test_what_the_source_says_of_the_end_is_kept(requests: list[SourceRequest]) -> None:
    assert sum(r.cancelled for r in requests) == 93
    assert sum(r.closes_at is None for r in requests) == 2


def test_two_reads_are_equal_and_another_seed_differs(mapping: SourceMapping, requests: list[SourceRequest]) -> None:
    assert list(read(EXAMPLE, mapping, SEED)) == requests
    assert list(read(EXAMPLE, mapping, SEED + 1)) != requests


def test_a_request_reads_the_same_alone_and_in_another_order(mapping: SourceMapping) -> None:
    other = GOOD.replace(b"1-1,", b"1-2,")
    forwards = {r.submitted.id: r.submitted for r in only([GOOD, other], mapping) if isinstance(r, SourceRequest)}
    backwards = {r.submitted.id: r.submitted for r in only([other, GOOD], mapping) if isinstance(r, SourceRequest)}
    assert len(forwards) == 2
    assert backwards == forwards


def test_the_hash_seed_of_the_interpreter_changes_nothing() -> None:
    code = (
        "import hashlib, pathlib, sys\n"
        "from services.intake.adapters.open_data import *\n"
        "mapping = load_mapping(pathlib.Path(sys.argv[2]))\n"
        "said = ''.join(repr(x) for x in [*read(pathlib.Path(sys.argv[1]), mapping, 7)][:300])\n"
        "print(hashlib.sha256(said.encode()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(EXAMPLE), str(MAPPING)],
            capture_output=True, check=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_a_reporter_is_invented_and_an_anonymous_one_has_no_name(requests: list[SourceRequest]) -> None:
    anonymous = [r.submitted for r in requests if r.submitted.anonymous]
    named = [r.submitted for r in requests if not r.submitted.anonymous]
    assert len(anonymous) == 339
    assert {said.reporter for said in anonymous} == {Reporter()}
    assert all("1380000" not in said.content for said in anonymous)
    for said in named:
        assert said.reporter.name
        assert said.reporter.phone
        assert said.reporter.name in said.content
        assert said.reporter.phone.startswith("1380000")


def test_only_named_reporters_of_reports_ask_for_secrecy(requests: list[SourceRequest]) -> None:
    secret = [r.submitted for r in requests if r.submitted.secrecy_requested]
    assert secret
    assert {(said.kind, said.anonymous) for said in secret} == {(Kind.REPORT, False)}


def test_channels_levels_and_promises_come_from_the_data(requests: list[SourceRequest]) -> None:
    said = [r.submitted for r in requests]
    assert Counter(s.channel for s in said)[Channel.PHONE] == 2178
    assert Counter(s.channel for s in said)[Channel.FIELD] == 1133
    assert {s.accepted_by.value for s in said} == {"county", "prefecture", "province"}
    due = [s for s in said if s.upstream_due_at]
    assert 0.02 <= len(due) / 5000 <= 0.06
    assert all(s.upstream_due_at > s.time for s in due if s.upstream_due_at)


def test_every_message_goes_over_the_wire_and_back(requests: list[SourceRequest]) -> None:
    for request in requests[::50]:
        headers, value = encode(request.submitted)
        assert decode(headers, value) == request.submitted


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD.replace(b"1-1,", b","), "SRNumber: empty"),
        (GOOD.replace(b"1-1,", b"not a token,"), "upstream_id"),
        (GOOD.replace(b"12/27/2017 01:36:22 PM", b"2017-12-27"), "CreatedDate: is not of the form"),
        (GOOD.replace(b"12/27/2017 01:36:22 PM", b""), "CreatedDate: empty"),
        (GOOD.replace(b"12/29/2017", b"13/29/2017"), "ClosedDate: is not of the form"),
        (GOOD.replace(b",Closed,", b",Lost,"), "Status: not in the mapping's `statuses`"),
        (GOOD.replace(b"Call,", b""), "11 cells where the header has 12"),
        (GOOD.replace(b"NC,Call", b"\xff\xfe,Call"), "not UTF-8"),
        (GOOD.replace(b', NC"', b", NC"), "unexpected end of data"),
    ],
)
def test_a_bad_line_is_given_with_its_bytes_and_its_neighbours_flow_on(
    line: bytes, reason: str, mapping: SourceMapping
) -> None:
    before, bad, after = only([GOOD, line, GOOD.replace(b"1-1,", b"1-3,")], mapping)
    assert isinstance(bad, BadLine)
    assert (bad.line, bad.raw) == (3, line)
    assert reason in bad.reason
    assert isinstance(before, SourceRequest)
    assert isinstance(after, SourceRequest)
    assert (before.line, after.line) == (2, 4)


def test_a_type_of_another_file_goes_to_the_manual_desk(mapping: SourceMapping) -> None:
    found = only([GOOD.replace(b"Bulky Items", b"Feedback")], mapping)[0]
    assert isinstance(found, SourceRequest)
    assert found.submitted.category == "other"


def test_an_unmapped_type_is_a_bad_line_where_the_mapping_says_nothing_of_others(mapping: SourceMapping) -> None:
    strict = mapping.model_copy(update={"other_type": (), "planted": ()})
    found = only([GOOD.replace(b"Bulky Items", b"Feedback")], strict)[0]
    assert isinstance(found, BadLine)
    assert "RequestType: not in the mapping's `types`" in found.reason


def test_the_owner_steers_what_a_request_becomes(mapping: SourceMapping) -> None:
    assert "bulky-waste" in {matter.category for matter in mapping.matters("Other", "BOS")}
    assert "bulky-waste" not in {matter.category for matter in mapping.matters("Other", "ITA")}


def test_a_damaged_file_is_refused_whole_and_named(tmp_path: Path, mapping: SourceMapping) -> None:
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(EXAMPLE.read_bytes()[:20_000])
    no_gzip = tmp_path / "plain.csv.gz"
    no_gzip.write_bytes(HEADER + GOOD)
    empty = tmp_path / "empty.csv"
    empty.touch()
    other = tmp_path / "other.csv"
    other.write_bytes(b"SRNumber,CreatedDate\r\n")
    for path, said in (
        (cut, "damaged or cut off"),
        (no_gzip, "damaged or cut off"),
        (empty, "is empty"),
        (other, "no column ClosedDate"),
        (tmp_path / "missing.csv", "No such file"),
    ):
        with pytest.raises(FeedFileError, match=said) as raised:
            list(read(path, mapping, SEED))
        assert str(path) in str(raised.value)


def test_a_plain_csv_reads_like_a_compressed_one(tmp_path: Path, mapping: SourceMapping) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_bytes(HEADER + GOOD)
    packed.write_bytes(gzip.compress(HEADER + GOOD))
    found = list(read(plain, mapping, SEED))
    assert len(found) == 1
    assert list(read(packed, mapping, SEED)) == found


def _drop(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda data: data.pop(key)


def _first(data: dict[str, Any]) -> dict[str, Any]:
    return data["types"]["Bulky Items"][0]


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (_drop("columns"), "columns"),
        (lambda d: d["columns"].pop("created"), "columns.created"),
        (lambda d: d["dates"].update(zone="Asia/Nowhere"), "dates.zone"),
        (lambda d: d["dates"].update(plays_on="2026-09-24"), "dates.plays_on"),
        (lambda d: d["channels"].update(Call="pigeon"), "channels.Call"),
        (lambda d: d["statuses"].update(Open="ajar"), "statuses.Open"),
        (lambda d: _first(d).update(kind="wish"), "types.Bulky Items.0.kind"),
        (lambda d: _first(d).update(weight=0), "types.Bulky Items.0.weight"),
        (lambda d: _first(d).update(colour="red"), "types.Bulky Items.0.colour"),
        (lambda d: d["types"].update(Other=[_first(d) | {"owners": ["BOS"]}]), "types"),
        (lambda d: d["knowledge"].update(share=1.5), "knowledge.share"),
        (lambda d: d["planted"][0].update(share=0.999), "planted"),
        (lambda d: d["shares"].update(secrecy=1), "shares.secrecy"),
        (lambda d: d["invented"].update(phone_prefix="138"), "invented.phone_prefix"),
    ],
)
def test_a_bad_mapping_names_the_file_and_the_field(
    spoil: Callable[[dict[str, Any]], object], field: str, tmp_path: Path
) -> None:
    data = yaml.safe_load(MAPPING.read_text(encoding="utf-8"))
    spoil(data)
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(MappingError) as raised:
        load_mapping(path)
    assert str(path) in str(raised.value)
    assert f"{field}:" in str(raised.value)


def test_a_mapping_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("platform: [", encoding="utf-8")
    for path in (broken, tmp_path / "missing.yaml"):
        with pytest.raises(MappingError, match=path.name):
            load_mapping(path)


def test_some_messages_come_again_and_some_are_urged(requests: list[SourceRequest]) -> None:
    by_id = {r.submitted.upstream_id: r for r in requests}
    said = list(follow_ups(requests, SEED))
    again = [item for item in said if isinstance(item, SourceRequest)]
    urged = [item for item in said if isinstance(item, UpstreamTicketUrged)]
    assert 0.02 <= len(again) / 5000 <= 0.04
    assert 0.005 <= len(urged) / 5000 <= 0.015
    for copy in again:
        original = by_id[copy.submitted.upstream_id].submitted
        assert copy.submitted.model_copy(update={"time": original.time}) == original
        assert 120 <= (copy.submitted.time - original.time).total_seconds() <= 3600
    for urging in urged:
        assert urging.time > by_id[urging.upstream_id].submitted.time
    assert list(follow_ups(requests, SEED)) == said


def test_follow_ups_of_a_sample_are_those_of_the_whole(requests: list[SourceRequest]) -> None:
    sample = requests[::7]
    chosen = {r.submitted.upstream_id for r in sample}

    def number(item: SourceRequest | UpstreamTicketUrged) -> str:
        return item.submitted.upstream_id if isinstance(item, SourceRequest) else item.upstream_id

    expected = [item for item in follow_ups(requests, SEED) if number(item) in chosen]
    assert list(follow_ups(sample, SEED)) == expected


def test_planted_bad_messages_are_refused_in_six_ways() -> None:
    codes = []
    for value, headers in planted_bad_messages(SEED, 6):
        with pytest.raises(WireError) as raised:
            decode(headers, value)
        codes.append(raised.value.code)
    assert codes == ["not-json", "not-json", "unknown-version", "invalid-field", "unknown-type", "missing-header"]
    not_utf8 = planted_bad_messages(SEED, 2)[1][0]
    with pytest.raises(UnicodeDecodeError):
        not_utf8.decode()
