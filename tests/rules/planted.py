"""Defects planted on purpose: rules of the rulebook changed, and code of the core changed, one at a time."""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import CodeType, FunctionType

from services.core.policy import Policy
from tests.rules.reach import CALLED, Lines
from tests.rules.rows import forget, switched

Load = Callable[[], Policy]
"""Reads the policy anew: a calendar is compiled when it is read."""


@dataclass(frozen=True)
class Rule:
    """A rule of the rulebook that says something else, as a `switch`; `tables` are those that must notice."""

    switch: str
    tables: tuple[str, ...]

    def __str__(self) -> str:
        return self.switch

    @contextmanager
    def planted(self, policy: Policy, load: Load) -> Iterator[Policy]:
        yield switched(policy, [self.switch])

    def nearness(self, run: Lines) -> int:
        """Give how near a row comes that runs these lines: 2 at the plant, 1 perhaps, 0 nowhere near."""
        return 1


@dataclass(frozen=True)
class Code:
    """A line of code that says something else: `wrong` stands for `right` in one function."""

    function: str
    right: str
    wrong: str
    tables: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.function}: {self.wrong}"

    @contextmanager
    def planted(self, policy: Policy, load: Load) -> Iterator[Policy]:
        function = _function(self.function)
        sound = function.__code__
        function.__code__ = _changed(function, self.right, self.wrong)
        try:
            if self.anew:
                forget()
            yield load() if self.anew else policy
        finally:
            function.__code__ = sound
            if self.anew:
                forget()

    @property
    def anew(self) -> bool:
        """Whether calendars are compiled by it, which happens before the rows are played."""
        return "calendar" in self.function

    def nearness(self, run: Lines) -> int:
        """Give how near a row comes that runs these lines: 2 at the plant, 1 perhaps, 0 nowhere near."""
        if not self.anew and (self.function, CALLED) not in run:
            return 0
        return 2 if any((self.function, line) in run for line in _lines(self.function, self.right)) else 1


class StalePlantError(AssertionError):
    """The code that a plant would change reads otherwise by now: adapt the plant in tests/rules/plants.py."""


def _function(name: str) -> FunctionType:
    module, _, inside = name.partition(":")
    found: object = import_module(module)
    for part in inside.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, FunctionType):
        raise StalePlantError(f"{name} is no function any more")
    return found


@cache
def _lines(function: str, right: str) -> range:
    """Give the numbers of the lines on which `right` stands."""
    lines, first = inspect.getsourcelines(_function(function))
    before, _, _ = "".join(lines).partition(right)
    begin = first + before.count("\n")
    return range(begin, begin + right.count("\n") + 1)


def functions(plants: Iterable[Code]) -> dict[str, CodeType]:
    """Give the code of every function that a plant changes, by name."""
    return {plant.function: _function(plant.function).__code__ for plant in plants}


@cache
def _changed(function: FunctionType, right: str, wrong: str) -> CodeType:
    """Compile the function's module anew with `wrong` for `right`, and give the function's code from it."""
    lines, first = inspect.getsourcelines(function)
    body = "".join(lines)
    if body.count(right) != 1:
        raise StalePlantError(f"{function.__qualname__} holds {right!r} {body.count(right)} times, not once")
    whole = inspect.getsource(sys.modules[function.__module__]).splitlines(keepends=True)
    whole[first - 1 : first - 1 + len(lines)] = [body.replace(right, wrong)]
    todo = [compile("".join(whole), f"<planted in {function.__module__}>", "exec")]
    while todo:
        code = todo.pop()
        if code.co_qualname == function.__qualname__:
            return code
        todo += [const for const in code.co_consts if isinstance(const, CodeType)]
    raise StalePlantError(f"{function.__qualname__} is not found in its module")
