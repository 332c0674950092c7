"""The plot of the documentation: maximum number of pages of a request, by the size of the archive, on each database.

The SVG is written without a library, so that equal figures give equal bytes. The colours have a medium lightness, which
is readable on light and dark backgrounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from bench.report import NAMES, kinds, short

WIDTH, HEIGHT = 880, 380
TOP, BOTTOM, LEFT, GAP, LABELS = 66, 52, 64, 76, 184
LEAST, MOST = 10.0, 10_000.0
INK = "#767676"
GROUPS = {
    "list": ("lists at any depth", "#3b82c4"),
    "apart": ("ids, order of update", "#a05fc8"),
    "item": ("one article, one brand", "#2e9e6b"),
    "pair": ("two filters", "#c98a1b"),
}
OFFSET = ("a deep page by OFFSET", "#d64545")


class Panel(NamedTuple):
    """The area of one database: its left edge, its width, and the archive sizes on its axis."""

    left: float
    width: float
    sizes: Sequence[int]

    def x(self, size: int) -> float:
        """Return the x coordinate of an archive size, on a logarithmic scale."""
        lowest, highest = math.log10(self.sizes[0]), math.log10(self.sizes[-1])
        share = (math.log10(size) - lowest) / (highest - lowest) if highest > lowest else 0.5
        return self.left + self.width * share

    @staticmethod
    def y(pages: float) -> float:
        """Return the y coordinate of a number of pages, on a logarithmic scale."""
        share = (math.log10(max(pages, LEAST)) - math.log10(LEAST)) / (math.log10(MOST) - math.log10(LEAST))
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def svg(figures: dict[str, Any]) -> str:
    """Return the plot as an SVG document."""
    sizes = sorted(figures["sizes"])
    databases = kinds(figures)
    width = (WIDTH - LEFT - GAP * (len(databases) - 1) - LABELS) / len(databases)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            ' role="img" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="14">'
        ),
        "<title>Pages that one request needs at most, by articles in the archive</title>",
        text_element(
            0, 20, "Database pages that one request needs at most, by articles in the archive", size=16, weight=600
        ),
    ]
    for number, kind in enumerate(databases):
        panel = Panel(LEFT + number * (width + GAP), width, sizes)
        parts += _axes(panel, NAMES[kind])
        parts += _content(figures, panel, kind, labelled=kind == databases[-1])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(panel: Panel, name: str) -> Iterator[str]:
    yield text_element(panel.left, TOP - 12, name, weight=600)
    for power in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        y = panel.y(10**power)
        ends = f'x1="{panel.left:.1f}" y1="{y:.1f}" x2="{panel.left + panel.width:.1f}" y2="{y:.1f}"'
        yield f'<line {ends} stroke="{INK}" stroke-opacity="0.35"/>'
        yield text_element(panel.left - 8, y + 5, f"{10**power:,}", anchor="end")
    for size in panel.sizes:
        yield text_element(panel.x(size), HEIGHT - BOTTOM + 22, short(size), anchor="middle")
    yield text_element(panel.left + panel.width / 2, HEIGHT - 8, "articles", anchor="middle")


def _content(figures: dict[str, Any], panel: Panel, kind: str, *, labelled: bool) -> Iterator[str]:
    """Yield a line for the most expensive read of each group and one for OFFSET, each optionally with a label."""
    lines = []
    for group, (label, colour) in GROUPS.items():
        reads = [case for case in figures["cases"].values() if case["group"] == group]
        maxima = [max((case[f"{kind} {size}"]["pages"] for case in reads), default=LEAST) for size in panel.sizes]
        lines.append((maxima, label, colour, ""))
    offset_pages = [figures["archives"][f"{kind} {size}"]["offset_pages"] for size in panel.sizes]
    offset_label, offset_colour = OFFSET
    lines.append((offset_pages, offset_label, offset_colour, ' stroke-dasharray="6 4"'))
    lowest = -math.inf
    for pages, label, colour, dashes in sorted(lines, key=lambda line: -line[0][-1]):
        points = [(panel.x(size), panel.y(count)) for size, count in zip(panel.sizes, pages, strict=True)]
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points)
        lowest = max(points[-1][1] + 5, lowest + 18)  # labels of neighbouring lines must not overlap
        if labelled:
            yield text_element(panel.left + panel.width + 10, lowest, label, fill=colour)


def text_element(
    x: float, y: float, text: str, *, anchor: str = "start", fill: str = INK, size: int = 14, weight: int = 400
) -> str:
    """Return a line of text; `x` is its start, middle or end, as `anchor` says, and `y` its base line."""
    style = f'font-size="{size}" font-weight="{weight}" fill="{fill}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
