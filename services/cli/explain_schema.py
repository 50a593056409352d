"""`python -m services.cli.explain_schema generate|check`: the schema of `hotline explain --json`, its drift check."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from services.core.explain.model import Explanation
from services.runtime.made_file import command

FILE: Final = Path(__file__).parents[2] / "schemas" / "explanation.schema.json"
HEAD: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:hotline-mesh:explanation",
    "$comment": "Made by `python -m services.cli.explain_schema generate`. Do not edit.",
}
NULL: Final = {"type": "null"}


def _printed(part: dict[str, Any]) -> dict[str, Any]:
    """What is None is left out when it is printed: such a field is no null, and not required."""
    fields = part.get("properties", {})
    absent = {name for name, field in fields.items() if NULL in field.get("anyOf", [])}
    for name in absent:
        field = fields[name]
        kinds = [kind for kind in field.pop("anyOf") if kind != NULL]
        field.pop("default", None)
        field.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})
    if fields:
        part["required"] = [name for name in part.get("required", []) if name not in absent]
    return part


def text() -> str:
    """Give the schema (2020-12) of what the command prints."""
    schema = Explanation.model_json_schema(mode="serialization")
    parts = {name: _printed(part) for name, part in schema.pop("$defs").items()}
    whole = HEAD | _printed(schema) | {"$defs": parts}
    return json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Run the command; gives the exit code."""
    return command(arguments, FILE, text, "services.cli.explain_schema", "models")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
