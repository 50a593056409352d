"""The review of a reply, criterion by criterion (Art. 12); and what the door notes of its text before sealing it."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Final

from schemas.values import Reply
from schemas.vocabulary import ReplyDefect, ReplyResult
from services.core.deadlines import ahead_of
from services.core.policy import Policy

CLOCK_SKEW: Final = timedelta(seconds=300)
"""By how much the clock of a sender may run ahead of ours."""

EMPTY_PHRASES: Final = (
    "将尽快处理",
    "正在研究",
    "研究研究",
    "高度重视",
    "不归我们管",
    "管不了",
    "请耐心等待",
    "按相关规定办理",
)
"""Phrases that promise nothing (敷衍)."""
_SEPARATORS = re.compile(r"[\s\d,.;:!?,。;:!?、()()]+")


def template_digest(text: str, key: bytes) -> str:
    """Give a keyed hash of the text without numbers, spaces and punctuation: equal for a template used again."""
    return hmac.new(key, _SEPARATORS.sub("", text).encode(), hashlib.sha256).hexdigest()[:24]


def empty_phrases(text: str) -> int:
    """Count the phrases in `text` that promise nothing."""
    return sum(text.count(phrase) for phrase in EMPTY_PHRASES)


def late_dated(reply: Reply, claimed_at: datetime, begun_at: datetime, policy: Policy) -> bool:
    """Say whether a reply bears a date that cannot be true.

    It claims to have been given before its leg began, after it was heard, or longer before than the rulebook
    tolerates; or its evidence is older than its leg, or younger than the reply itself.
    """
    heard, evidence = reply.received_at, reply.evidence_at
    tolerance = policy.rulebook.reply_review.dating_tolerance.limit
    if claimed_at < begun_at:
        return True
    if heard is not None and not ahead_of(heard, tolerance, policy.calendar) <= claimed_at <= heard + CLOCK_SKEW:
        return True
    return evidence is not None and not begun_at <= evidence <= claimed_at


def defects(reply: Reply, earlier_digests: tuple[str, ...], *, wrongly_dated: bool = False) -> tuple[ReplyDefect, ...]:
    """Give every criterion of Art. 12 that the reply misses, in the order of the vocabulary.

    `earlier_digests` are the digests of the replies that this ticket had before; `wrongly_dated` is what `late_dated`
    says.
    """
    found = {
        ReplyDefect.NO_HANDLER: reply.handler is None,
        ReplyDefect.NO_RESPONSIBLE_PERSON: reply.responsible is None,
        ReplyDefect.POINTS_UNANSWERED: reply.points_answered < reply.points,
        ReplyDefect.REFUSAL_WITHOUT_BASIS: reply.result is ReplyResult.REFUSED and reply.basis is None,
        ReplyDefect.TEMPLATE_REPEATED: reply.template_digest in earlier_digests,
        ReplyDefect.EMPTY_PHRASES: reply.empty_phrases > 0,
        ReplyDefect.PROMISE_WITHOUT_RESULT: reply.result is ReplyResult.PROMISED,
        ReplyDefect.LATE_DATED: wrongly_dated,
    }
    return tuple(defect for defect, missed in found.items() if missed)
