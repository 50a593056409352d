"""Runs the tests of a mutant in a session that the parent has prepared once, before it forks.

mutmut starts pytest anew for each of thousands of mutants and names each test, which pytest looks up one by one: 5 s
for the 1500 rows that reach the life of a ticket. Here the tests are collected and the policies read once; only a
mutant of a function that reading them reaches reads them anew.

A mutant that does not end is stopped by the processor time that one test uses, not by the clock on the wall as mutmut
does: a busy machine, or a run that is paused, must kill no mutant. What killed one mutant of a function often kills the
next: it is noted, and runs first.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from functools import wraps
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import mutmut
import pytest
from _pytest.config import _prepareconfig
from mutmut.__main__ import PytestRunner, change_cwd, mangled_name_from_mutant_name
from mutmut.mutation.trampoline import wrap_in_trampoline

NOT_COLLECTED = 78
"""A test that mutmut asks for is not there: neither killed nor survived, so `tests.mutate` stops."""
OUT_OF_TIME = 79
"""No test killed the mutant within its time, and some were left."""

QUIETLY = ("--assert=plain", "--tb=native")
CLEAN = Path("mutants/clean.sha256")
"""The hash of the files with which all tests passed, unmutated."""
_choices: list[Callable[[str], None]] = []
"""One for each function that may be mutated: what settles which of its forms is called."""
KILLERS = Path("mutants/killers")
"""By function, the tests that killed its mutants, one a line, as often as they did."""
SECONDS_OF_A_SLOW_TEST = 0.3
SECONDS_PER_TEST, TIMES_AS_LONG = 3, 5
"""Processor time after which a test does not end: SIGPROF ends the process, -27 to `tests.mutate`."""


def settled_trampoline(mutants: dict[str, Any], is_classmethod: bool = False) -> Callable[[Any], Any]:
    """Do as mutmut's `wrap_in_trampoline`, until the mutant is known that a process is for; then look no more.

    mutmut reads the environment at each call, which takes a third of the time of a row.
    """
    within = wrap_in_trampoline(mutants, is_classmethod)

    def wrap(function: Any) -> Any:
        unsettled = within(function)
        if is_classmethod:
            return unsettled
        chosen = unsettled

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return chosen(*args, **kwargs)

        def choose(mutant: str) -> None:
            nonlocal chosen
            module, _, name = mutant.rpartition(".")
            form = name if module == function.__module__ and name in mutants else "_mutmut_orig"
            chosen = mutants[form]

        _choices.append(choose)
        return call

    return wrap


def _sources() -> str:
    """Give the hash of all that the tests read."""
    files = sorted(path for top in ("services", "schemas", "tests", "ops") for path in Path(top).rglob("*.*"))
    digest = sha256()
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts and not path.match("tests/mut*"):
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def _soonest_killing_first(tests: Iterable[str], mutant_name: str, killers: Counter[str]) -> list[str]:
    """Give the killers of the function, the tests named like the module, rows, mixed, the others; the slow ones last.

    A row takes some milliseconds. Neighbouring rows tell like stories: what one does not kill, the next does not.
    """
    module = mutant_name.rpartition(".")[0].rpartition(".")[2].removesuffix("_fold")
    named = module.partition("_")[0] if module.startswith("calendar_") else module

    def place(test: str) -> tuple[int, bool, bool, bool, str, str]:
        file, rows = test.partition("::")[0], "test_tables.py" in test
        slow = mutmut.duration_by_test[test] > SECONDS_OF_A_SLOW_TEST
        return (
            -killers[test],
            slow,
            named not in file,
            not rows,
            sha256(test.encode()).hexdigest() if rows else file,
            test,
        )

    return sorted(tests, key=place)


class PreparedRunner(PytestRunner):
    """mutmut's runner with one collection, and one set of session fixtures, for all mutants that do not touch them."""

    seconds_per_mutant: float | None = None
    """Processor time after which the tests that are left are not run any more; None for no end."""
    _session: pytest.Session | None = None
    _collected: dict[str, pytest.Item]
    _reads: frozenset[str]
    """Functions that reading the policies reaches."""

    def execute_pytest(self, params: list[str], **kwargs: Any) -> int:
        """Run pytest with bare assertions: nobody reads why a mutant fails, and to say it takes seconds."""
        return super().execute_pytest([*QUIETLY, *params], **kwargs)

    def run_stats(self, *, tests: Iterable[str]) -> int:
        """Note which test reaches what; all of them passed, so a clean run need not follow."""
        tests, sources = list(tests), _sources()
        code = super().run_stats(tests=tests)
        if code == 0 and not tests:
            CLEAN.write_text(sources)
        return code

    def prepare_main_test_run(self) -> None:
        """Collect the tests and read the policies; mutmut calls this last before the first mutant."""
        if os.environ["MUTANT_UNDER_TEST"] or self._session is not None:
            return
        KILLERS.mkdir(exist_ok=True)
        selected = [*self._pytest_add_cli_args_test_selection, *self._pytest_add_cli_args]
        with change_cwd("mutants"):
            config = _prepareconfig([*QUIETLY, "--rootdir=.", "-x", "-q", "--capture=no", "--timeout=0", *selected])
            config._do_configure()
            session = self._session = pytest.Session.from_config(config)
            config.hook.pytest_sessionstart(session=session)
            config.hook.pytest_collection(session=session)
            self._collected = {item.nodeid: item for item in session.items}
            first = next(item for item in session.items if {"policy", "knowledge"} <= set(item.fixturenames))  # type: ignore[attr-defined]
            os.environ["MUTANT_UNDER_TEST"] = "stats"
            mutmut._stats.clear()
            config.hook.pytest_runtest_setup(item=first)
            self._reads = frozenset(mutmut._stats)
            mutmut._stats.clear()
            os.environ["MUTANT_UNDER_TEST"] = ""

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """Give 0 if all tests pass, 1 with the first that fails, `OUT_OF_TIME` if neither is known in time."""
        if mutant_name is None or self._session is None:
            return self._run_unmutated(list(tests))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        for choose in _choices:
            choose(mutant_name)
        function = mangled_name_from_mutant_name(mutant_name)
        noted = KILLERS.resolve() / function
        killers = Counter(noted.read_text(encoding="utf-8").splitlines() if noted.exists() else ())
        items = [self._collected.get(name) for name in _soonest_killing_first(tests, mutant_name, killers)]
        anew, left = function in self._reads, False
        with change_cwd("mutants"), TemporaryDirectory() as scratch:
            self._session.config._tmp_path_factory._basetemp = Path(scratch)  # type: ignore[attr-defined]
            if anew:
                self._session._setupstate.teardown_exact(None)
            begun: float | None = None
            for item, following in zip(items, [*items[1:], None], strict=True):
                if item is None:
                    return NOT_COLLECTED
                usual = mutmut.duration_by_test[item.nodeid]
                if self._over(begun, usual):
                    left = True
                    continue
                self._session._setupstate.teardown_exact(item)  # `following` of the one before may have been left out
                signal.setitimer(signal.ITIMER_PROF, max(SECONDS_PER_TEST, TIMES_AS_LONG * usual))
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                begun = begun or process_time()
                if self._session.testsfailed:
                    with noted.open("a", encoding="utf-8") as file:
                        file.write(f"{item.nodeid}\n")
                    return 1
        return OUT_OF_TIME if left else 0

    def _over(self, begun: float | None, usual: float) -> bool:
        """Say whether a test would end after the time of a mutant, which counts from the end of its first test on."""
        if self.seconds_per_mutant is None or begun is None:
            return False
        return process_time() - begun + usual > self.seconds_per_mutant

    def _run_unmutated(self, tests: list[str]) -> int:
        """Run the tests on the program as it is, or see them fail; those that passed on the same files pass again."""
        clean_run = not os.environ["MUTANT_UNDER_TEST"]
        sources = _sources()
        if clean_run and CLEAN.exists() and CLEAN.read_text() == sources:
            return 0
        code = super().run_tests(mutant_name=None, tests=tests)
        if clean_run and code == 0 and not tests:
            CLEAN.write_text(sources)
        return code
