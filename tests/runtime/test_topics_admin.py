"""Topics are created from their files, checked, and never altered behind anybody's back."""

from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from typer.testing import CliRunner

from schemas.topics import load
from services.__main__ import app
from services.runtime import topics_admin
from services.runtime.settings import Settings
from services.runtime.topics_admin import BrokerUnreachableError, admin, apply, plan


def test_no_broker_is_said_with_what_to_do() -> None:
    with pytest.raises(BrokerUnreachableError, match="hotline dev up"):
        plan(Settings(bootstrap_servers="127.0.0.1:1"), load())


@pytest.mark.broker
def test_apply_creates_every_topic_and_then_the_plan_is_empty(settings: Settings) -> None:
    assert {"create"} == {change.action for change in plan(settings, load())}
    assert [] == apply(settings, load())
    assert [] == plan(settings, load())


@pytest.mark.broker
def test_a_broker_that_hears_of_a_topic_late_is_asked_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = {"closed-tickets": load()["closed-tickets"]}
    asked: list[str] = []

    class OfALateBroker(AdminClient):
        def describe_configs(self, resources: Any, **options: Any) -> Any:
            asked.extend(resource.name for resource in resources)
            if len(asked) == 1:
                resources = [ConfigResource(ResourceType.TOPIC, settings.topic("not-there-yet"))]
            return super().describe_configs(resources, **options)

    apply(settings, topics)
    monkeypatch.setattr(topics_admin, "AdminClient", OfALateBroker)
    assert [] == plan(settings, topics)
    assert [settings.topic("closed-tickets")] * 2 == asked


@pytest.mark.broker
def test_a_planted_difference_is_found_and_left_alone(settings: Settings) -> None:
    topics = load()
    apply(settings, topics)
    planted = topics["closed-tickets"].model_copy(update={"partitions": 8})
    changes = plan(settings, topics | {"closed-tickets": planted})
    assert [("closed-tickets", "differs", "partitions: file 8, broker 4")] == [
        (change.topic, change.action, change.detail) for change in changes
    ]
    assert ["differs"] == [change.action for change in apply(settings, topics | {"closed-tickets": planted})]


@pytest.mark.broker
def test_nothing_is_auto_created(settings: Settings) -> None:
    client = admin(settings)
    client.list_topics(topic=settings.topic("never-made"), timeout=10)
    assert settings.topic("never-made") not in client.list_topics(timeout=10).topics


@pytest.mark.broker
def test_the_command_says_whether_the_broker_agrees(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap_servers)
    monkeypatch.setenv("HOTLINE_TOPIC_PREFIX", settings.topic_prefix)
    runner = CliRunner()
    assert 3 == runner.invoke(app, ["topics", "plan"]).exit_code
    assert 0 == runner.invoke(app, ["topics", "apply", "--quiet"]).exit_code
    agreed = runner.invoke(app, ["topics", "plan"])
    assert (0, "the broker agrees with the topic files\n") == (agreed.exit_code, agreed.output)


def test_unknown_services_are_refused_by_name() -> None:
    result = CliRunner().invoke(app, ["run", "postman"])
    assert (2, True) == (result.exit_code, "postman" in result.output)
