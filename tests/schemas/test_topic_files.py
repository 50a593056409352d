"""Topic files: each alone, and all together; a planted bad file fails with its name and field."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.events import BY_TYPE
from schemas.topics import DIRECTORY, OUTSIDE, SERVICES, Topic, TopicFileError, gaps, load, parse

TOPICS = load()


def planted(**changes: Any) -> str:
    """Give the text of the committed file of `unit-scores` with some fields changed."""
    data = yaml.safe_load((DIRECTORY / "unit-scores.yaml").read_text(encoding="utf-8"))
    return yaml.safe_dump(data | changes, allow_unicode=True)


def changed(name: str, **changes: Any) -> dict[str, Topic]:
    return TOPICS | {name: TOPICS[name].model_copy(update=changes)}


def test_the_committed_topic_files_fit_together() -> None:
    assert [] == gaps(TOPICS)


def test_an_unchanged_copy_is_taken() -> None:
    assert TOPICS["unit-scores"] == parse(planted(), "unit-scores.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, r"colour: Extra inputs are not permitted"),
        ({"retention": {"cleanup": "compact", "days": -1, "hours": 3}}, r"retention\.hours: Extra inputs"),
        ({"name": "unit.scores"}, r"name: String should match pattern"),
        ({"name": "unit_scores"}, r"name: String should match pattern"),
        ({"name": "Unit-Scores"}, r"name: String should match pattern"),
        ({"name": "unit-marks"}, r"name: the file of topic unit-marks must be called unit-marks\.yaml"),
        ({"writers": ["scoring", "router"]}, r"a topic of facts has exactly one writer"),
        ({"writers": []}, r"writers: Tuple should have at least 1 item"),
        ({"writers": ["scorer"]}, r"unknown writers or readers: scorer"),
        ({"readers": ["nobody-we-know"]}, r"unknown writers or readers: nobody-we-know"),
        ({"events": ["score.guessed.v1"]}, r"unknown event types: score\.guessed\.v1"),
        ({"retention": {"cleanup": "delete", "days": 0}}, r"retention: .*0 keeps nothing"),
        ({"retention": {"cleanup": "delete", "days": -2}}, r"retention\.days: Input should be greater than"),
        ({"retention": {"cleanup": "compact", "days": 7}}, r"retention: .*compact never deletes by age"),
        ({"retention": {"cleanup": "compact,delete", "days": -1}}, r"retention: .*deletes by age"),
        ({"retention": {"cleanup": "burn", "days": 7}}, r"retention\.cleanup: Input should be 'delete'"),
        ({"partitions": 0}, r"partitions: Input should be greater than or equal to 1"),
        ({"role": "gossip"}, r"role: Input should be"),
        ({"personal_data": "some"}, r"personal_data: Input should be"),
        ({"description_zh": ""}, r"description_zh: String should have at least 4"),
    ],
)
def test_a_planted_bad_file_fails_with_its_name_and_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TopicFileError, match=rf"^unit-scores\.yaml: .*{message}"):
        parse(planted(**changes), "unit-scores.yaml")


@pytest.mark.parametrize("text", ["name: [", "- a list", "", "just words"])
def test_what_is_no_topic_file_fails_with_its_name(text: str) -> None:
    with pytest.raises(TopicFileError, match=r"^broken\.yaml: "):
        parse(text, "broken.yaml")


def test_one_bad_file_in_the_folder_fails_the_whole_load(tmp_path: Path) -> None:
    (tmp_path / "unit-scores.yaml").write_text(planted(), encoding="utf-8")
    assert ["unit-scores"] == list(load(tmp_path))
    (tmp_path / "worse.yaml").write_text(planted(), encoding="utf-8")
    with pytest.raises(TopicFileError, match=r"worse\.yaml: name"):
        load(tmp_path)


def test_a_folder_without_topic_files_fails(tmp_path: Path) -> None:
    with pytest.raises(TopicFileError, match="no topic files"):
        load(tmp_path)


def test_every_event_type_lies_on_one_topic_and_the_closing_fact_on_two() -> None:
    places = {name: sorted(t.name for t in TOPICS.values() if name in t.events) for name in BY_TYPE}
    assert {"ticket.closed.v1": ["closed-tickets", "ticket-events"]} == {k: v for k, v in places.items() if len(v) != 1}


def test_an_event_type_without_a_topic_is_found() -> None:
    events = tuple(name for name in TOPICS["contact-tasks"].events if name != "contact.requested.v1")
    assert ["contact.requested.v1: no topic carries this event type"] == gaps(changed("contact-tasks", events=events))


def test_topics_keyed_by_ticket_that_differ_in_partitions_are_found() -> None:
    found = gaps(changed("sla-timer-clocks-changelog", partitions=8))
    assert 1 == len(found)
    assert "keyed by ticket token, so they are not co-partitioned" in found[0]
    assert "sla-timer-clocks-changelog 8" in found[0]


def test_topics_keyed_by_unit_that_differ_in_partitions_are_found() -> None:
    assert "keyed by unit id" in gaps(changed("scoring-units-changelog", partitions=2))[0]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_without_dead_letters_is_found(service: str) -> None:
    without = {name: topic for name, topic in TOPICS.items() if name != f"{service}-dead-letters"}
    assert [f"{service}-dead-letters: missing: {service} has nowhere to put what it cannot read"] == gaps(without)


def test_a_fact_written_by_two_services_is_found() -> None:
    found = gaps(changed("closed-tickets", writers=("revisit",)))
    assert ["ticket.closed.v1: a fact with several writers: revisit, router"] == found


def test_only_the_feed_holds_personal_data_in_the_clear() -> None:
    assert ["upstream-tickets"] == [t.name for t in TOPICS.values() if t.personal_data == "clear"]
    assert {f"{s}-dead-letters" for s in SERVICES} == {t.name for t in TOPICS.values() if t.personal_data == "sealed"}


def test_everybody_who_is_allowed_a_name_is_named_somewhere() -> None:
    named = {who for topic in TOPICS.values() for who in (*topic.writers, *topic.readers)}
    assert {*SERVICES, *OUTSIDE} == named


def test_a_changelog_is_compacted_and_belongs_to_one_service() -> None:
    changelogs = [topic for topic in TOPICS.values() if topic.role == "changelog"]
    assert changelogs
    for topic in changelogs:
        assert ("compact", -1) == (topic.retention.cleanup, topic.retention.days)
        assert topic.writers == topic.readers
        assert topic.name.startswith(f"{topic.writers[0]}-")


def test_settings_are_those_that_the_broker_knows() -> None:
    settings = TOPICS["upstream-tickets"].settings()
    assert "259200000" == settings["retention.ms"]
    assert "LogAppendTime" == settings["message.timestamp.type"]
    assert "-1" == TOPICS["ticket-events"].settings()["retention.ms"]
    assert "compact" == TOPICS["closed-tickets"].settings()["cleanup.policy"]
