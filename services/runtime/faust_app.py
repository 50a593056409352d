"""The Faust app of a service: Faust's tables and agents on our own transport driver (ADR 0002, `runtime/driver`)."""

from typing import Any

import faust

from services.runtime.driver import APP_SETTINGS, SCHEME, check_versions
from services.runtime.settings import Settings


def build_app(service: str, settings: Settings) -> Any:
    """Give the Faust app of a service; raises `UntestedVersionError`."""
    check_versions()
    servers = settings.bootstrap_servers.split(",")
    datadir = settings.home / "faust" / f"{settings.group(service)}-{settings.instance}"
    datadir.mkdir(parents=True, exist_ok=True)
    return faust.App(
        settings.group(service),
        broker=[f"{SCHEME}://{server.strip()}" for server in servers],
        store=f"{settings.table_store}://",
        broker_commit_interval=settings.commit_interval,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=min(3.0, settings.session_timeout / 3),
        broker_max_poll_interval=300.0,
        consumer_group_instance_id=f"{settings.group(service)}-{settings.instance}",
        consumer_max_fetch_size=1_048_576,
        producer_linger=settings.linger,
        producer_max_batch_size=262_144,
        producer_max_request_size=4_194_304,
        producer_compression_type="lz4",
        producer_request_timeout=60.0,
        datadir=datadir,
        autodiscover=False,
        **APP_SETTINGS,
    )
