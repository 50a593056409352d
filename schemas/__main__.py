"""`python -m schemas generate|check|release`: what is made from the models, its drift check, and compatibility."""

import json
import sys
from pathlib import Path

from schemas import asyncapi, compatibility, docs
from schemas.envelope import Event
from schemas.events import BY_TYPE
from schemas.topics import gaps, load

DIRECTORY = Path(__file__).parent / "json"
USAGE = """usage: python -m schemas generate|check|release

generate  write schemas/json/*.schema.json, schemas/asyncapi.yaml and docs/events.md from models, topics and examples
check     exit code 1 if those files differ from the models, the topic files do not fit together, or a contract
          broke what users of the last release (schemas/released) rely on
release   make today's schemas the baseline of that comparison"""


def schema_of(cls: type[Event], name: str) -> str:
    """Give the JSON Schema (2020-12) of an event's value, as it lies on the topic without the `ce_*` headers."""
    schema = cls.model_json_schema()
    schema["properties"] = {key: value for key, value in schema["properties"].items() if key not in Event.ENVELOPE}
    schema["required"] = [key for key in schema.get("required", []) if key not in Event.ENVELOPE]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:hotline-mesh:{name}"}
    return json.dumps(head | schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def generated() -> dict[str, str]:
    """Give file name and content of every schema."""
    return {f"{name}.schema.json": schema_of(cls, name) for name, cls in BY_TYPE.items()}


def drift(directory: Path = DIRECTORY) -> list[str]:
    """Give what differs between the files and the models, in words."""
    wanted = generated()
    present = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.json")}
    missing = [f"{name}: missing" for name in sorted(wanted.keys() - present.keys())]
    extra = [f"{name}: no such event type" for name in sorted(present.keys() - wanted.keys())]
    changed = [f"{name}: differs" for name in sorted(wanted.keys() & present.keys()) if wanted[name] != present[name]]
    return missing + extra + changed


def page_drift(page: Path = docs.PAGE) -> list[str]:
    """Say so if the reader's page differs from what would be generated."""
    if page.exists() and page.read_text(encoding="utf-8") == docs.page():
        return []
    return [f"docs/{page.name}: differs or missing; run `python -m schemas generate`"]


def document_drift(document: Path = asyncapi.DOCUMENT) -> list[str]:
    """Say so if the AsyncAPI document differs from what would be generated."""
    if document.exists() and document.read_text(encoding="utf-8") == asyncapi.text():
        return []
    return [f"schemas/{document.name}: differs or missing; run `python -m schemas generate`"]


def main(arguments: list[str]) -> int:
    """Run the command; gives the exit code."""
    if arguments == ["--help"]:
        print(USAGE)  # noqa: T201 - a command
        return 0
    if arguments == ["generate"]:
        DIRECTORY.mkdir(exist_ok=True)
        for path in DIRECTORY.glob("*.json"):
            path.unlink()
        for name, text in generated().items():
            (DIRECTORY / name).write_text(text, encoding="utf-8")
        docs.PAGE.write_text(docs.page(), encoding="utf-8")
        asyncapi.DOCUMENT.write_text(asyncapi.text(), encoding="utf-8")
        return 0
    if arguments == ["check"]:
        found = [f"schemas/json/{line}; run `python -m schemas generate`" for line in drift()]
        found += page_drift() + document_drift()
        found += [f"schemas/topics: {line}" for line in gaps(load())]
        found += [f"breaks the last release: {line}" for line in compatibility.check(DIRECTORY)]
        for line in found:
            print(line, file=sys.stderr)  # noqa: T201 - a command
        return 1 if found else 0
    if arguments == ["release"]:
        print(f"{compatibility.keep(DIRECTORY)} schemas kept as the last release")  # noqa: T201 - a command
        return 0
    print(USAGE, file=sys.stderr)  # noqa: T201 - a command
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
