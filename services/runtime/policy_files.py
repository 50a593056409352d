"""Reads rulebooks, calendars and directories; an error names the file and the line or field."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from schemas.vocabulary import Lane
from services.core.calendar import WorkCalendar
from services.core.calendar_data import CalendarLayer
from services.core.calendar_history import CalendarHistory, calendar_history, unit_history
from services.core.calendar_hours import HoursRule
from services.core.calendar_layers import LayerProblem, layer_problems
from services.core.directory import Directory
from services.core.door_catalogue import DoorCatalogue
from services.core.knowledge import KnowledgeBase
from services.core.policy import Policies, Policy
from services.core.rulebook import Rulebook
from services.runtime.strict_yaml import StrictLoader

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
        data: Any = yaml.load(text, Loader=StrictLoader)  # noqa: S506 - a SafeLoader that refuses duplicate keys
    except yaml.constructor.ConstructorError as error:
        place = f"{file}:{error.problem_mark.line + 1}" if error.problem_mark else file
        raise PolicyFileError(f"{place}: {error.problem}") from None
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


def load_layers(root: Path, name: str) -> tuple[CalendarLayer, ...]:
    """Read the calendar `name` and the layers above it, the nation's first; raises `PolicyFileError`."""
    layers: list[CalendarLayer] = []
    todo = [name]
    while todo:
        layer = _read(CalendarLayer, root / "calendars" / f"{todo.pop()}.yaml")
        if layer.name in {known.name for known in layers}:
            path = root / "calendars" / f"{layers[0].name}.yaml"
            raise PolicyFileError(f"{_at_key(path, 'parents')}: parents: {layer.name} would be its own parent")
        layers.insert(0, layer)
        todo.extend(layer.parents)
    wrong = [_placed(root / "calendars" / f"{found.layer}.yaml", found) for found in layer_problems(layers)]
    if wrong:
        raise PolicyFileError("\n".join(wrong))
    return tuple(layers)


def _placed(path: Path, found: LayerProblem) -> str:
    line = _line_of(path.read_text(encoding="utf-8"), found.place)
    return f"{path}:{line}: {'.'.join(map(str, found.place))}: {found.message}"


def load_history(root: Path, name: str) -> CalendarHistory:
    """Compile every version of the calendar `name` from its layers; raises `PolicyFileError`."""
    return _history(root, load_layers(root, name))


def _history(root: Path, layers: Sequence[CalendarLayer]) -> CalendarHistory:
    try:
        return calendar_history(layers)
    except ValueError as error:
        raise PolicyFileError(f"{root}/calendars/{layers[-1].name}.yaml: {error}") from None


def load_calendar(root: Path, name: str) -> WorkCalendar:
    """Give the calendar `name` with every notice in its files."""
    return load_history(root, name).latest


def load_knowledge(root: Path, jurisdiction: str, directory: Directory | None = None) -> KnowledgeBase:
    """Give the knowledge base of a jurisdiction; raises `PolicyFileError`.

    With a `directory`, the owner and category of each article must stand in it.
    """
    path = root / "knowledge" / f"{jurisdiction}.yaml"
    base = _read(KnowledgeBase, path)
    if directory is not None:
        text = path.read_text(encoding="utf-8")
        wrong = [
            f"{path}:{_line_of(text, (place, field))}: {field}: {value} is not in directory {directory.name}"
            for place, article in enumerate(base.root)
            for field, value, found in (
                ("owner", article.owner, directory.unit(article.owner)),
                ("category", article.category, directory.category(article.category)),
            )
            if found is None
        ]
        if wrong:
            raise PolicyFileError("\n".join(wrong))
    return base


def load_policies(root: Path, jurisdiction: str) -> Policies:
    """Give every policy of a jurisdiction, each from the first day of its rulebook; raises `PolicyFileError`."""
    folder = root / "rulebooks" / jurisdiction
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise PolicyFileError(f"{folder}: no rulebook")
    books: list[Rulebook] = []
    problems: list[str] = []
    for path in paths:
        try:
            books.append(_read(Rulebook, path))
            problems += _misplaced(path, books[-1], jurisdiction)
        except PolicyFileError as error:
            problems.append(str(error))
    if not problems:
        problems = [line for before, after in pairwise(zip(paths, books, strict=True)) for line in _seam(before, after)]
    if problems:
        raise PolicyFileError("\n".join(problems))
    return Policies.of(_compiled(root, book) for book in books)


def _at_key(path: Path, key: str) -> str:
    line = _line_of(path.read_text(encoding="utf-8"), (key,))
    return f"{path}:{line}" if line else str(path)


