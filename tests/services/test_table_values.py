"""Table values leave out what is as it is by default: so a default of a state may never change.

After a new field: HOTLINE_REWRITE_DOCS=1 pytest tests/services/test_table_values.py
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from services.core.policy import Policies, Policy
from services.core.service import Fold, dump_json
from services.reminder.service import service as reminder
from services.revisit.service import service as revisit
from services.router.service import service as router
from services.scoring.service import service as scoring
from services.sla_timer.service import service as sla_timer

KNOWN = Path(__file__).with_name("state_defaults.json")
SERVICES = (reminder, revisit, router, scoring, sla_timer)


def json_folds(policy: Policy) -> Iterator[Fold[Any]]:
    policies = Policies.always(policy)
    return (fold for make in SERVICES for fold in make(policies).folds if fold.dump is dump_json)


def defaults(cls: type[BaseModel]) -> dict[str, Any]:
    """Every field with a default, of the model and of those within it."""
    found: dict[str, Any] = {}
    for name, field in cls.model_fields.items():
        if not field.is_required():
            found[f"{cls.__name__}.{name}"] = to_jsonable_python(field.get_default(call_default_factory=True))
        for inner in models_in(field.annotation):
            found |= defaults(inner)
    return found


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def test_no_default_of_a_state_has_changed_since_values_were_written_without_it(policy: Policy) -> None:
    now = {name: value for fold in json_folds(policy) for name, value in defaults(fold.state).items()}
    if os.environ.get("HOTLINE_REWRITE_DOCS"):
        KNOWN.write_text(json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    assert {name: now.get(name, "gone") for name in known} == known, "give it another table format instead"
    assert sorted(now) == sorted(known), "a new field: write this file anew"
    assert len(now) > 50
