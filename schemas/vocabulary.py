"""The closed word lists of the mesh: kinds, channels, lanes, stages, clocks, outcomes.

Each member stands for one concept with one name in code, schema, metric and docs; `docs/glossary.md` gives
the Chinese term of each.
"""

from enum import StrEnum


class Word(StrEnum):
    """A word of a closed list: the text that it is, also as a key (`Enum` hashes the name, and in Python code)."""

    __hash__ = str.__hash__


class Kind(Word):
    """What the citizen wants (Art. 7, 8); decides limits and urgency."""

    CONSULTATION = "consultation"
    HELP = "help"
    SUGGESTION = "suggestion"
    COMPLAINT = "complaint"
    REPORT = "report"
    ENFORCEMENT = "enforcement"


class Channel(Word):
    """The way by which a citizen spoke, or by which the office speaks to the citizen."""

    PHONE = "phone"
    WEB = "web"
    APP = "app"
    WECHAT = "wechat"
    SMS = "sms"
    MAIL = "mail"
    FIELD = "field"
    OTHER = "other"


class Lane(Word):
    """What the door does with a matter (Art. 2, 8; 国办函〔2025〕66号 (二))."""

    ACCEPT = "accept"
    EMERGENCY = "emergency"
    KNOWLEDGE_BASE = "knowledge_base"
    LAWFUL_CHANNEL = "lawful_channel"
    NOT_ACCEPTABLE = "not_acceptable"


class LawfulChannel(Word):
    """Whose business a matter is that the hotline may not take (国办函〔2025〕66号 (二))."""

    COURT = "court"
    ARBITRATION = "arbitration"
    DISCIPLINE = "discipline"
    PETITION = "petition"
    RECONSIDERATION = "reconsideration"
    DISCLOSURE = "disclosure"
    POLICE = "police"
    SECRECY = "secrecy"
    OTHER_AUTHORITY = "other_authority"


class Stage(Word):
    """Where a ticket stands; the state machine in `services.core.transitions` says how it moves."""

    OPENED = "opened"
    HELD = "held"
    QUEUED = "queued"
    DISPATCHED = "dispatched"
    IN_PROGRESS = "in_progress"
    SUSPENDED = "suspended"
    DISPUTED = "disputed"
    REPLIED = "replied"
    REVISITING = "revisiting"
    JUDGING = "judging"
    EXPLAINING = "explaining"
    EXPLAINED = "explained"
    MERGED = "merged"
    DIVERTED = "diverted"
    ANSWERED = "answered"
    DECLINED = "declined"
    CONTESTED = "contested"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class ClockKind(Word):
    """The clocks that may run on a ticket; release, rating, return and suspension are windows."""

    RELEASE = "release"
    DISPATCH = "dispatch"
    REFUSAL_REVIEW = "refusal_review"
    SIGN = "sign"
    RETURN = "return"
    HANDLE = "handle"
    SUSPENSION = "suspension"
    CO_HANDLE = "co_handle"
    CASE = "case"
    ADJUDICATE = "adjudicate"
    RATING = "rating"
    JUDGE = "judge"
    EXPLAIN = "explain"
    APPEAL = "appeal"


class Rung(Word):
    """A step of the reminder ladder (Art. 10)."""

    HALF = "half"
    FOUR_FIFTHS = "four_fifths"
    NEAR_DUE = "near_due"
    OVERDUE = "overdue"
    OVERDUE_DAILY = "overdue_daily"
    ESCALATED = "escalated"
    URGED = "urged"


class StopOutcome(Word):
    """How a clock ended."""

    MET = "met"
    LATE = "late"
    CANCELLED = "cancelled"
    PAUSED = "paused"


class SuspensionEnd(Word):
    """How a suspension (挂起) ended."""

    SUPPLEMENTED = "supplemented"
    REPLIED = "replied"
    RESUMED = "resumed"
    ELAPSED = "elapsed"


class CyclePurpose(Word):
    """What a unit has the ticket for in one leg."""

    HANDLE = "handle"
    REDO = "redo"
    CO_HANDLE = "co_handle"


class CycleEnd(Word):
    """How a leg ended."""

    REPLIED = "replied"
    RETURNED = "returned"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


