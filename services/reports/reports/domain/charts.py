"""Charts as inline SVG that need no colour: every bar shows its number, and series differ by their pattern.

All geometry is in whole numbers, so that the same figures make the same bytes. A screen reader reads a chart's title
and its summary; the table beside the chart has the numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from reports.domain.formatting import shortened

_WIDTH = 640

_COLUMNS_HEIGHT = 250
_BASELINE = 210
_TALLEST = 140
_COLUMN_WIDTH = 34
_COLUMN_GAP = 4

_ROW_HEIGHT = 30
_BAR_HEIGHT = 18
_LABEL_WIDTH = 240
_LONGEST_BAR = 280
_LONGEST_LABEL = 27

# Two patterns that differ without colour: solid, and hatched within an outline.
_FILLS = ("solid", "hatch")


@dataclass(frozen=True)
class Series:
    """A series of columns: a value for each label, and each value as text."""

    name: str
    values: Sequence[int]
    shown: Sequence[str]


@dataclass(frozen=True)
class Bar:
    """A bar with its label, and its value as text."""

    label: str
    value: int
    shown: str


def columns(chart_id: str, title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Columns side by side for each label, of up to two series."""
    most = max((value for each in series for value in each.values), default=0) or 1
    step = _WIDTH // len(labels)
    group = len(series) * _COLUMN_WIDTH + (len(series) - 1) * _COLUMN_GAP
    parts = [f'<line class="axis" x1="0" y1="{_BASELINE}" x2="{_WIDTH}" y2="{_BASELINE}"/>']
    for position, label in enumerate(labels):
        centre = position * step + step // 2
        parts.append(_text(centre, _BASELINE + 22, label, anchor="middle"))
        for order, each in enumerate(series):
            left = centre - group // 2 + order * (_COLUMN_WIDTH + _COLUMN_GAP)
            height = _length(each.values[position], most, _TALLEST)
            if height:
                parts.append(
                    _bar(chart_id, _FILLS[order], (left, _BASELINE - height), (_COLUMN_WIDTH, height))
                )
            above = _BASELINE - height - 6
            parts.append(
                _text(left + _COLUMN_WIDTH // 2, above, each.shown[position], anchor="middle", kind="n")
            )
    return _svg(chart_id, title, _COLUMNS_HEIGHT, [*_legend(chart_id, series), *parts])


def bars(chart_id: str, title: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars, one below the other."""
    most = max((row.value for row in rows), default=0) or 1
    parts = []
    for position, row in enumerate(rows):
        top = position * _ROW_HEIGHT
        base = top + _ROW_HEIGHT // 2 + 5
        length = _length(row.value, most, _LONGEST_BAR)
        label = shortened(row.label, _LONGEST_LABEL)
        parts.append(_text(_LABEL_WIDTH - 8, base, label, anchor="end"))
        if length:
            offset = (_ROW_HEIGHT - _BAR_HEIGHT) // 2
            parts.append(_bar(chart_id, _FILLS[1], (_LABEL_WIDTH, top + offset), (length, _BAR_HEIGHT)))
        parts.append(_text(_LABEL_WIDTH + length + 8, base, row.shown, anchor="start", kind="n"))
    height = len(rows) * _ROW_HEIGHT
    parts.append(f'<line class="axis" x1="{_LABEL_WIDTH}" y1="0" x2="{_LABEL_WIDTH}" y2="{height}"/>')
    return _svg(chart_id, title, height, parts)


def _svg(chart_id: str, title: str, height: int, parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="{chart_id}-title {chart_id}-summary">\n'
        f'<title id="{chart_id}-title">{escape(title)}</title>\n'
        f'<desc id="{chart_id}-summary">The table that follows has the same numbers.</desc>\n'
        f'<defs><pattern id="{chart_id}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="paper" width="6" height="6"/>'
        '<rect class="ink" width="3" height="6"/></pattern></defs>\n' + "\n".join(parts) + "\n</svg>"
    )


def _legend(chart_id: str, series: Sequence[Series]) -> list[str]:
    """The name of each series beside its pattern, if there are two."""
    if len(series) < len(_FILLS):
        return []
    parts = []
    for order, each in enumerate(series):
        left = order * 200
        parts += [_bar(chart_id, _FILLS[order], (left, 2), (18, 14)), _text(left + 26, 14, each.name)]
    return parts


def _bar(chart_id: str, fill: str, place: tuple[int, int], size: tuple[int, int]) -> str:
    (x, y), (width, height) = place, size
    paint = f' style="fill:url(#{chart_id}-hatch)"' if fill == "hatch" else ""
    return f'<rect class="bar" x="{x}" y="{y}" width="{width}" height="{height}"{paint}/>'


def _text(x: int, y: int, text: str, *, anchor: str = "start", kind: str = "l") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _length(value: int, most: int, longest: int) -> int:
    """The length of a bar. A bar of any value above 0 is visible."""
    return max(value * longest // most, 2) if value > 0 else 0
