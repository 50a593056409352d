"""When dead letters are a bad deployment: in a row, or as a share of what a partition brought."""

import pytest

from services.runtime.spoilage import Limits, Spoilage, Watch


def first_stop(watch: Watch, records: str) -> tuple[int, str] | None:
    """Give after how many of `records` ("." good, "x" bad) the watch says stop, and why."""
    for number, record in enumerate(records, start=1):
        said = watch.bad() if record == "x" else watch.good()
        if said:
            return number, said
    return None


@pytest.mark.parametrize(
    ("records", "stop"),
    [
        ("x" * 49, None),
        ("x" * 50, (50, "50 of the last 50")),
        ("." * 200 + "x" * 40, None),
        ("." * 200 + "x" * 41, (241, "41 of the last 200")),
        ("....x" * 200, None),
        ("...x" * 200, (52, "13 of the last 52")),
        ("." * 40 + "x" * 9, None),
        ("." * 39 + "x" * 11, (50, "11 of the last 50")),
        ("x" * 40 + "." * 200 + "x" * 40, None),
        (("x" * 40 + "." * 160) * 5, None),
        (("x" * 40 + "." * 159) * 5, (200, "41 of the last 200")),
    ],
)
def test_a_share_of_the_last_records_stops_a_service(records: str, stop: tuple[int, str] | None) -> None:
    assert stop == first_stop(Watch(Limits()), records)


def test_so_many_in_a_row_stop_it_whatever_came_before() -> None:
    limits = Limits(in_a_row=5, share=1.0)
    assert None is first_stop(Watch(limits), ("x" * 5 + ".") * 20)
    assert (16, "6 in a row") == first_stop(Watch(limits), "." * 10 + "x" * 9)


def test_each_partition_is_judged_alone() -> None:
    spoilage = Spoilage(Limits())
    for _ in range(49):
        assert spoilage.of("t", 0).bad() is None
        spoilage.of("t", 1).good()
    assert spoilage.of("u", 0).bad() is None
    assert spoilage.of("t", 1).bad() is None
    assert spoilage.of("t", 0).bad() == "50 of the last 50"
