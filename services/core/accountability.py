"""Accountability (Art. 16): which item each reason belongs to, and what the log alone shows. It never punishes."""

from typing import Final

from schemas.vocabulary import AccountabilityItem, Measure
from services.core.scoring_rules import ScoringRule

NUMBERS: Final[dict[AccountabilityItem, int]] = {
    AccountabilityItem.LATE_HANDLING: 1,
    AccountabilityItem.INEFFECTIVE_HANDLING: 1,
    AccountabilityItem.POOR_COORDINATION: 2,
    AccountabilityItem.FALSE_REPLY: 2,
    AccountabilityItem.PUBLIC_OPINION: 2,
    AccountabilityItem.LEAK: 3,
    AccountabilityItem.SHIFTING_RESPONSIBILITY: 4,
    AccountabilityItem.RETURNED_AGAIN_AND_AGAIN: 4,
    AccountabilityItem.OTHER: 5,
}
"""The item of Art. 16 that each belongs to."""


def article(item: AccountabilityItem) -> str:
    """Give the citation."""
    return f"Art. 16 ({NUMBERS[item]})"


def thresholds(rules: ScoringRule) -> dict[Measure, tuple[AccountabilityItem, int]]:
    """Give what is flagged when a unit's count of a measure in a month reaches a number.

    Whether harm was done, and whether anybody is to blame, the log cannot show: a person decides.
    """
    found = {
        Measure.BREACHED: (AccountabilityItem.LATE_HANDLING, rules.flag_breaches),
        Measure.RETURNED: (AccountabilityItem.RETURNED_AGAIN_AND_AGAIN, rules.flag_returns),
        Measure.RETURN_REFUSED: (AccountabilityItem.SHIFTING_RESPONSIBILITY, rules.flag_refused_returns),
        Measure.REPLY_REJECTED: (AccountabilityItem.FALSE_REPLY, rules.flag_rejected_replies),
        Measure.REDONE: (AccountabilityItem.INEFFECTIVE_HANDLING, rules.flag_redone),
    }
    return {measure: (item, number) for measure, (item, number) in found.items() if number is not None}
