"""Who speaks, and what he may do: the roles, the permission matrix, and what each role may see."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.vocabulary import Role


class Access(StrEnum):
    """The roles of the gateway."""

    PLATFORM = "platform"
    UNIT = "unit"
    OFFICE = "office"
    CITIZEN = "citizen"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    APP = "app"
    """A client of Open311: hands in what its users report, and speaks for nobody else."""
    SYSTEM = "system"
    """A trusted system that speaks for actors it has authenticated itself, for instance the units' office system."""


SPEAKS_AS: Final = {
    Access.PLATFORM: Role.PLATFORM,
    Access.UNIT: Role.UNIT,
    Access.OFFICE: Role.OFFICE,
    Access.CITIZEN: Role.CITIZEN,
}
"""Under which role a command of this principal goes on the record; the others say nothing themselves."""


@dataclass(frozen=True)
class Principal:
    """An authenticated caller: role, opaque id within it, and for a citizen's link the one ticket it is good for."""

    access: Access
    id: str
    ticket: str | None = None


_EVERY_READER: Final = frozenset(
    {Access.PLATFORM, Access.UNIT, Access.OFFICE, Access.CITIZEN, Access.AUDITOR, Access.OPERATOR, Access.SYSTEM}
)
_FOR_THE_CITIZEN: Final = frozenset({Access.PLATFORM, Access.OFFICE, Access.CITIZEN})
_UNIT: Final = frozenset({Access.UNIT})
_OFFICE: Final = frozenset({Access.OFFICE})

PUBLIC: Final = (
    "open311-discovery", "open311-services", "open311-service", "open311-token", "open311-requests", "open311-request",
)  # fmt: skip
"""Operations that need no credential: they tell nothing that the county would not print."""

PERMISSIONS: Final[dict[str, frozenset[Access]]] = {
    "submit-ticket": frozenset({Access.PLATFORM}),
    "submit-tickets": frozenset({Access.PLATFORM}),
    "submit-native-ticket": frozenset({Access.PLATFORM}),
    "submit-native-tickets": frozenset({Access.PLATFORM}),
    "submit-commands": frozenset({Access.SYSTEM}),
    "read-ticket": _EVERY_READER - {Access.OPERATOR},
    "read-timeline": _EVERY_READER - {Access.OPERATOR},
    "list-tickets": frozenset({Access.PLATFORM, Access.UNIT, Access.OFFICE, Access.AUDITOR, Access.SYSTEM}),
    "read-submission": _EVERY_READER,
    "sign": _UNIT,
    "request-return": _UNIT,
    "request-extension": _UNIT,
    "request-suspension": frozenset({Access.UNIT, Access.OFFICE}),
    "decide-suspension": frozenset({Access.OFFICE, Access.PLATFORM}),
    "resume": frozenset({Access.UNIT, Access.OFFICE}),
    "reply": _UNIT,
    "explain-to-citizen": _UNIT,
    "co-reply": _UNIT,
    "request-co-return": _UNIT,
    "assign-co-handlers": _OFFICE,
    "decide-co-return": _OFFICE,
    "assign": _OFFICE,
    "decline": _OFFICE,
    "request-refusal-review": _FOR_THE_CITIZEN,
    "decide-refusal-review": _OFFICE,
    "decide-return": _OFFICE,
    "decide-extension": frozenset({Access.OFFICE, Access.PLATFORM}),
    "log-contact": _OFFICE,
    "log-call": _OFFICE,
    "judge-dissatisfaction": _OFFICE,
    "reopen": _OFFICE,
    "list-merge-candidates": _OFFICE,
    "merge": _OFFICE,
    "unmerge": _OFFICE,
    "exclude-measure": _OFFICE,
    "request-appeal": _UNIT,
    "decide-appeal": _OFFICE,
    "raise-accountability": _OFFICE,
    "decide-accountability": _OFFICE,
    "rate": _FOR_THE_CITIZEN,
    "urge": _FOR_THE_CITIZEN,
    "supplement": _FOR_THE_CITIZEN,
    "withdraw": _FOR_THE_CITIZEN,
    "open311-post-request": frozenset({Access.APP}),
    **dict.fromkeys(PUBLIC, frozenset(Access)),
}
"""Operation to roles that may perform it; whatever is not here nobody may do."""


def permitted(principal: Principal, operation: str, ticket: str | None = None) -> bool:
    """Say whether `principal` may perform `operation` (on `ticket`); a citizen's link is good for its ticket only."""
    if principal.access not in PERMISSIONS.get(operation, frozenset()):
        return False
    return principal.access is not Access.CITIZEN or ticket is None or principal.ticket == ticket
