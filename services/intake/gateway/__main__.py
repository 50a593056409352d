"""`python -m services.intake.gateway generate|check`: the OpenAPI document docs/openapi.yaml, and its drift check."""

import sys
from pathlib import Path
from typing import Any, Final, cast

import yaml

from services.intake.gateway.app import application
from services.intake.gateway.document import document
from services.runtime.made_file import command

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
    return command(arguments, FILE, text, "services.intake.gateway", "routes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
