"""The figures as a page with a picture; it needs nothing but the browser."""

from html import escape

from benchmarks.starts.table import Report, Start, before

_ROW, _LABEL, _WIDTH = 20, 290, 560
_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --back: #fff; --bar: #4c78a8; --over: #c2562d; --line: #8a8f98 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e8eb; --back: #16191d; --bar: #6f9fd0; --over: #e08258; --line: #9aa0a8 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--text); background: var(--back) }
svg { width: 100%; height: auto } svg text { fill: var(--text); font: 12px system-ui, sans-serif }
.bar { fill: var(--bar) } .over { fill: var(--over) } .line { stroke: var(--line); stroke-dasharray: 4 3 }
.then { stroke: var(--text); stroke-width: 2 }
table { border-collapse: collapse; margin: 1.5rem 0 } td, th { padding: .15rem .8rem; text-align: right;
  border-bottom: 1px solid var(--line) } td:first-child, th:first-child { text-align: left }
"""


def page(report: Report) -> str:
    """A whole document."""
    starts, requests = report.tables()
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Cold starts of Cartwright</title>
<style>{_STYLE}</style></head><body>
<h1>Cold starts</h1>
<p>Processor time of a cold start, as a multiple of stock: boto3 as pip installs it, with one DynamoDB client
({report.stock.init:.0f} ms here). Medians of {report.rounds} rounds. Bars in the second colour are above stock. A small
line marks the ratio before the work on speed.</p>
{_picture(sorted(report.starts, key=lambda start: -start.ratio))}
{_table(starts)}
<h2>Requests of the orders API</h2>
<p>Against a function that makes the same calls of DynamoDB by bare boto3.</p>
{_table(requests)}
</body></html>
"""


def _picture(starts: list[Start]) -> str:
    scale = _WIDTH / max(1.0, *(max(start.ratio, before(start.name)) for start in starts))
    height = _ROW * len(starts) + 24
    rows = "".join(_bar(start, _ROW * number, scale) for number, start in enumerate(starts))
    stock = _LABEL + scale
    return (
        f'<svg viewBox="0 0 {_LABEL + _WIDTH + 60} {height}" role="img" '
        f'aria-label="Cold start of each function against stock; the table below has the same figures">{rows}'
        f'<line class="line" x1="{stock:.0f}" x2="{stock:.0f}" y1="0" y2="{height - 20}"/>'
        f'<text x="{stock:.0f}" y="{height - 6}" text-anchor="middle">stock</text></svg>'
    )


def _bar(start: Start, top: int, scale: float) -> str:
    width = start.ratio * scale
    then = _LABEL + before(start.name) * scale
    return (
        f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end">{escape(start.name)}</text>'
        f'<rect class="{"over" if start.ratio > 1 else "bar"}" x="{_LABEL}" y="{top + 3}" '
        f'width="{width:.0f}" height="{_ROW - 6}"/>'
        f'<text x="{max(_LABEL + width, then) + 6:.0f}" y="{top + 14}">{start.ratio:.2f}</text>'
        f'<line class="then" x1="{then:.0f}" x2="{then:.0f}" y1="{top + 2}" y2="{top + _ROW - 2}"/>'
    )


def _table(rows: list[list[str]]) -> str:
    head, *others = rows
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in others)
    return f"<table><tr>{names}</tr>{body}</table>"
