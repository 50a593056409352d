"""A service's Faust app: refused on untested versions, no web server, the stores that settings name."""

import asyncio
from typing import Any

import confluent_kafka
import faust
import pytest

from schemas.topics import load
from services.runtime import driver
from services.runtime.driver import UntestedVersionError, follow
from services.runtime.faust_app import build_app
from services.runtime.settings import Settings
from services.runtime.topics_admin import apply


def test_another_faust_version_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(faust, "__version__", "0.99")
    with pytest.raises(UntestedVersionError, match=r"0\.99"):
        build_app("router", settings)


def test_an_old_librdkafka_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(driver, "libversion", lambda: ("2.11.1", 0))
    with pytest.raises(UntestedVersionError, match=r"2\.11\.1"):
        build_app("router", settings)


def test_the_tested_version_is_the_installed_one() -> None:
    assert driver.TESTED_FAUST == faust.__version__
    driver.check_versions()
    assert tuple(map(int, confluent_kafka.libversion()[0].split(".")[:2])) >= driver.OLDEST_LIBRDKAFKA


@pytest.mark.broker
@pytest.mark.parametrize("store", ["memory", "rocksdb"])
def test_an_app_starts_without_a_web_server_and_ends(settings: Settings, store: str) -> None:
    apply(settings, load())
    chosen = settings.model_copy(update={"table_store": store})

    async def start() -> tuple[bool, int]:
        app = build_app("router", chosen)
        table = app.Table("tickets", partitions=4, key_type=bytes, value_type=bytes)

        async def swallow(_run: Any) -> None: ...

        follow(app, app.topic(settings.topic("ticket-commands")), swallow, (table,), name="swallow")
        await app.start()
        await app.tables.completed.wait()
        held, enabled = len(table.held), app.conf.web_enabled
        await app.stop()
        return enabled, held

    assert asyncio.run(asyncio.wait_for(start(), 60)) == (False, 4)
