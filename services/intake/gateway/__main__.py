"""`python -m services.intake.gateway generate|check`: the OpenAPI document docs/openapi.yaml, and its drift check."""

import sys
from pathlib import Path
from typing import Any, Final, cast

import yaml

from services.intake.gateway.app import application
from services.intake.gateway.document import document

FILE: Final = Path(__file__).parents[3] / "docs" / "openapi.yaml"
HEAD: Final = "# Made by `python -m services.intake.gateway generate`. Do not edit.\n"


def text() -> str:
    """Give the document as YAML; it needs the routes only, and nothing behind them."""
    nobody = cast("Any", None)
    return HEAD + yaml.safe_dump(
        document(application(nobody, nobody, nobody)), allow_unicode=True, sort_keys=False, width=110
    )


def main(arguments: list[str]) -> int:
    """Run the command; gives the exit code."""
    if arguments == ["generate"]:
        FILE.write_text(text(), encoding="utf-8")
        return 0
    if arguments == ["check"]:
        if FILE.exists() and FILE.read_text(encoding="utf-8") == text():
            return 0
        found = "docs/openapi.yaml differs from the routes; run `python -m services.intake.gateway generate`"
        print(found, file=sys.stderr)  # noqa: T201 - a command
        return 1
    print(__doc__, file=sys.stderr)  # noqa: T201 - a command
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
