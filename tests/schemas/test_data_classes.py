"""Every field of every schema that reaches the door has a class, and what is not `none` is sealed there."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, create_model

from schemas.events import BY_TYPE
from schemas.privacy import DataClass, UndeclaredError, classes_of, field_classes, to_seal
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from services.intake.door import FROM_OUTSIDE, SEALED
from services.intake.gateway import models
from services.intake.gateway.actions import BODIES

NONE, PERSONAL = DataClass.NONE, DataClass.PERSONAL
AT_THE_DOOR: dict[str, type[BaseModel]] = {
    cls.__name__: cls
    for cls in (
        *FROM_OUTSIDE.values(),
        *BODIES.values(),
        models.Submission,
        UpstreamTicketSubmitted,
        UpstreamTicketUrged,
    )
}


@pytest.mark.parametrize("model", AT_THE_DOOR.values(), ids=AT_THE_DOOR)
def test_every_field_that_reaches_the_door_has_a_class(model: type[BaseModel]) -> None:
    assert all(field_classes(model).values())


@pytest.mark.parametrize("name", sorted(set(BY_TYPE) - {"upstream.ticket.submitted.v1"}))
def test_no_event_but_the_raw_feed_has_room_for_a_person(name: str) -> None:
    assert frozenset() == to_seal(BY_TYPE[name])


def test_what_is_sealed_at_the_door_is_what_the_model_declares() -> None:
    assert {"title", "content", "reporter", "place"} == SEALED == to_seal(UpstreamTicketSubmitted)
    assert SEALED == to_seal(models.Submission), "HTTP and the feed declare alike"
    classes = field_classes(UpstreamTicketSubmitted)
    assert {PERSONAL, DataClass.LOCATION} == classes["reporter"]


@pytest.mark.parametrize("kind", [str, str | None, list[str], dict[str, int], Any, object, bytes])
def test_a_planted_field_without_a_class_is_refused_by_name(kind: Any) -> None:
    planted = create_model("Planted", nickname=(kind, ...))
    with pytest.raises(UndeclaredError, match=r"Planted\.nickname: could hold a person"):
        to_seal(planted)
    with pytest.raises(UndeclaredError, match=r"Outer\.inner\.nickname"):
        to_seal(create_model("Outer", inner=(planted, ...)))


def test_a_planted_personal_field_would_be_sealed() -> None:
    planted = create_model("Planted", __base__=UpstreamTicketSubmitted, nickname=(Annotated[str, PERSONAL], ""))
    assert SEALED | {"nickname"} == to_seal(planted)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (int | None, {NONE}),
        (Annotated[str, PERSONAL] | None, {PERSONAL, NONE}),
        (tuple[Annotated[str, NONE], ...], {NONE}),
        (Annotated[str | None, PERSONAL], {PERSONAL}),
    ],
)
def test_classes_are_found_inside_containers(kind: Any, found: set[DataClass]) -> None:
    assert found == classes_of(kind)
