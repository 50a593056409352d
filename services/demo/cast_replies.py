"""What units write: replies good and poor in the ways of Art. 12, and explanations. Invented texts."""

import random
from typing import Any, Final

from schemas.vocabulary import Kind, ReplyDefect, ReplyResult
from services.demo.cast_scene import Scene

DONE: Final = (
    "工作人员已到现场核实,并于当日处理完毕",
    "经核查情况属实,已安排人员完成处理并复查",
    "已联系到诉求人并当面说明处理结果,现场恢复正常",
    "已按职责完成处置,现场照片已归档备查",
)
ANSWERS: Final = (
    "现将有关规定和办理流程答复如下,所需材料清单已短信发送",
    "经核对台账,具体安排已逐项说明,并已电话告知",
    "您咨询的事项可在便民服务中心窗口办理,办理时间和地点已告知",
)
REFUSALS: Final = (
    "经核查,该事项不符合办理条件,已向诉求人说明依据和其他途径",
    "经核查,所述地点不属于公共区域,依据规定不予处理,已告知权利人",
)
EMPTY: Final = "您反映的事项已收悉,单位高度重视,将尽快处理,请耐心等待。"
PROMISE: Final = "您反映的事项已列入下月计划,届时安排人员处理。"
POOR: Final = "已派人看过,事项办结。"
EXPLANATION: Final = "已与诉求人面对面沟通,逐项说明处理依据、限制条件和可行的其他途径,诉求人表示知晓。"
BASES: Final = (
    "《城市市容和环境卫生管理条例》第十一条",
    "《云南省城乡环境卫生管理规定》",
    "县级部门权责清单(2024年版)",
)
DIGITS: Final = "零一二三四五六七八九"


def numeral(number: int) -> str:
    """Write a number digit by digit in Chinese: texts that differ in it are no template used again."""
    return "".join(DIGITS[int(digit)] for digit in str(number))


def good_reply(scene: Scene, *, again: bool = False) -> dict[str, Any]:
    """Give a reply that passes review; `again` after a first one was sent back."""
    dice = scene.dice("reply-text")
    consultation = getattr(scene.event, "kind", None) is Kind.CONSULTATION
    refused = not consultation and dice.random() < 0.08
    result = ReplyResult.REFUSED if refused else ReplyResult.ANSWERED if consultation else ReplyResult.RESOLVED
    said = dice.choice(REFUSALS if refused else ANSWERS if consultation else DONE)
    opening = "经再次核查并补充办理," if again else ""
    reply = _frame(scene, f"{opening}{said}(办理记录第{numeral(scene.event.sequence or 0)}号)。", result)
    return reply | {"basis": dice.choice(BASES)} if refused else reply


def poor_reply(scene: Scene, defect: ReplyDefect) -> dict[str, Any]:
    """Give a reply that misses the one criterion `defect`.

    A lazy text is the same each time, so that sending it twice is the defect `template_repeated`.
    """
    reply = _frame(scene, poor_text(defect), ReplyResult.RESOLVED)
    match defect:
        case ReplyDefect.NO_HANDLER:
            del reply["handler"]
        case ReplyDefect.NO_RESPONSIBLE_PERSON:
            del reply["responsible"]
        case ReplyDefect.POINTS_UNANSWERED:
            reply["points_answered"] -= 1
        case ReplyDefect.REFUSAL_WITHOUT_BASIS:
            reply["result"] = ReplyResult.REFUSED.value
        case ReplyDefect.PROMISE_WITHOUT_RESULT:
            reply["result"] = ReplyResult.PROMISED.value
        case _:
            pass
    return reply


def poor_text(defect: ReplyDefect) -> str:
    """Give the lazy text in which a reply with that defect is written."""
    return {ReplyDefect.EMPTY_PHRASES: EMPTY, ReplyDefect.PROMISE_WITHOUT_RESULT: PROMISE}.get(defect, POOR)


def repeated_reply(scene: Scene, defects: tuple[ReplyDefect, ...]) -> dict[str, Any]:
    """Give the same text as before with the form filled in: only its repetition, or its emptiness, is left."""
    return _frame(scene, poor_text(defects[0]), ReplyResult.RESOLVED)


def _frame(scene: Scene, text: str, result: ReplyResult) -> dict[str, Any]:
    """Give a complete form around `text`; a matter has as many points each time it is answered."""
    points = random.Random(f"{scene.seed}|{scene.event.subject}|points").randint(1, 3)  # noqa: S311 - a play
    staff = scene.dice("staff")
    return {
        "text": text,
        "handler": f"staff-{staff.randint(1, 40):02d}",
        "responsible": f"head-{staff.randint(1, 9)}",
        "result": result.value,
        "points": points,
        "points_answered": points,
    }