def _misplaced(path: Path, book: Rulebook, jurisdiction: str) -> list[str]:
    """Say what a file's name and folder say otherwise than the rulebook in it."""
    found = []
    if book.jurisdiction != jurisdiction:
        where = _at_key(path, "jurisdiction")
        found.append(f"{where}: jurisdiction: is {book.jurisdiction}, in the folder {jurisdiction}")
    if path.stem != book.effective_from.isoformat():
        where = _at_key(path, "effective_from")
        found.append(f"{where}: effective_from: is {book.effective_from}, but the file is named {path.stem}")
    return found


def _seam(before: tuple[Path, Rulebook], after: tuple[Path, Rulebook]) -> list[str]:
    """Say where one rulebook ends on another day than the next begins: a gap without rules, or days with two."""
    (path, book), (_, following) = before, after
    if book.effective_until is None or book.effective_until == following.effective_from:
        return []
    what = "a gap without rules" if book.effective_until < following.effective_from else "an overlap of two rulebooks"
    return [
        f"{_at_key(path, 'effective_until')}: effective_until: {book.effective_until} leaves {what}: "
        f"the next begins on {following.effective_from}"
    ]


def _compiled(root: Path, book: Rulebook) -> Policy:
    path = root / "directories" / f"{book.directory}.yaml"
    directory = _read(Directory, path)
    unruled = sorted({category.tier for category in directory.categories if category.tier} - set(book.tiers))
    if unruled:
        raise PolicyFileError(f"{path}: categories: tiers that rulebook {book.version} lacks: {', '.join(unruled)}")
    door_path = root / "door" / f"{book.jurisdiction}.yaml"
    door = _read(DoorCatalogue, door_path)
    problems = [
        *_uncatalogued(path, directory, door, door_path),
        *_of_no_category(book, directory, path),
        *_unclassed(book, directory, path),
    ]
    if problems:
        raise PolicyFileError("\n".join(problems))
    layers = load_layers(root, book.calendar)
    history, units = _history(root, layers), _unit_histories(path, directory, layers)
    latest = {unit: own.latest for unit, own in units.items()}
    return Policy(book, history.latest, directory, door, history, unit_histories=units, unit_calendars=latest)


def _unit_histories(path: Path, directory: Directory, layers: Sequence[CalendarLayer]) -> dict[str, CalendarHistory]:
    """Compile the calendars of units with office hours of their own; units with the same hours share one."""
    compiled: dict[tuple[HoursRule, ...], CalendarHistory] = {}
    for number, unit in enumerate(directory.units):
        if not unit.office_hours or unit.office_hours in compiled:
            continue
        try:
            compiled[unit.office_hours] = unit_history(layers, unit.office_hours)
        except ValueError as error:
            line = _line_of(path.read_text(encoding="utf-8"), ("units", number, "office_hours"))
            raise PolicyFileError(f"{path}:{line}: unit {unit.id}: office_hours: {error}") from None
    return {unit.id: compiled[unit.office_hours] for unit in directory.units if unit.office_hours}


def _uncatalogued(path: Path, directory: Directory, door: DoorCatalogue, door_path: Path) -> list[str]:
    """Say which categories are refused under a code that the door's catalogue lacks, or has in another lane."""
    text = path.read_text(encoding="utf-8")
    return [
        f"{path}:{_line_of(text, ('categories', number))}: category {category.code}: "
        f"{door_path} has no code {category.lane_code} in lane {category.lane}"
        for number, category in enumerate(directory.categories)
        if category.lane in {Lane.LAWFUL_CHANNEL, Lane.NOT_ACCEPTABLE}
        and door.lane_of(category.lane_code or "") is not category.lane
    ]


def _of_no_category(book: Rulebook, directory: Directory, path: Path) -> list[str]:
    """Say which limits by law are for a category that the directory lacks."""
    known = {category.code for category in directory.categories}
    return [
        f"rulebook {book.version}: statutory_limits.{number}.category: {path} has no category {limit.category}"
        for number, limit in enumerate(book.statutory_limits)
        if limit.category not in known
    ]


def _unclassed(book: Rulebook, directory: Directory, path: Path) -> list[str]:
    """Say which unit groups are in no class of a rulebook that has classes, or in a class only."""
    classed = {group for rule in book.scoring.classes.values() for group in rule.groups}
    odd = ", ".join(sorted(classed ^ set(directory.groups))) if classed else ""
    return [f"{path}: groups: not the same as in the classes of rulebook {book.version}: {odd}"] if odd else []


def with_rulebook(policies: Policies, root: Path, book: Rulebook) -> Policies:
    """Give the policies with `book` from its first day on, in place of those that begin then or later."""
    added = _compiled(root, book)
    kept = [policy for _, policy in policies.segments if policy.effective_at < added.effective_at]
    return Policies.of([*kept, added])
