"""Which lines of the planted functions a row runs: a plant where a row never comes cannot move it."""

import sys
from collections.abc import Callable, Mapping
from types import CodeType, FrameType
from typing import Any

Lines = frozenset[tuple[str, int]]
"""Lines that were run, each with its function's name."""
CALLED = 0
"""Stands for a line of a function that was called at all."""


def lines_run(play: Callable[[], object], functions: Mapping[str, CodeType]) -> Lines:
    """Give the lines of these functions that `play` runs, and `CALLED` for each function that it calls."""
    found: set[tuple[str, int]] = set()
    names = {id(code): name for name, code in functions.items()}  # a code's own hash goes through all of it

    def called(frame: FrameType, event: str, argument: Any) -> Any:
        name = names.get(id(frame.f_code))
        if name is None:
            return None
        found.add((name, CALLED))

        def inside(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "line":
                found.add((name, frame.f_lineno))
            return inside

        return inside

    before = sys.gettrace()
    sys.settrace(called)
    try:
        play()
    finally:
        sys.settrace(before)
    return frozenset(found)
