"""Art. 12: each criterion of the review, and what the door notes of a text before it is sealed."""

from typing import Any

import pytest

from schemas.vocabulary import ReplyDefect
from services.core.reply_review import defects, empty_phrases, template_digest
from tests.builders import reply


def test_a_complete_reply_has_no_defect() -> None:
    assert () == defects(reply(), ("another-digest",))


@pytest.mark.parametrize(
    ("changes", "earlier", "found"),
    [
        ({"handler": None}, (), ReplyDefect.NO_HANDLER),
        ({"responsible": None}, (), ReplyDefect.NO_RESPONSIBLE_PERSON),
        ({"points": 3, "points_answered": 2}, (), ReplyDefect.POINTS_UNANSWERED),
        ({"result": "refused", "basis": None}, (), ReplyDefect.REFUSAL_WITHOUT_BASIS),
        ({"template_digest": "used"}, ("used",), ReplyDefect.TEMPLATE_REPEATED),
        ({"empty_phrases": 1}, (), ReplyDefect.EMPTY_PHRASES),
        ({"result": "promised"}, (), ReplyDefect.PROMISE_WITHOUT_RESULT),
    ],
)
def test_each_criterion_is_found_alone(changes: dict[str, Any], earlier: tuple[str, ...], found: ReplyDefect) -> None:
    assert (found,) == defects(reply(**changes), earlier)


def test_a_refusal_that_cites_its_basis_passes() -> None:
    assert () == defects(reply(result="refused", basis="信访工作条例第三十一条"), ())


def test_all_defects_are_named_at_once_in_the_order_of_the_vocabulary() -> None:
    poor = reply(
        handler=None, responsible=None, points=2, points_answered=0, result="promised", template_digest="used",
        empty_phrases=2,
    )  # fmt: skip
    expected = [d for d in ReplyDefect if d is not ReplyDefect.REFUSAL_WITHOUT_BASIS]
    assert expected == list(defects(poor, ("used",), wrongly_dated=True))


def test_a_template_is_known_again_whatever_its_numbers_spaces_and_punctuation() -> None:
    first = template_digest("您好,2026年9月23日已清运3处。", b"k")
    assert first == template_digest("您好 2026年10月8日,已清运 12 处", b"k")
    assert first != template_digest("您好,2026年9月23日已修复3处。", b"k")
    assert first != template_digest("您好,2026年9月23日已清运3处。", b"another key")


def test_phrases_that_promise_nothing_are_counted() -> None:
    assert 0 == empty_phrases("经现场核实,已清运。")
    assert 2 == empty_phrases("我单位高度重视,将尽快处理。")
