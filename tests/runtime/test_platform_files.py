"""Platform files: who hands down, and where each is told of results; an error names file, line and field."""

import re
from pathlib import Path

import pytest

from services.core.feedback import USUAL
from services.runtime.platform_files import load_platforms
from services.runtime.policy_files import PolicyFileError

OPS = Path(__file__).parents[2] / "ops"
GOOD = """\
platform: p1
name_en: One
name_zh: 一号平台
key_generations: [1]
feedback:
  url: https://platform.example/results
  since: 2026-11-26T00:00:00+08:00
  events: [ticket.dispatched, ticket.closed]
  status_words: {ticket.closed: 已办结}
"""


def load(tmp_path: Path, text: str) -> object:
    folder = tmp_path / "platforms" / "here"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "p1.yaml").write_text(text, encoding="utf-8")
    return load_platforms(tmp_path, "here")["p1"].feedback


def test_the_committed_platforms_are_read() -> None:
    assert {"dq12345", "yn12345"} <= set(load_platforms(OPS, "weixi"))


def test_a_platform_without_feedback_is_told_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD[: GOOD.index("feedback:")]) is None


def test_what_is_left_out_is_usual(tmp_path: Path) -> None:
    feedback = load(tmp_path, GOOD.replace("  events: [ticket.dispatched, ticket.closed]\n", ""))
    assert USUAL == feedback.events  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("https://platform", "http://platform", 6, r"feedback\.url: .*must be https"),
        ("https://platform.example/results", "ftp://x/y", 6, r"feedback\.url: .*https address"),
        ("https://platform", "https://me:secret@platform", 6, r"feedback\.url: .*no user, password"),
        ("2026-11-26T00:00:00+08:00", "2026-11-26T00:00:00", 7, r"feedback\.since: "),
        ("  since: 2026-11-26T00:00:00+08:00\n", "", 5, r"feedback\.since: Field required"),
        ("ticket.closed]", "clock.breached]", 8, r"feedback\.events: .*nobody is told of clock.breached"),
        ("{ticket.closed:", "{ticket.cloosed:", 9, r"feedback\.status_words: .*ticket.cloosed"),
        ("  events:", "  evnts:", 8, r"feedback\.evnts: Extra inputs"),
        ("  events:", "  retry_seconds: [5, 1]\n  events:", 8, r"feedback\.retry_seconds: .*must not become shorter"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert 1 == GOOD.count(old)
    with pytest.raises(PolicyFileError, match=rf"p1\.yaml:{line}: {said}") as error:
        load(tmp_path, GOOD.replace(old, new))
    assert not re.search("secret", str(error.value))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost:9/x", "http://[::1]/x"])
def test_this_machine_may_be_told_without_tls_and_others_where_it_is_allowed(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, GOOD.replace("https://platform.example/results", url))
    allowed = GOOD.replace("https://platform", "http://platform").replace("  since:", "  plain_http: true\n  since:")
    assert load(tmp_path, allowed)
