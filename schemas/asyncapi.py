"""The AsyncAPI 3.0 document of the mesh, `schemas/asyncapi.yaml`: made from topic files and models, never edited.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0 and the Kafka bindings 0.5.0.
"""

from pathlib import Path
from typing import Any, Final

import yaml

from schemas.docs import CHINESE, meaning, writer
from schemas.envelope import Event
from schemas.events import BY_TYPE
from schemas.topics import SERVICES, Topic, load

DOCUMENT: Final = Path(__file__).parent / "asyncapi.yaml"
CONTRACT_VERSION: Final = "1.0.0"
"""Version of the contracts as a whole; the version of one event type is the end of its name (`.v1`)."""
BINDING: Final = "0.5.0"
INTERNAL: Final = frozenset({"changelog", "dead-letters", "watermarks"})
"""Roles of topics that are nobody's contract."""
_HEAD: Final = "# Made by `python -m schemas generate` from schemas/topics and schemas/*.py. Do not edit.\n"

_ATTRIBUTES: Final[dict[str, dict[str, Any]]] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {
        "type": "string",
        "description": "Unique with ce_source: drop what you have seen. 与来源一起唯一,用于去重",
    },
    "ce_source": {"type": "string", "format": "uri-reference"},
    "ce_type": {"type": "string"},
    "ce_time": {"type": "string", "format": "date-time", "description": "When it happened, UTC. 发生时间"},
    "ce_subject": {"type": "string", "description": "The ticket's opaque token, or the unit. 工单令牌或单位"},
    "ce_partitionkey": {"type": "string"},
    "ce_sequence": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "Gap-free per ticket. 每单连续编号"},
    "ce_causation": {"type": "string", "description": "Id of the event that led to this one. 起因事件"},
    "content-type": {"type": "string", "const": "application/json"},
}
_REQUIRED: Final = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time")


def _message(name: str, cls: type[Event]) -> dict[str, Any]:
    return {
        "name": name,
        "title": CHINESE[name],
        "summary": meaning(cls) + ".",
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/cloudevents"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./json/{name}.schema.json"},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    retention: dict[str, Any] = {"cleanup.policy": topic.retention.cleanup.split(",")}
    if topic.retention.days != -1:
        retention["retention.ms"] = topic.retention.days * 86_400_000
    kafka = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": retention,
        "bindingVersion": BINDING,
    }
    return {
        "address": topic.name,
        "title": topic.description_zh,
        "description": f"{topic.description} Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.events},
        "bindings": {"kafka": kafka},
    }


def _operations(topics: dict[str, Topic]) -> dict[str, Any]:
    """Give what each service of the mesh sends and receives; outsiders do the opposite."""
    found: dict[str, Any] = {}
    for service in SERVICES:
        for topic in topics.values():
            channel = {"$ref": f"#/channels/{topic.name}"}
            said = [name for name in topic.events if service in writer(name, topic).split(", ")]
            if said:
                messages = [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in said]
                found[f"{service}.sends.{topic.name}"] = {"action": "send", "channel": channel, "messages": messages}
            if service in topic.readers:
                group = {"kafka": {"groupId": {"type": "string", "const": service}, "bindingVersion": BINDING}}
                operation = {"action": "receive", "channel": channel, "bindings": group}
                found[f"{service}.receives.{topic.name}"] = operation
    return found


def document() -> dict[str, Any]:
    """Give the document as plain data."""
    topics = {name: topic for name, topic in load().items() if topic.role not in INTERNAL}
    used = {name: cls for name, cls in BY_TYPE.items() if any(name in topic.events for topic in topics.values())}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "hotline-mesh",
            "version": CONTRACT_VERSION,
            "description": (
                "The life of a 12345 citizen-hotline ticket as events: CloudEvents 1.0 in Kafka binary mode. Delivered "
                "at least once; equal ce_source and ce_id mean the same event. Within a version fields are only added: "
                "ignore what you do not know. 12345热线工单全生命周期事件;至少投递一次,同来源同编号即同一事件。"
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "KAFKA_BOOTSTRAP_SERVERS"}},
            }
        },
        "channels": {name: _channel(topic) for name, topic in topics.items()},
        "operations": _operations(topics),
        "components": {
            "messages": {name: _message(name, cls) for name, cls in used.items()},
            "schemas": {
                "cloudevents": {"type": "object", "required": list(_REQUIRED), "properties": _ATTRIBUTES},
            },
        },
    }


def text() -> str:
    """Give the text of `schemas/asyncapi.yaml`."""
    return _HEAD + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)
