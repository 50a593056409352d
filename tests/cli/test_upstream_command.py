"""`hotline upstream check` on the two examples: what is mapped, what nobody reads, what the door would refuse."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.__main__ import app

ROOT = Path(__file__).parents[2]
PLATFORMS, SAMPLES = ROOT / "ops" / "platforms" / "weixi", ROOT / "examples" / "upstream"


@pytest.fixture(autouse=True)
def policy_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_POLICY_DIR", str(ROOT / "ops"))


def check(file: Path, sample: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["upstream", "check", str(file), "--sample", str(sample), *more])
    return result.exit_code, result.output


def test_the_provinces_sample_is_read_but_for_its_two_wrong_records() -> None:
    code, output = check(PLATFORMS / "yn12345.yaml", SAMPLES / "yn12345.jsonl", "--json")
    found = json.loads(output)
    assert (code, found["records"], found["accepted"], found["refused"]) == (1, 10, 8, 2)
    assert [(r["path"], r["code"], r["records"]) for r in found["reasons"]] == [
        ("/order/type", "unknown-word", [9]),
        ("/place/admin_code", "not-an-area-code", [10]),
    ]
    assert found["outcomes"] == {
        "dispatched by the directory 按目录派单": 3, "lane emergency 分流": 1, "lane knowledge_base 分流": 1,
        "to the manual desk 人工派单": 1, "urged 催办": 1, "withdrawn 撤回": 1,
    }  # fmt: skip
    assert found["unknown"] == {"/order/priority": 1}


def test_the_prefectures_sample_likewise_and_no_content_is_shown() -> None:
    code, output = check(PLATFORMS / "dq12345.yaml", SAMPLES / "dq12345.csv")
    assert code == 1
    assert "8 records 条: 6 accepted 可受理, 2 refused 拒收" in output
    assert "refused: 受理时间: " in output
    assert "/回访方式  in 8 records" in output
    values = {cell for line in (SAMPLES / "dq12345.csv").read_text().splitlines()[1:] for cell in line.split(",")}
    assert {value for value in values if len(value) > 5 and value in output} == set()


def test_a_sample_without_faults_ends_with_exit_code_0(tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    lines = (SAMPLES / "yn12345.jsonl").read_text().splitlines()[:8]
    good.write_text("[" + ",".join(lines) + "]")
    assert check(PLATFORMS / "yn12345.yaml", good)[0] == 0


def test_hostile_records_are_refused_each_alone_and_another_body_under_an_id_too(tmp_path: Path) -> None:
    sample = tmp_path / "hostile.jsonl"
    good = (SAMPLES / "yn12345.jsonl").read_text().splitlines()[0]
    bad = ["{", "[" * 5000, '{"n": ' + "9" * 5000 + "}", '{"s": "\\ud800"}', '{"n": NaN}', "[]", "7", "x" * 300_000]
    sample.write_text("\n".join([good, *bad, good, good.replace("旧沙发", "新沙发")]))
    code, output = check(PLATFORMS / "yn12345.yaml", sample, "--json")
    found = json.loads(output)
    assert (code, found["records"], found["accepted"]) == (1, 11, 2)
    assert {r["code"]: r["records"] for r in found["reasons"]} == {
        "not-json": [2, 3, 4, 5, 6], "not-an-object": [7, 8], "too-large": [9], "same-id-other-body": [11],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("s.txt", b"", "must end in"),
        ("s.csv", b"", "the file is empty"),
        ("s.csv", b"a,b\n\xff,1\n", "is not UTF-8"),
        ("s.json", None, "cannot be read"),
    ],
)
def test_a_sample_that_cannot_be_read_ends_with_exit_code_2(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, output = check(PLATFORMS / "dq12345.yaml", tmp_path / name)
    assert (code, said in output) == (2, True)


def test_a_platform_file_without_a_mapping_or_with_a_wrong_one_ends_with_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "dq12345.yaml"
    text = (PLATFORMS / "dq12345.yaml").read_text()
    file.write_text(text.split("mapping:")[0])
    assert "has no `mapping:`" in check(file, SAMPLES / "dq12345.csv")[1]
    file.write_text(text.replace("咨询: consultation", "咨询: chat"))
    code, output = check(file, SAMPLES / "dq12345.csv")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "咨询: consultation" in row)
    assert code == 2
    assert f"dq12345.yaml:{line}: mapping.fields.kind.words.咨询" in output
    shutil.rmtree(tmp_path)
    assert check(file, SAMPLES / "dq12345.csv")[0] == 2