class Role(Word):
    """Who speaks."""

    PLATFORM = "platform"
    UNIT = "unit"
    OFFICE = "office"
    CITIZEN = "citizen"
    SERVICE = "service"


class DispatchReason(Word):
    """Why a ticket went to a unit."""

    ROUTED = "routed"
    RELEASED = "released"
    ASSIGNED = "assigned"
    RETURN_UPHELD = "return_upheld"
    ADJUDICATED = "adjudicated"


class ReplyResult(Word):
    """What the unit says it did."""

    RESOLVED = "resolved"
    ANSWERED = "answered"
    REFUSED = "refused"
    PROMISED = "promised"


class ReplyDefect(Word):
    """A criterion of Art. 12 that a reply misses."""

    NO_HANDLER = "no_handler"
    NO_RESPONSIBLE_PERSON = "no_responsible_person"
    POINTS_UNANSWERED = "points_unanswered"
    REFUSAL_WITHOUT_BASIS = "refusal_without_basis"
    TEMPLATE_REPEATED = "template_repeated"
    EMPTY_PHRASES = "empty_phrases"
    PROMISE_WITHOUT_RESULT = "promise_without_result"
    LATE_DATED = "late_dated"


class CallOutcome(Word):
    """What came of one three-way call between citizen, hotline and unit (Art. 5)."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"


class ContactOutcome(Word):
    """What came of one attempt to reach the citizen (Art. 9)."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"


class Rating(Word):
    """The citizen's evaluation (Art. 9)."""

    SATISFIED = "satisfied"
    BASICALLY_SATISFIED = "basically_satisfied"
    DISSATISFIED = "dissatisfied"


class Resolution(Word):
    """Why a ticket could be closed (Art. 9)."""

    RATED = "rated"
    DEEMED = "deemed"
    EXPLAINED = "explained"
    OFFICE_DECISION = "office_decision"


class Indicator(Word):
    """What a unit is assessed by (Art. 15): each is a part of a whole, in percent."""

    SIGNED_ON_TIME = "signed_on_time"
    REPLIED_ON_TIME = "replied_on_time"
    SATISFACTION = "satisfaction"
    SATISFACTION_RATED_ONLY = "satisfaction_rated_only"
    REDONE = "redone"
    RETURNS_UPHELD = "returns_upheld"
    REPLIES_REJECTED = "replies_rejected"
    REPEATED = "repeated"
    KNOWLEDGE_CURRENT = "knowledge_current"


class Measure(Word):
    """What one fact counts as for a unit (Art. 15, 16); `overdue` is the balance of legs that are late and open."""

    DISPATCHED = "dispatched"
    SIGNED = "signed"
    RETURNED = "returned"
    RETURN_REFUSED = "return_refused"
    REPLIED = "replied"
    REPLY_REJECTED = "reply_rejected"
    REDONE = "redone"
    CLOSED = "closed"
    REPEATED = "repeated"
    REMINDED = "reminded"
    BREACHED = "breached"
    OVERDUE = "overdue"


class Trend(Word):
    """How the tickets of a week compare with the usual number; `services.core.hot_issues.trend_of` draws the lines."""

    NEW = "new"
    RISING = "rising"
    STEADY = "steady"
    FALLING = "falling"


class AccountabilityItem(Word):
    """What a unit may have to answer for (Art. 16); `services.core.accountability` names the item of each."""

    LATE_HANDLING = "late_handling"
    INEFFECTIVE_HANDLING = "ineffective_handling"
    POOR_COORDINATION = "poor_coordination"
    FALSE_REPLY = "false_reply"
    PUBLIC_OPINION = "public_opinion"
    LEAK = "leak"
    SHIFTING_RESPONSIBILITY = "shifting_responsibility"
    RETURNED_AGAIN_AND_AGAIN = "returned_again_and_again"
    OTHER = "other"


class FlagStatus(Word):
    """What became of an accountability flag: a person decides (Art. 16)."""

    RAISED = "raised"
    DISMISSED = "dismissed"
    UPHELD = "upheld"


class AcceptedBy(Word):
    """The level whose hotline body accepted the ticket: it decides extensions (Art. 8)."""

    NATION = "nation"
    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"
