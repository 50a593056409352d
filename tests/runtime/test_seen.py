"""Redis at the door is a fast path: with it duplicates are seen, without it nothing breaks."""

import pytest

from services.runtime.seen import Seen
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
