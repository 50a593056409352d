"""What each article says, short, in both languages.

Source: 维西傈僳族自治县人民政府12345政务服务便民热线管理办法(征求意见稿), 2024-10-15; abridged, not a legal text.
"""

from typing import Final

from services.demo.report_words import Words

ARTICLES: Final[dict[str, Words]] = {
    "Art. 2": Words(
        "热线受理110、119、120、122之外的非紧急诉求",
        "The hotline takes non-emergencies; 110, 119, 120, 122 are excluded",
    ),
    "Art. 4": Words(
        "县政府办负责转办事项的分工办理和督促指导", "The county office hands matters out, supervises and guides"
    ),
    "Art. 6": Words(
        "按责转派:执法和投诉举报第一时间转办;工作时间当日派单,非工作时间于工作日10:00前转办",
        "Dispatch by responsibility: complaints, reports, enforcement at once; others the same day, "
        "off-hours by 10:00 of the working day",
    ),
    "Art. 7": Words(
        "2小时内签收;非本单位职责的,签收后24小时内退回",
        "Signed within 2 hours; what is not the unit's business goes back within 24 hours after signing",
    ),
    "Art. 8": Words(
        "限时办结:咨询1、求助和建议3、投诉举报15个工作日,可按规定延期;知识库即时答复不计时",
        "Limits in working days: consultation 1, help and suggestion 3, complaint and report 15, extensions as ruled; "
        "answers from the knowledge base have no limit",
    ),
    "Art. 9": Words(
        "回访评价:满意即办结,未评价视为基本满意;不满意且合理的再次转派,否则耐心解释",
        "Revisit: satisfied closes, silence is deemed basically satisfied; justified dissatisfaction is dispatched "
        "again, else explained patiently",
    ),
    "Art. 10": Words(
        "统一督办:对即将到期事项电话、书面提醒", "Supervision: reminders by phone and in writing before and after due"
    ),
    "Art. 12": Words(
        "谁承办、谁答复、谁负责;答复准确全面,杜绝敷衍",
        "Who handles answers and is responsible; replies accurate and complete, nothing perfunctory",
    ),
    "Art. 15": Words(
        "按办理情况、群众满意度等指标考核", "Assessment by handling, public satisfaction and other measures"
    ),
    "Art. 16": Words(
        "未及时有效办理、反复退回等情形追责问责", "Accountability for late handling, repeated returns and the like"
    ),
    "国办函〔2025〕66号 (二)": Words(
        "不属热线受理范围的,告知合法渠道并说明理由",
        "What the hotline may not take: the lawful channel is named, with the reason",
    ),
}


def article_name(article: str) -> Words:
    """Give an article's name in both languages: "Art. 7" is 第七条."""
    number = article.removeprefix("Art. ").split(" ")[0].rstrip(";,.")
    if not article.startswith("Art. ") or not number.isdigit():
        return Words(article, "")
    return Words(f"第{_numeral(int(number))}条", article)


def _numeral(number: int) -> str:
    """Write 1 to 99 in Chinese: 10 is 十, 16 is 十六, 21 is 二十一."""
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    return (digits[tens] if tens > 1 else "") + ("十" if tens else "") + (digits[ones] if ones or not tens else "")


def rule_text(article: str) -> Words:
    """Give what the article says, empty for one that is not on the list."""
    name = article if article in ARTICLES else " ".join(article.split(" ")[:2]).rstrip(";,.")
    return ARTICLES.get(name, Words("", ""))
