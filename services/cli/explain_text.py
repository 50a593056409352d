"""An explanation as text for people, in one language."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.padding import Padding
from rich.text import Text as Styled

from schemas.vocabulary import ClockKind
from services.core.explain.model import Arithmetic, ChangedDay, Day, Ended, Entry, Explanation, Revision, Text
from services.core.explain.words import CLOCKS, WEEKDAYS

OUTCOMES = {
    "met": Text(en="met", zh="按时"), "late": Text(en="late", zh="超时"), "cancelled": Text(en="cancelled", zh="取消"),
    "paused": Text(en="paused", zh="挂起"),
}  # fmt: skip
WINDOWS = (ClockKind.RELEASE, ClockKind.RETURN, ClockKind.RATING, ClockKind.SUSPENSION)
WORDS = {
    "cause": Text(en="because", zh="起因"),
    "rule": Text(en="rule", zh="依据"),
    "next": Text(en="What comes next", zh="接下来"),
    "nothing": Text(en="Nothing: no clock runs.", zh="无:没有运行中的时钟。"),
    "verified": Text(
        en="Every due instant was computed anew and agrees with the record.", zh="全部到期时间已重新计算,与记录一致。"
    ),
    "problems": Text(en="DOES NOT AGREE", zh="与记录不符"),
    "overdue": Text(en="overdue", zh="已超期"),
    "provisional": Text(en="provisional: no official notice for that year yet", zh="暂定:该年放假通知尚未发布"),
    "before": Text(en="before due", zh="提前"),
    "after": Text(en="after due", zh="超出"),
    "over": Text(en="ran out", zh="期满"),
    "start": Text(en="start", zh="起算日"),
    "skipped": Text(en="not counted", zh="不计"),
    "office": Text(en="office hours of", zh="办公时间"),
    "calendar": Text(en="calendar", zh="日历"),
    "due": Text(en="due", zh="到期"),
    "revised": Text(en="decided again", zh="期限重算"),
    "was": Text(en="was due", zh="原定"),
    "known": Text(en="became known", zh="知悉的通知"),
    "hours": Text(en="other office hours", zh="办公时间变更"),
}


def show(explanation: Explanation, console: Console, lang: str) -> None:
    """Print an explanation."""
    writer = _Writer(console, lang, ZoneInfo(explanation.time_zone))
    console.print(Styled(explanation.ticket, style="bold"), Styled("  ".join(explanation.rulebooks), style="dim"))
    for entry in explanation.entries:
        writer.entry(entry)
    writer.next(explanation)
    if explanation.problems:
        console.print(Styled(writer.say(WORDS["problems"]), style="bold red"))
        for problem in explanation.problems:
            console.print(Padding(Styled(writer.say(problem), style="red"), (0, 0, 0, 2)))
    else:
        console.print(Styled(writer.say(WORDS["verified"]), style="green"))


class _Writer:
    def __init__(self, console: Console, lang: str, zone: ZoneInfo) -> None:
        self.console, self.lang, self.zone = console, lang, zone

    def say(self, text: Text) -> str:
        return text.zh if self.lang == "zh" else text.en

    def word(self, name: str) -> str:
        return self.say(WORDS[name])

    def when(self, at: datetime) -> str:
        local = at.astimezone(self.zone)
        seconds = f":{local:%S}" if local.second else ""
        if self.lang == "zh":
            return f"{local:%Y-%m-%d} 周{WEEKDAYS[local.weekday()]} {local:%H:%M}{seconds}"
        return f"{local:%a %Y-%m-%d %H:%M}{seconds}"

    def line(self, text: str, indent: int, style: str = "") -> None:
        hanging = max(indent, 5) + 2  # what does not fit goes on further in, so that the eye finds the next line
        width = self.console.width
        first = Styled(text, style=style).wrap(self.console, width - indent)[0]
        rest = Styled(text[len(first.plain.rstrip()) :].lstrip(), style=style)
        first.rstrip()
        self.console.print(Styled(" " * indent) + first)
        for part in rest.wrap(self.console, width - hanging) if rest.plain else ():
            part.rstrip()
            self.console.print(Styled(" " * hanging) + part)

    def entry(self, entry: Entry) -> None:
        self.console.print()
        self.line(f"{entry.sequence:>3}  {self.when(entry.time)}  {self.say(entry.title)}", 0, "bold")
        facts = [entry.type, entry.article, entry.unit or "", *self.details(entry.details)]
        self.line("  ".join(part for part in facts if part), 5, "dim")
        if entry.cause is not None:
            said = self.say(entry.cause.title).split(": ")[0]
            actor = f"{entry.cause.role}:{entry.cause.actor}"
            self.line(f"{self.word('cause')}: {said} ({actor}, {self.when(entry.cause.time)})", 5)
        for ended in entry.ended:
            self.line(self.ended(ended), 5)
        for started in entry.started:
            self.started(started)

    def details(self, details: dict[str, str]) -> Iterator[str]:
        for name, value in details.items():
            instant = name.endswith("_at") and value[:2].isdigit()
            yield f"{name}={self.when(datetime.fromisoformat(value)) if instant else value}"

    def ended(self, ended: Ended) -> str:
        over = ended.clock in WINDOWS and ended.margin_seconds == 0
        outcome = self.word("over") if over else self.say(OUTCOMES[ended.outcome.value])
        text = f"■ {self.say(CLOCKS[ended.clock])} #{ended.cycle}: {outcome}"
        margin = abs(ended.margin_seconds)
        if margin == 0 or ended.outcome.value in {"cancelled", "paused"}:
            return text
        days, rest = divmod(margin, 86_400)
        spent = (f"{days} d " if days else "") + f"{rest // 3600}:{rest % 3600 // 60:02}:{rest % 60:02}"
        return f"{text}, {spent} {self.word('before' if ended.margin_seconds >= 0 else 'after')}"

    def started(self, started: Arithmetic) -> None:
        mark = "" if started.agrees else "  ✗ " + self.word("problems")
        name = f"▶ {self.say(CLOCKS[started.clock])} #{started.cycle}"
        self.line(
            f"{name}: {self.word('due')} {self.when(started.due_at)}{mark}", 5, "cyan" if started.agrees else "red"
        )
        if started.revision is not None:
            self.revision(started.revision)
        for step in started.steps:
            self.line(self.say(step), 7)
        if started.limit.endswith("working_days") and started.days:
            self.line(self.days(started.days), 7, "dim")
        note = f"  {self.word('provisional')}" if started.provisional else ""
        said = {
            "rule": started.article, "office": self.say(started.office_hours), "calendar": started.calendar + note,
        }  # fmt: skip
        self.line("  ".join(f"{self.word(name)} {value}" for name, value in said.items()), 7, "dim")

    def revision(self, revision: Revision) -> None:
        self.line(
            f"{self.word('revised')}: {self.word('was')} {self.when(revision.old_due_at)}, {self.word('calendar')} "
            f"{revision.old_calendar} → {revision.new_calendar}",
            7,
        )
        runs = groupby(revision.days, key=lambda day: (day.before, day.after, day.notice))
        for (before, after, notice), run in runs:
            found = list(run)
            label = " - ".join(dict.fromkeys(self.day(day) for day in (found[0], found[-1])))
            source = f" [{notice}]" if notice else ""
            same = "" if before != after else f" ({self.word('hours')})"
            self.line(f"{label}: {self.say(before)} → {self.say(after)}{same}{source}", 9)
        known = ", ".join(revision.notices)
        if known:
            self.line(f"{self.word('known')}: {known}", 9, "dim")

    def days(self, days: Iterable[Day]) -> str:
        said = []
        for _, run in groupby(days, key=lambda day: (day.number, day.reason, day.notice)):
            found = list(run)
            label = " - ".join(dict.fromkeys(self.day(day) for day in (found[0], found[-1])))
            source = f" [{found[0].notice}, {found[0].layer}]" if found[0].notice else ""
            reason = self.say(found[0].reason) + source
            if found[0].counted:
                why = f", {reason}" if found[0].kind == "adjusted_workday" else ""
                said.append(f"{label} ({found[0].number}{why})")
            elif not said:
                why = "" if found[0].kind == "workday" else f", {reason}"
                said.append(f"{label} ({self.word('start')}{why})")
            else:
                said.append(f"{label} {self.word('skipped')}: {reason}")
        return " · ".join(said)

    def day(self, day: Day | ChangedDay) -> str:
        weekday = f"周{WEEKDAYS[day.day.weekday()]}" if self.lang == "zh" else f" {day.day:%a}"
        return f"{day.day:%m-%d}{weekday}"

    def next(self, explanation: Explanation) -> None:
        self.console.print()
        self.console.print(Styled(self.word("next"), style="bold"))
        if not explanation.next:
            self.line(self.word("nothing"), 2)
            return
        for item in explanation.next:
            late = f"  {self.word('overdue')}" if item.overdue else ""
            what = f"{self.say(CLOCKS[item.clock])}: {self.say(item.consequence)}"
            self.line(f"{self.when(item.due_at)}  {what}{late}", 2)
