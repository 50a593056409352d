"""The command of a module that makes one file: `generate` writes it, `check` says whether it still agrees."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def command(arguments: Sequence[str], file: Path, text: Callable[[], str], module: str, source: str) -> int:
    """Run `python -m MODULE generate|check` for a file that `text` makes from `source`; gives the exit code.

    0: done, or no difference; 1: it differs; 2: wrong usage. What is wrong goes to standard error.
    """
    if list(arguments) == ["generate"]:
        file.write_text(text(), encoding="utf-8")
        return 0
    if list(arguments) == ["check"]:
        if file.exists() and file.read_text(encoding="utf-8") == text():
            return 0
        said = f"{file.parent.name}/{file.name} differs from the {source}; run `python -m {module} generate`"
        print(said, file=sys.stderr)  # noqa: T201 - a command
        return 1
    print(f"usage: python -m {module} generate|check", file=sys.stderr)  # noqa: T201 - a command
    return 2
