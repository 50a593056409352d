"""What a person should look at next, worked out from the books; the system names, a person decides (Art. 16)."""

from collections.abc import Iterator

from services.core.directory import Directory
from services.core.rulebook import Rulebook
from services.demo.ledger import Ledger
from services.demo.ledger_tickets import Punctuality
from services.demo.report_articles import article_name
from services.demo.report_page import both, section
from services.demo.report_story import unit_name
from services.demo.report_words import FLAGS, KINDS, REFUSALS, STAGES, Words, percent, span, words

NAMED = 5
GAP = 3.0
"""A difference between the two satisfactions, in percentage points, that is worth a word."""


def next_steps(ledger: Ledger, directory: Directory, rulebook: Rulebook) -> str:
    """Give the list, the most urgent first."""
    found = [*_unbalanced(ledger), *_overdue(ledger, directory), *_flags(ledger, directory), *_rates(ledger, rulebook)]
    found = found or [Words("没有需要立即处理的事项。", "Nothing calls for action.")]
    items = "".join(f"<li>{both(text)}</li>" for text in found)
    return section("next", Words("接下来看什么", "What to look at next"), f'<ol class="next">{items}</ol>')


def _unbalanced(ledger: Ledger) -> Iterator[Words]:
    account = ledger.account()
    if not account.balanced:
        lost = account.accepted - account.accounted
        yield Words(
            f"账目不符,差 {lost} 件:先查这些工单,再看其他数字。",
            f"The account is off by {lost}: find these tickets before trusting any other figure.",
        )


def _overdue(ledger: Ledger, directory: Directory) -> Iterator[Words]:
    now = ledger.now
    if now is None:
        return
    late = [h for h in ledger.histories.values() if h.punctuality(now) is Punctuality.OPEN_OVERDUE]
    late.sort(key=lambda h: (h.facts[0].time, h.token))
    for history in late[:NAMED]:
        unit, kind = unit_name(history.facts[-1].unit, directory), words(KINDS, history.kind)
        stage, age = words(STAGES, history.stage), span(now - history.facts[0].time)
        yield Words(
            f"超期未办:{kind.zh} {history.token},{unit.zh},{stage.zh},立案至今 {age.zh}。",
            f"Overdue and open: {kind.en.lower()} {history.token} with {unit.en}, {stage.en.lower()}, "
            f"{age.en} since it was opened.",
        )
    if len(late) > NAMED:
        rest = len(late) - NAMED
        yield Words(f"另有 {rest} 件超期未办。", f"{rest} more are open and overdue.")


def _flags(ledger: Ledger, directory: Directory) -> Iterator[Words]:
    for flag in sorted(ledger.flags, key=lambda f: (-f.count, f.unit, f.item)):
        unit, item, article = unit_name(flag.unit, directory), words(FLAGS, flag.item), article_name(flag.article)
        yield Words(
            f"问责线索({article.zh}):{unit.zh},{item.zh},{flag.period} 已达 {flag.count} 次。由人判断。",
            f"Accountability flag ({flag.article}): {unit.en}, {item.en}, {flag.count} reached in {flag.period}. "
            "A person decides.",
        )


def _rates(ledger: Ledger, rulebook: Rulebook) -> Iterator[Words]:
    happy = ledger.satisfaction()
    if happy.with_deemed is not None and happy.rated_only is not None and happy.with_deemed - happy.rated_only >= GAP:
        yield Words(
            f"满意率含视同 {percent(happy.with_deemed)},仅实评 {percent(happy.rated_only)}:引用时请写明口径。",
            f"Satisfaction is {percent(happy.with_deemed)} with silence deemed, {percent(happy.rated_only)} of those "
            "who rated: say which one is quoted.",
        )
    counted = [
        (kind, found)
        for kind, found in ledger.on_time_by_kind().items()
        if found.rate is not None and found.on_time + found.late + found.open_overdue >= rulebook.scoring.min_sample
    ]
    worst = min(counted, key=lambda item: (item[1].rate or 0.0, item[0]), default=None)
    if worst is not None and (worst[1].rate or 0.0) < 100:
        kind = words(KINDS, worst[0])
        yield Words(
            f"按时率最低的类别是{kind.zh}({percent(worst[1].rate)}),先看这一类的逾期工单。",
            f"{kind.en} has the lowest on-time rate ({percent(worst[1].rate)}): look at its late tickets first.",
        )
    for code, article, _command, count in ledger.refusals()[:1]:
        why, name = words(REFUSALS, code), article_name(article)
        yield Words(
            f"最常被拒的请求:{why.zh}({name.zh}),{count} 次,可向单位讲解。",
            f"Most refused: {why.en} ({article}), {count} times: worth explaining to the units.",
        )
