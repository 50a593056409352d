"""The bones of the report's page: texts in two languages, tables, figures; everything that is data is escaped."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from plotly.offline import get_plotlyjs

from services.demo.report_words import Words

TEMPLATES: Final = Path(__file__).parent / "templates"
POLICY: Final = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""The page may load nothing at all from anywhere: it works from a stick, and tells nobody that it was read."""


@dataclass(frozen=True)
class Markup:
    """A piece of HTML that is safe as it stands."""

    html: str


Cell = Markup | Words | str | int | None


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers stand right-aligned in digits of one width, `keep` never wraps."""

    title: Words
    style: str = ""


def both(text: Words) -> str:
    """Give a text in Chinese with the English one, smaller, behind it."""
    zh, en = escape(text.zh), escape(text.en)
    return (
        f'<span class="zh">{zh}</span> <span class="en" lang="en">{en}</span>'
        if en
        else f'<span class="zh">{zh}</span>'
    )


def inline(text: Words) -> Markup:
    """Give both texts in one line of a table cell."""
    return Markup(f'<span class="inline">{both(text)}</span>')


def note(zh: str, en: str) -> str:
    """Give a paragraph that says how to read what follows."""
    return f'<p class="note">{both(Words(zh, en))}</p>'


def _cell(cell: Cell) -> str:
    match cell:
        case Markup():
            return cell.html
        case Words():
            return both(cell)
        case None:
            return "–"
        case _:
            return escape(str(cell))


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]], classes: Sequence[str] = ()) -> str:
    """Give a table that scrolls sideways where the screen is narrow; `classes` names the class of each row."""
    rows = list(rows)
    if not rows:
        return f"<p>{both(Words('无', 'none'))}</p>"
    head = "".join(f'<th class="{c.style}">{both(c.title)}</th>' for c in columns)
    body = []
    for number, row in enumerate(rows):
        cells = "".join(f'<td class="{c.style}">{_cell(cell)}</td>' for c, cell in zip(columns, row, strict=True))
        body.append(f'<tr class="{classes[number] if classes else ""}">{cells}</tr>')
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def bar(share: float) -> Markup:
    """Give a bar of `share` (0 to 1) of the cell's width."""
    return Markup(f'<div class="bar" style="width:{100 * share:.1f}%"></div>')


def figure(name: str, height: int) -> str:
    """Give the place of a figure."""
    return f'<div class="figure-box" id="{name}" style="min-height:{height}px"></div>'


def section(name: str, title: Words, body: str) -> str:
    """Give a section with its heading."""
    return f'<section id="{name}"><h2>{both(title)}</h2>{body}</section>'


def page(title: Words, header: str, sections: str, footer: str, figures: Mapping[str, Any]) -> str:
    """Give the whole page: one file, plotly inside, nothing loaded from elsewhere."""
    data = json.dumps(figures, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    needs = both(Words("图表需要启用 JavaScript。", "The plots need JavaScript."))
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title.zh)} · {escape(title.en)}</title><style>{style}</style></head><body>"
        f"{header}<main><noscript><p>{needs}</p></noscript>{sections}</main><footer>{footer}</footer>"
        f'<script type="application/json" id="figures">{data}</script>'
        f"<script>{get_plotlyjs()}</script><script>{script}</script></body></html>"
    )
