"""Reads rulebooks, calendars and directories; an error names the file and the line or field."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from services.core.calendar import WorkCalendar
from services.core.calendar_data import CalendarLayer
from services.core.calendar_history import CalendarHistory, calendar_history
from services.core.directory import Directory
from services.core.knowledge import KnowledgeBase
from services.core.policy import Policies, Policy
from services.core.rulebook import Rulebook

M = TypeVar("M", bound=BaseModel)


class PolicyFileError(ValueError):
    """A policy file is missing or wrong; the message says which, where and what."""


def _line_of(text: str, loc: tuple[int | str, ...]) -> int | None:
    """Give the line (from 1) of the YAML node at `loc`, or of its nearest parent."""
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if str(k.value) == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def parse(model: type[M], text: str, file: str) -> M:
    """Validate the YAML `text` of `file` as `model`; raises `PolicyFileError`."""
    try:
        data: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PolicyFileError(f"{file}: not YAML: {error}") from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        said = []
        for problem in error.errors():
            line = _line_of(text, problem["loc"])
            where = f"{file}:{line}" if line else file
            said.append(f"{where}: {'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}")
        raise PolicyFileError("\n".join(said)) from None


def _read(model: type[M], path: Path) -> M:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyFileError(f"{path}: cannot be read: {error.strerror}") from None
    return parse(model, text, str(path))


def load_history(root: Path, name: str) -> CalendarHistory:
    """Compile every version of the calendar `name` from its layers, the nation's first; raises `PolicyFileError`."""
    layers: list[CalendarLayer] = []
    todo = [name]
    while todo:
        layer = _read(CalendarLayer, root / "calendars" / f"{todo.pop()}.yaml")
        if layer.name in {known.name for known in layers}:
            raise PolicyFileError(f"{root}/calendars/{layer.name}.yaml: is its own parent")
        layers.insert(0, layer)
        todo.extend(layer.parents)
    try:
        return calendar_history(layers)
    except ValueError as error:
        raise PolicyFileError(f"{root}/calendars/{name}.yaml: {error}") from None


def load_calendar(root: Path, name: str) -> WorkCalendar:
    """Give the calendar `name` with every notice in its files."""
    return load_history(root, name).latest


def load_knowledge(root: Path, jurisdiction: str) -> KnowledgeBase:
    """Give the knowledge base of a jurisdiction; raises `PolicyFileError`."""
    return _read(KnowledgeBase, root / "knowledge" / f"{jurisdiction}.yaml")


def load_policies(root: Path, jurisdiction: str) -> Policies:
    """Give every policy of a jurisdiction, each from the first day of its rulebook; raises `PolicyFileError`."""
    folder = root / "rulebooks" / jurisdiction
    books = [_read(Rulebook, path) for path in sorted(folder.glob("*.yaml"))]
    if not books:
        raise PolicyFileError(f"{folder}: no rulebook")
    return Policies.of(_compiled(root, book) for book in books)


def _compiled(root: Path, book: Rulebook) -> Policy:
    directory = _read(Directory, root / "directories" / f"{book.directory}.yaml")
    return Policy(book, load_calendar(root, book.calendar), directory)
