"""Redis at the door is a fast path: with it duplicates are seen, without it nothing breaks."""

import pytest
import redis

from services.runtime.seen import REMEMBERED_SECONDS, Seen
from services.runtime.settings import Settings


@pytest.mark.broker
def test_what_was_remembered_is_known(settings: Settings) -> None:
    seen = Seen(settings)
    seen.remember(["a", "b"])
    assert {"a", "b"} == seen.known(["a", "b", "c"])


@pytest.mark.broker
def test_runs_with_other_prefixes_do_not_see_each_other(settings: Settings) -> None:
    Seen(settings).remember(["a"])
    other = settings.model_copy(update={"topic_prefix": "other-"})
    assert set() == Seen(other).known(["a"])


@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:1/0"])
def test_without_redis_nothing_counts_as_seen_and_nothing_fails(url: str | None) -> None:
    seen = Seen(Settings(redis_url=url))
    seen.remember(["a"])
    assert (set(), False) == (seen.known(["a"]), seen.available)


@pytest.mark.broker
def test_redis_forgets_by_itself_after_seven_days(settings: Settings) -> None:
    Seen(settings).remember(["a", "b"])
    assert settings.redis_url is not None
    with redis.Redis.from_url(settings.redis_url) as client:
        left = [client.ttl(f"{settings.topic_prefix}seen:{name}") for name in ("a", "b")]
    assert all(REMEMBERED_SECONDS - 60 < seconds <= REMEMBERED_SECONDS for seconds in left)
