"""What may stand in `when`: who says what, as a message that the real door takes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.envelope import derived_id
from schemas.upstream import UpstreamTicketSubmitted
from schemas.vocabulary import AcceptedBy, Kind, Role
from tests.rules.instants import INSTANT, instant

AREA, CATEGORY, PLATFORM = "533423100", "bulky-waste", "stage"
WITHOUT: Final = {"handler": "handler", "responsible person": "responsible"}
PERSON: Final = {
    "name": "张三丰", "phone": "13899997777", "id_number": "533423199001019999", "address": "保和镇某路七号",
}  # fmt: skip
TITLE, CONTENT = "张三丰反映楼下堆放杂物", "我住保和镇某路七号,电话13899997777"
PERSONAL: Final = (*PERSON.values(), TITLE, CONTENT)
"""What no event of the mesh may hold: every matter in every row is opened with it (Art. 13)."""


class GrammarError(ValueError):
    """A line that the grammar does not know; README.md lists what it knows."""


@dataclass(frozen=True)
class Line:
    """One event of `when`: when it happened, when it was heard, of which ticket, and what."""

    at: datetime
    heard: datetime
    ticket: str
    text: str
    twice: bool
    silent: bool
    """No pulse came since the event before."""


_LINE = re.compile(
    rf"(?P<at>{INSTANT})(?: \(heard (?P<heard>{INSTANT})\))? (?:(?P<ticket>T[0-9]+): )?(?P<text>.+?)"
    r"(?P<twice> \(twice\))?(?P<silent> \(no pulse before\))?"
)


def line(text: str, before: datetime | None) -> Line:
    """Read one line; `before` is the instant of the line before it, whose day a bare time of day continues."""
    found = _LINE.fullmatch(text)
    if found is None:
        raise GrammarError(f"{text!r}: write an instant, then who does what")
    try:
        at = instant(found["at"], before)
        heard = instant(found["heard"], at) if found["heard"] else at
    except ValueError as error:
        raise GrammarError(str(error)) from None
    if heard < at:
        raise GrammarError(f"{text!r}: heard before it happened")
    return Line(at, heard, found["ticket"] or "T1", found["text"], bool(found["twice"]), bool(found["silent"]))


NOTHING: Final = re.compile(r"(?:nobody|nothing) .+")
"""Time passes; the words after it are for the reader."""
OUTAGE: Final = "the first pulse after an outage"
"""No pulse came since the event before: what should have rung meanwhile rings now."""

_OPTIONS: Final[dict[str, tuple[str, Callable[[Any], dict[str, Any]]]]] = {
    "about": (r"about (?P<about>[a-z-]+)", lambda found: {"category": found}),
    "in": (r"in (?P<in>[0-9]{9})", lambda found: {"area": found}),
    "accepted": (r"accepted by the (?P<accepted>[a-z]+)", lambda found: {"accepted_by": AcceptedBy(found)}),
    "upstream": (rf"due upstream (?P<upstream>{INSTANT})", lambda found: {"upstream_due_at": instant(found)}),
    "days": (
        r"limited to (?P<days>[0-9]+) working days by law",
        lambda found: {"limit_override": {"working_days": int(found), "legal_basis": "信访工作条例"}},
    ),
    "until": (
        rf"limited to (?P<until>{INSTANT}) by order",
        lambda found: {"limit_override": {"due_at": instant(found), "legal_basis": "省级要求"}},
    ),
    "asking": (r"asking “(?P<asking>[^”]+)”", lambda found: {"title": found}),
    "other": (
        r"by (?P<other>a neighbour)",
        lambda _: {"reporter": PERSON | {"phone": "13899996666", "id_number": "533423199001019998"}},
    ),
    "unknown": (r"without (?P<unknown>phone or number)", lambda _: {"reporter": {"name": "张三丰"}}),
    "anonymous": (r"(?P<anonymous>anonymously)", lambda _: {"anonymous": True}),
    "saying": (r"saying “(?P<saying>[^”]+)”", lambda found: {"content": found}),
    "secret": (r"(?P<secret>asking for secrecy)", lambda _: {"secrecy_requested": True}),
}
_OPENED: Final = re.compile(rf"(?P<kind>{'|'.join(Kind)}) opened(?P<options>.*)")


def submitted(said: Line, number: int) -> UpstreamTicketSubmitted | None:
    """Give what the platform hands down, if the line opens a ticket."""
    found = _OPENED.fullmatch(said.text)
    if found is None:
        return None
    data: dict[str, Any] = {
        "id": f"m-{number}", "source": "/platform/stage", "time": said.at, "platform": PLATFORM,
        "upstream_id": said.ticket, "kind": found["kind"], "category": CATEGORY, "area": AREA, "channel": "phone",
        "title": TITLE, "content": CONTENT, "reporter": PERSON,
    }  # fmt: skip
    rest = found["options"].strip()
    for pattern, value in _OPTIONS.values():
        option = re.search(rf"(?:^| ){pattern}(?= |$)", rest)
        if option:
            data |= value(option.group(option.lastgroup or 0))
            rest = (rest[: option.start()] + rest[option.end() :]).strip()
    if rest:
        raise GrammarError(f"{said.text!r}: {rest!r} is no option of opened")
    return UpstreamTicketSubmitted.model_validate(data)


Build = Callable[[dict[str, str]], dict[str, Any]]


def _reply(found: dict[str, str]) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "text": found.get("text") or "经现场核实,已于当日清运完毕。", "handler": "H-1", "responsible": "R-1",
        "result": found.get("result") or "resolved", "points": 1, "points_answered": 1,
    }  # fmt: skip
    if found.get("without"):
        for word in re.split(" and | without ", found["without"]):
            if word not in WITHOUT:
                raise GrammarError(f"without {word}: known are {', '.join(WITHOUT)}")
            reply[WITHOUT[word]] = None
    if found.get("points"):
        reply["points_answered"], reply["points"] = (int(n) for n in found["points"].split(" of "))
    if found.get("basis"):
        reply["basis"] = found["basis"]
    if found.get("evidence"):
        reply["evidence_at"] = instant(found["evidence"]).isoformat()
    return {"reply": reply} | ({"dated": instant(found["dated"])} if found.get("dated") else {})


def _measured(found: dict[str, str]) -> dict[str, Any]:
    return {"leg": int(found["leg"]), "indicators": found["what"].split(" and ")}


UNIT: Final = "U-[A-Z0-9]+"
UNITS: Final = f"{UNIT}(?: {UNIT})*"
VERBS: Final[dict[str, tuple[str, str, Build]]] = {
    "assigns": (
        "ticket.assign.v1",
        rf"assigns (?P<unit>{UNIT})(?: with (?P<others>{UNITS}))?",
        lambda f: {"unit": f["unit"], "co_handlers": f.get("others", "").split()},
    ),
    "names co-handlers": (
        "co_handler.assign.v1",
        rf"names co-handlers (?P<units>{UNITS})",
        lambda f: {"units": f["units"].split()},
    ),
    "hands in its part": (
        "co_reply.submit.v1",
        r"hands in its part(?: (?P<result>resolved|answered|refused|promised))?"
        rf"(?: with evidence of (?P<evidence>{INSTANT}))?",
        _reply,
    ),
    "asks to be let out": (
        "co_return.request.v1",
        r"asks to be let out",
        lambda _: {"reason": "not-our-remit", "basis": "三定方案"},
    ),
    "lets out": (
        "co_return.decide.v1",
        rf"lets (?P<co>{UNIT}) out(?: for (?P<unit>{UNIT}))?",
        lambda f: {"co_handler": f["co"], "upheld": True, "unit": f.get("unit")},
    ),
    "keeps in": (
        "co_return.decide.v1",
        rf"keeps (?P<co>{UNIT}) in",
        lambda f: {"co_handler": f["co"], "upheld": False},
    ),
    "declines": ("ticket.decline.v1", r"declines it as (?P<code>[a-z-]+)", lambda f: {"code": f["code"]}),
    "contests": ("refusal_review.request.v1", r"contests the refusal", lambda _: {"reason": "it-is-your-business"}),
    "upholds the refusal": (
        "refusal_review.decide.v1",
        r"upholds the refusal",
        lambda _: {"upheld": True, "reason": "seen"},
    ),
    "overturns the refusal": (
        "refusal_review.decide.v1",
        r"overturns the refusal",
        lambda _: {"upheld": False, "reason": "seen"},
    ),
    "signs": ("ticket.sign.v1", r"signs", lambda _: {}),
    "returns": (
        "return.request.v1",
        r"returns it(?: proposing (?P<proposed>U-[A-Z0-9]+))?",
        lambda f: {"reason": "not-our-remit", "basis": "三定方案", "proposed_unit": f.get("proposed")},
    ),
    "upholds the return": (
        "return.decide.v1",
        rf"upholds the return(?: to (?P<unit>{UNIT}))?(?: with (?P<others>{UNITS}))?",
        lambda f: {"upheld": True, "unit": f.get("unit"), "co_handlers": f.get("others", "").split()},
    ),
    "refuses the return": ("return.decide.v1", r"refuses the return", lambda _: {"upheld": False}),
    "asks for more time": ("extension.request.v1", r"asks for more time", lambda _: {"reason": "waiting-for-parts"}),
    "grants more time": ("extension.decide.v1", r"grants more time", lambda _: {"granted": True}),
    "refuses more time": ("extension.decide.v1", r"refuses more time", lambda _: {"granted": False}),
    "asks to suspend": (
        "suspension.request.v1",
        r"asks to suspend it: (?P<reason>[a-z-]+)",
        lambda f: {"reason": f["reason"]},
    ),
    "suspends": ("suspension.decide.v1", r"suspends it", lambda _: {"granted": True}),
    "does not suspend": ("suspension.decide.v1", r"does not suspend it", lambda _: {"granted": False}),
    "resumes": ("ticket.resume.v1", r"resumes it", lambda _: {}),
    "replies": (
        "reply.submit.v1",
        r"replies(?: (?P<result>resolved|answered|refused|promised))?(?: “(?P<text>[^”]+)”)?"
        r"(?: without (?P<without>[a-z ]+?))?(?: answering (?P<points>[0-9]+ of [0-9]+) points)?"
        rf"(?: citing (?P<basis>\S+))?(?: with evidence of (?P<evidence>{INSTANT}))?(?: dated (?P<dated>{INSTANT}))?",
        _reply,
    ),
    "passes": ("reply.review.v1", r"passes the reply", lambda _: {"cycle": 1}),
    "connects": (
        "call.log.v1",
        r"connects the unit: (?P<outcome>answered|no_answer|refused)(?: “(?P<text>[^”]+)”)?"
        r"(?:, rated (?P<rating>[a-z_]+))?",
        lambda f: (
            {"outcome": f["outcome"], "rating": f.get("rating")}
            | (
                _reply({"text": f.get("text", "可在任一网点办理。"), "result": "answered"})
                if f["outcome"] == "answered"
                else {}
            )
        ),
    ),
    "calls": (
        "contact.log.v1",
        r"logs call (?P<attempt>[0-9]+) (?P<outcome>[a-z_]+)",
        lambda f: {"attempt": int(f["attempt"]), "channel": "phone", "outcome": f["outcome"]},
    ),
    "rates": ("rating.submit.v1", r"rates (?P<rating>[a-z_]+)", lambda f: {"rating": f["rating"]}),
    "judges": (
        "dissatisfaction.judge.v1",
        r"judges it (?P<verdict>justified|unjustified)",
        lambda f: {"justified": f["verdict"] == "justified", "reason": "seen"},
    ),
    "explains": ("explanation.submit.v1", r"explains", lambda _: {"text": "已电话说明政策依据。"}),
    "closes": ("ticket.close.v1", r"closes it as (?P<as>[a-z_]+)", lambda f: {"resolution": f["as"]}),
    "merges": ("ticket.merge.v1", r"merges it into (?P<parent>T[0-9]+)", lambda f: {"parent": f["parent"]}),
    "takes out": ("ticket.unmerge.v1", r"takes it out", lambda _: {"reason": "another-place"}),
    "excludes": (
        "measure.exclude.v1",
        r"excludes (?P<what>[a-z_ ]+?) of leg (?P<leg>[0-9]+) for (?P<reason>[a-z_]+)",
        lambda f: _measured(f) | {"reason": f["reason"], "basis": "考核办法"},
    ),
    "appeals": (
        "appeal.request.v1",
        r"appeals (?P<what>[a-z_ ]+?) of leg (?P<leg>[0-9]+) for (?P<reason>[a-z_]+)",
        lambda f: _measured(f) | {"reason": f["reason"], "basis": "情况说明"},
    ),
    "decides the appeal": (
        "appeal.decide.v1",
        r"(?P<verdict>upholds|refuses) the appeal of leg (?P<leg>[0-9]+)",
        lambda f: {"leg": int(f["leg"]), "upheld": f["verdict"] == "upholds", "basis": "考核办法"},
    ),
    "flags": (
        "accountability.raise.v1",
        rf"flags (?P<unit>{UNIT}) for (?P<item>[a-z_]+)",
        lambda f: {"unit": f["unit"], "item": f["item"], "reason": "seen", "basis": "第十六条"},
    ),
    "decides the flag": (
        "accountability.decide.v1",
        r"(?P<verdict>upholds|dismisses) the flag (?:of fact (?P<fact>[0-9]+)|(?P<flag>[a-z-]+)) "
        rf"against (?P<unit>{UNIT})",
        lambda f: {
            "unit": f["unit"],
            "flag": f.get("flag") or derived_id("flag", derived_id("T1", f["fact"], "accountability.raised.v1")),
            "upheld": f["verdict"] == "upholds",
            "note_ref": "note-1",
        },
    ),
    "urges": ("ticket.urge.v1", r"urges", lambda _: {}),
    "supplements": (
        "ticket.supplement.v1",
        r"adds(?: “(?P<text>[^”]+)”)?",
        lambda f: {"text": f.get("text", "楼下堆放的是一张旧沙发。")},
    ),
    "withdraws": ("ticket.withdraw.v1", r"withdraws", lambda _: {}),
    "reopens": ("ticket.reopen.v1", r"reopens it", lambda _: {}),
}
"""Verb to command type, pattern, and the command's data."""
SUBJECTS: Final = r"(?P<who>the unit|U-[A-Z0-9]+|the office|the citizen|the platform|platform [a-z]+)"


