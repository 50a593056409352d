"""The version of a calendar: what tells two of them apart, and what a decision keeps of the one that it was made by."""

import hashlib
import json
from collections.abc import Sequence

from services.core.calendar_data import CalendarLayer

PROVISIONAL_YEARS = 2
"""Years compiled after the last that has a notice."""


def calendar_version(layers: Sequence[CalendarLayer]) -> str:
    """Give name, latest date of issue, and 12 hex digits of the SHA-256 of what the layers say about days and hours.

    Titles, addresses and when something became known do not count, nor does a layer that says nothing.
    """
    content = [
        layer.model_dump(mode="json", by_alias=True, include={"name", "zone"})
        | {
            "hours": [
                rule.model_dump(
                    mode="json",
                    by_alias=True,
                    exclude={"basis", "known_from"} | ({"seasons"} if rule.windows else set()),
                )
                for rule in layer.hours
            ]
        }
        | {
            "notices": [
                n.model_dump(
                    mode="json",
                    by_alias=True,
                    exclude={"title", "url", "known_from"} | (set() if n.overrides else {"overrides"}),
                )
                for n in layer.notices
            ]
        }
        | (
            {
                "statutes": [law.model_dump(mode="json", exclude={"title", "url"}) for law in layer.statutes],
                "festivals": {
                    str(year): layer.festivals[year].model_dump(mode="json")
                    for year in unannounced_years(layer)
                    if year in layer.festivals
                },
            }
            if layer.statutes
            else {}
        )
        for layer in layers
        if layer.hours or layer.notices or layer.zone or layer is layers[-1]
    ]
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    issued = max(notice.issued for layer in layers for notice in layer.notices)
    return f"{layers[-1].name}@{issued}:{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def unannounced_years(nation: CalendarLayer) -> range:
    """Give the provisional years: those after the last of the nation's notices."""
    last = max(notice.year for notice in nation.notices)
    return range(last + 1, last + 1 + PROVISIONAL_YEARS)
