"""What may be asked for by Open311: the categories that the county takes, and what each needs to know. Pure."""

from typing import Any, Final

from schemas.vocabulary import Kind, Lane
from services.core.directory import Category, Directory
from services.intake.gateway.problems import ProblemError

KINDS: Final = {
    Kind.HELP: "求助 Help", Kind.CONSULTATION: "咨询 Question", Kind.SUGGESTION: "意见建议 Suggestion",
    Kind.COMPLAINT: "投诉 Complaint", Kind.REPORT: "举报 Report", Kind.ENFORCEMENT: "执法事项 Enforcement",
}  # fmt: skip


def services(directory: Directory) -> list[dict[str, Any]]:
    """Give every category that becomes a ticket; emergencies and what belongs elsewhere are no services."""
    return [
        {
            "service_code": category.code, "service_name": category.name_zh, "description": category.name_en,
            "metadata": True, "type": "realtime", "keywords": f"{category.code}, {category.name_en}",
            "group": _group(directory, category),
        }
        for category in directory.categories
        if category.lane is Lane.ACCEPT
    ]  # fmt: skip


def _group(directory: Directory, category: Category) -> str | None:
    unit = directory.unit(category.unit) if category.unit else None
    return directory.groups.get(unit.group) if unit else None


def service(directory: Directory, code: str) -> Category:
    """Give the category of a service code; raises a 404, which for an emergency names the number to call."""
    category = directory.category(code)
    if category is None:
        raise ProblemError(404, "unknown-service", "service_code: was not found")
    if category.lane is Lane.EMERGENCY:
        raise ProblemError(404, "emergency", f"{category.name_zh}: 请立即拨打 {category.call_number}. Call it now.")
    if category.lane is not Lane.ACCEPT:
        raise ProblemError(404, "not-taken", f"service_code: is not taken by this hotline ({category.lane_code})")
    return category


def definition(directory: Directory, code: str) -> dict[str, Any]:
    """Give what must be said besides: the township, and what is wanted."""
    areas = [(area.code, f"{area.name_zh} {area.name_en}") for area in directory.areas]
    kinds = [(kind.value, name) for kind, name in KINDS.items()]
    return {
        "service_code": service(directory, code).code,
        "attributes": [
            _choice(
                "area", 1, "乡镇(可用 address_id 代替) Township; address_id may say it instead", areas, required=True
            ),
            _choice("kind", 2, "诉求类型,默认求助 What you want; help unless you say so", kinds, required=False),
        ],
    }


def _choice(
    code: str, order: int, description: str, options: list[tuple[str, str]], *, required: bool
) -> dict[str, Any]:
    return {
        "variable": True, "code": code, "datatype": "singlevaluelist", "required": required,
        "datatype_description": None, "order": order, "description": description,
        "values": [{"key": key, "name": name} for key, name in options],
    }  # fmt: skip


def area_of(directory: Directory, said: str) -> str | None:
    """Give our area code for one of 9 or 12 digits (GB/T 2260), None for any other."""
    return next(
        (
            area.code
            for area in directory.areas
            if said == area.code or (len(said) == 12 and said.startswith(area.code))
        ),
        None,
    )
