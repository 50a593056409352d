"""Emergency keywords and refusal codes as values: what they refuse to be; spaces and width hide nothing."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.vocabulary import Lane
from services.core.door_catalogue import DoorCatalogue, Refusal
from services.core.emergencies import EmergencyKeywords, clauses_of
from services.core.policy import Policy

CODE: dict[str, Any] = {
    "code": "court", "lane": "lawful_channel", "title_zh": "诉讼", "title_en": "Court", "told_zh": "请起诉",
    "told_en": "Go to court", "channel": "court", "reviewable": True, "basis": "某法",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"channel": None}, "name the lawful channel"),
        ({"lane": "accept"}, "lane accept refuses nothing"),
        ({"lane": "emergency"}, "lane emergency refuses nothing"),
        ({"effective_from": "2026-01-01", "effective_until": "2026-01-01"}, "effective_until is not after"),
        ({"told_zh": ""}, "told_zh"),
        ({"told": "x"}, "told"),
    ],
)
def test_an_incomplete_code_is_refused(changes: dict[str, Any], problem: str) -> None:
    assert Refusal.model_validate(CODE)
    with pytest.raises(ValidationError, match=problem):
        Refusal.model_validate(CODE | changes)


def test_a_code_may_be_reworded_from_a_day_on_but_not_stand_twice_on_one() -> None:
    old = CODE | {"effective_until": "2026-01-01"}
    new = CODE | {"effective_from": "2026-01-01", "reviewable": False}
    catalogue = DoorCatalogue.model_validate({"refusals": [old, new]})
    found = [catalogue.refusal("court", day) for day in (date(2025, 12, 31), date(2026, 1, 1))]
    assert [True, False] == [refusal.reviewable for refusal in found if refusal]
    assert catalogue.refusal("other", date(2026, 1, 1)) is None
    assert (Lane.LAWFUL_CHANNEL, None) == (catalogue.lane_of("court"), catalogue.lane_of("other"))
    with pytest.raises(ValidationError, match="code court stands twice on one day"):
        DoorCatalogue.model_validate({"refusals": [old, new | {"effective_from": "2025-12-31"}]})


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_is_said_is_read_without_a_fault(policy: Policy, title: str, content: str) -> None:
    found = policy.door.emergencies.match(title, content)
    assert found is None or found in policy.door.emergencies.rules
    assert all(clauses_of(title + content))


@given(st.sampled_from([" ", "\u3000", "\t"]), st.sampled_from([",", "。", "!", "\n"]))
def test_spaces_and_width_hide_no_emergency(policy: Policy, space: str, stop: str) -> None:
    said = space.join(f"去年搬来{stop}厨房着火了")
    found = policy.door.emergencies.match("反映情况", said)
    assert found is not None
    assert "fire" == found.id


@given(st.data())
def test_a_look_at_the_whole_text_overlooks_no_clause(policy: Policy, data: st.DataObject) -> None:
    keywords = policy.door.emergencies
    words = [phrase for rule in keywords.rules for phrase in (*rule.any, *rule.near, *rule.unless)]
    said = "".join(
        data.draw(st.lists(st.sampled_from([*words, *keywords.not_now, ",", "。", " ", "家里"]), max_size=8))
    )
    now = [clause for clause in clauses_of(said) if not any(phrase in clause for phrase in keywords.not_now)]
    expected = next((rule for rule in keywords.rules if any(rule.matches(clause) for clause in now)), None)
    assert expected == keywords.match(said)
    assert EmergencyKeywords().match(said) is None


def test_a_rule_without_phrases_or_with_a_single_character_is_refused() -> None:
    for phrases in ([], ["火"], ["着 火"]):
        with pytest.raises(ValidationError):
            EmergencyKeywords.model_validate({"rules": [{"id": "fire", "number": "119", "any": phrases}]})
    with pytest.raises(ValidationError):
        EmergencyKeywords.model_validate({"rules": [{"id": "fire", "number": "911", "any": ["着火"]}]})
