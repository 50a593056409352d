"""The topic files: who writes, who reads, the key, partitions, retention; checked strictly.

A topic file describes everything an operator asks about a topic. Parsing files is `load`; nothing here connects.
"""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from schemas.events import BY_TYPE
from schemas.safe_yaml import SafeLoader

DIRECTORY = Path(__file__).parent / "topics"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
"""Kebab-case: Kafka's metrics fold dots and underscores together."""
SERVICES = ("intake", "router", "sla-timer", "reminder", "revisit", "scoring")
OUTSIDE = (
    "upstream platforms",
    "clock",
    "office",
    "operators",
    "call centre",
    "gateways",
    "dashboards",
    "downstream consumers",
)
"""Who may write or read besides the services; a name that is in neither list is a slip of the pen."""


class Retention(BaseModel):
    """How long records stay: `cleanup` as Kafka names it, `days` for delete (-1: for ever)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    cleanup: Literal["delete", "compact", "compact,delete"]
    days: int = Field(ge=-1)

    @model_validator(mode="after")
    def _days_fit_cleanup(self) -> "Retention":
        if self.days == 0:
            raise ValueError("days: 0 keeps nothing; give at least 1, or -1 for ever")
        if self.cleanup == "compact" and self.days != -1:
            raise ValueError("days: cleanup compact never deletes by age; give -1, or cleanup compact,delete")
        if self.cleanup == "compact,delete" and self.days == -1:
            raise ValueError("days: cleanup compact,delete deletes by age; give days, or cleanup compact")
        return self


class Topic(BaseModel):
    """One topic of the mesh as its file describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Name
    description: str = Field(min_length=20)
    description_zh: str = Field(min_length=4)
    role: Literal["feed", "commands", "facts", "changelog", "dead-letters", "watermarks"]
    key: str = Field(min_length=3)
    events: tuple[str, ...] = ()
    writers: tuple[str, ...] = Field(min_length=1)
    readers: tuple[str, ...]
    partitions: int = Field(ge=1, le=1000)
    retention: Retention
    personal_data: Literal["none", "clear", "sealed"]
    config: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_and_writers(self) -> "Topic":
        if self.role == "facts" and len(self.writers) != 1:
            raise ValueError("a topic of facts has exactly one writer")
        unknown = [name for name in self.events if name not in BY_TYPE]
        if unknown:
            raise ValueError(f"unknown event types: {', '.join(unknown)}")
        strangers = [name for name in (*self.writers, *self.readers) if name not in (*SERVICES, *OUTSIDE)]
        if strangers:
            raise ValueError(f"unknown writers or readers: {', '.join(strangers)}")
        return self

    def settings(self) -> dict[str, str]:
        """Give the topic's Kafka configuration, as the broker names it."""
        wanted = {
            "cleanup.policy": self.retention.cleanup,
            "retention.ms": str(self.retention.days * 86_400_000 if self.retention.days != -1 else -1),
            "message.timestamp.type": "LogAppendTime",
        }
        return wanted | self.config


class TopicFileError(ValueError):
    """A topic file is wrong; the message names the file and the field."""


def parse(text: str, file: str) -> Topic:
    """Give the topic that `text` of `file` describes; raises `TopicFileError`."""
    try:
        topic = Topic.model_validate(yaml.load(text, Loader=SafeLoader))  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        raise TopicFileError(f"{file}: not YAML: {error}") from None
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'topic'}: {e['msg']}" for e in error.errors())
        raise TopicFileError(f"{file}: {said}") from None
    if file.removesuffix(".yaml") != topic.name:
        raise TopicFileError(f"{file}: name: the file of topic {topic.name} must be called {topic.name}.yaml")
    return topic


def load(directory: Path = DIRECTORY) -> dict[str, Topic]:
    """Read every topic file, by name; raises `TopicFileError`."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise TopicFileError(f"{directory}: no topic files")
    return {topic.name: topic for topic in (parse(file.read_text(encoding="utf-8"), file.name) for file in files)}


def gaps(topics: dict[str, Topic]) -> list[str]:
    """Give what is wrong between the topics, in words: each file alone may be right and the set still be broken."""
    said = [
        f"{name}: no topic carries this event type"
        for name in BY_TYPE
        if not any(name in topic.events for topic in topics.values())
    ]
    said += [
        f"{service}-dead-letters: missing: {service} has nowhere to put what it cannot read"
        for service in SERVICES
        if f"{service}-dead-letters" not in topics or topics[f"{service}-dead-letters"].role != "dead-letters"
    ]
    for key in ("ticket token", "unit id"):
        keyed = {name: topic.partitions for name, topic in topics.items() if topic.key.startswith(key)}
        if len(set(keyed.values())) > 1:
            found = ", ".join(f"{name} {count}" for name, count in sorted(keyed.items()))
            said.append(f"partitions differ between topics keyed by {key}, so they are not co-partitioned: {found}")
    for name in BY_TYPE:
        writers = {
            w for topic in topics.values() if name in topic.events and topic.role == "facts" for w in topic.writers
        }
        if len(writers) > 1:
            said.append(f"{name}: a fact with several writers: {', '.join(sorted(writers))}")
    return said