def message(said: Line, number: int, unit: str | None) -> dict[str, Any]:
    """Give the message that an actor sends to the door; `unit` is who `the unit` is just now."""
    spoken = re.fullmatch(rf"{SUBJECTS} (?P<does>.+)", said.text)
    if spoken is None:
        raise GrammarError(f"{said.text!r}: begins with the unit, U-…, the office, the citizen or the platform")
    for kind, pattern, build in VERBS.values():
        found = re.fullmatch(pattern, spoken["does"])
        if found:
            data = build({name: text for name, text in found.groupdict().items() if text})
            return {
                "specversion": "1.0", "id": f"c-{number}", "source": "/actor", "type": kind, "subject": said.ticket,
                "time": data.pop("dated", said.at).isoformat(), "data": {"actor": _actor(spoken["who"], unit)} | data,
            }  # fmt: skip
    raise GrammarError(f"{spoken['does']!r} is no verb; known: {', '.join(VERBS)}")


def _actor(who: str, unit: str | None) -> dict[str, str]:
    if who == "the unit":
        if unit is None:
            raise GrammarError("the unit: no unit has the ticket just now")
        return {"role": Role.UNIT, "id": unit}
    if who.startswith("U-"):
        return {"role": Role.UNIT, "id": who}
    if who == "the platform":
        return {"role": Role.PLATFORM, "id": PLATFORM}
    role, _, name = who.removeprefix("the ").partition(" ")
    return {"role": Role(role), "id": name or role}
