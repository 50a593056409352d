"""The topic files: who writes, who reads, the key, partitions, retention; checked strictly.

A topic file describes everything an operator asks about a topic. Parsing files is `load`; nothing here connects.
"""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from schemas.events import BY_TYPE

DIRECTORY = Path(__file__).parent / "topics"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
"""Kebab-case: Kafka's metrics fold dots and underscores together."""
SERVICES = ("intake", "router", "sla-timer", "reminder", "revisit", "scoring")


class Retention(BaseModel):
    """How long records stay: `cleanup` as Kafka names it, `days` for delete (-1: for ever)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    cleanup: Literal["delete", "compact", "compact,delete"]
    days: int = Field(ge=-1)


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
    def _facts_have_one_writer(self) -> "Topic":
        if self.role == "facts" and len(self.writers) != 1:
            raise ValueError("a topic of facts has exactly one writer")
        unknown = [name for name in self.events if name not in BY_TYPE]
        if unknown:
            raise ValueError(f"unknown event types: {', '.join(unknown)}")
        return self

    def settings(self) -> dict[str, str]:
        """Give the topic's Kafka configuration, as the broker names it."""
        wanted = {
            "cleanup.policy": self.retention.cleanup,
            "retention.ms": str(self.retention.days * 86_400_000 if self.retention.days > 0 else -1),
            "message.timestamp.type": "LogAppendTime",
        }
        return wanted | self.config


class TopicFileError(ValueError):
    """A topic file is wrong; the message names the file and the field."""


def parse(text: str, file: str) -> Topic:
    """Give the topic that `text` of `file` describes; raises `TopicFileError`."""
    try:
        topic = Topic.model_validate(yaml.safe_load(text))
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
