"""What a rating leads to (Art. 9)."""

from schemas.facts import RatingRecorded
from schemas.vocabulary import ClockKind, Rating, Stage
from services.core import clocks
from services.core.decision import Decision


def record_rating(d: Decision, rating: Rating) -> Decision:
    """Put a rating on the record; the office judges dissatisfaction within its limit."""
    at, unhappy = d.command.time, rating is Rating.DISSATISFIED
    judge = clocks.start_clock(ClockKind.JUDGE, d.known.cycle, at, d.policy.rulebook.revisit.judge, d.policy)
    return d.then(
        RatingRecorded,
        "Art. 9",
        stage=Stage.JUDGING if unhappy else Stage.REVISITING,
        rating=rating,
        started=(judge,) if unhappy else (),
        stopped=clocks.stop_kinds(d.known, at, ClockKind.RATING),
    )
