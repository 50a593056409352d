"""Settings of a process: the environment, read once, frozen. Policy is not here: it is in the rulebook files."""

import json
import os
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Infrastructure of one process; every field is an environment variable of that name with `HOTLINE_` before it.

    `KAFKA_BOOTSTRAP_SERVERS` and `REDIS_URL` keep the names everybody uses.
    """

    model_config = SettingsConfigDict(
        env_prefix="HOTLINE_", frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )

    bootstrap_servers: str = Field(
        default="127.0.0.1:9092",
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "HOTLINE_BOOTSTRAP_SERVERS"),
        description="Kafka's bootstrap servers, host:port, comma-separated",
    )
    redis_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("REDIS_URL", "HOTLINE_REDIS_URL"),
        description="Redis for duplicate suppression at the door; without it the router alone drops duplicates",
    )
    topic_prefix: str = Field(default="", description="put before every topic and consumer group: runs kept apart")
    replication_factor: int = Field(default=1, ge=1, description="of the topics that `topics apply` creates")
    policy_dir: Path = Field(default=Path("ops"), description="folder with rulebooks, calendars and directories")
    jurisdiction: str = Field(default="weixi", description="folder under rulebooks/")
    home: Path = Field(default=Path(".hotline"), description="local data: vault, embedded infrastructure, logs")
    bind: str = Field(default="127.0.0.1", description="address of /metrics, /livez, /readyz and of the door's HTTP")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="0: the service's default port")
    http_port: int = Field(default=8080, ge=0, le=65535, description="the door's HTTP port")
    instance: str = Field(default="0", description="stable name of this replica: static group membership")
    table_store: Literal["memory", "rocksdb"] = Field(
        default="memory", description="where tables are held; rocksdb (extra `rocksdb`) starts from what is on disk"
    )
    commit_interval: float = Field(default=1.0, gt=0, description="seconds between commits; bounds what is replayed")
    linger: float = Field(
        default=0.1, ge=0, description="seconds a fact or command waits for others: full batches spare the broker work"
    )
    watermark_interval: float = Field(
        default=10.0, gt=0, description="seconds between published watermarks, for which only tests and the demo wait"
    )
    session_timeout: float = Field(default=10.0, gt=0, description="seconds until the group notices a dead worker")
    max_consecutive_dead_letters: int = Field(default=100, ge=1, description="a bad deploy stops, not drains, a topic")
    max_dead_letter_share: float = Field(
        default=0.2, gt=0, le=1, description="likewise: of a partition's last 200 records, once 50 were seen; 1: never"
    )
    stop_linger: float = Field(
        default=20.0, ge=0, description="seconds for which a service that stopped so still answers scrapes, unhealthy"
    )
    master_key: SecretStr = Field(
        default=SecretStr("development-only-master-key"),
        description="wraps data keys of the vault, seals dead letters, keys ticket tokens",
    )
    vault_key: SecretStr | None = Field(
        default=None, description="wraps the vault's data keys instead of the master key; may be rotated"
    )
    vault_keys_old: tuple[SecretStr, ...] = Field(
        default=(), description="vault keys of before, a JSON list; needed until `hotline pii rewrap` is done"
    )

    simulated_time: bool = Field(
        default=False, description="pulses come from simulated time: by the door's own clock nothing is late-dated"
    )

    def topic(self, name: str) -> str:
        """Give the broker's name of a topic."""
        return self.topic_prefix + name

    def group(self, service: str) -> str:
        """Give the consumer group of a service."""
        return self.topic_prefix + service


METRICS_PORTS = {
    "intake": 9101,
    "router": 9102,
    "sla-timer": 9103,
    "reminder": 9104,
    "revisit": 9105,
    "scoring": 9106,
}
"""Default port of /metrics per service."""


def metrics_port(settings: Settings, service: str) -> int:
    """Give the port on which `service` shows its metrics."""
    return settings.metrics_port or METRICS_PORTS[service]


def environment(settings: Settings, **changes: str) -> dict[str, str]:
    """Give the environment under which a child process has the same settings, but for `changes`."""
    env = dict(os.environ)
    for name, value in settings.model_dump().items():
        if name == "master_key":
            env["HOTLINE_MASTER_KEY"] = settings.master_key.get_secret_value()
        elif name == "vault_key":
            env.pop("HOTLINE_VAULT_KEY", None)
            if settings.vault_key is not None:
                env["HOTLINE_VAULT_KEY"] = settings.vault_key.get_secret_value()
        elif name == "vault_keys_old":
            env["HOTLINE_VAULT_KEYS_OLD"] = json.dumps([key.get_secret_value() for key in settings.vault_keys_old])
        elif name == "bootstrap_servers":
            env["KAFKA_BOOTSTRAP_SERVERS"] = str(value)
        elif name == "redis_url":
            env.pop("REDIS_URL", None)
            if value:
                env["REDIS_URL"] = str(value)
        else:
            env[f"HOTLINE_{name.upper()}"] = str(value)
    return env | changes
