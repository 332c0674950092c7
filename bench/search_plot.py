"""The plot of searches in `docs/develop/benchmarks.md`, as an SVG document."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from bench.plot import INK, text_element

WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 880, 24, 262, 24, 74, 48
COLOURS = ("#2e9e6b", "#c98a1b", "#3b82c4", "#a05fc8")
SPREAD = 6
"""Distance of the lines of one kind of request, in pixels."""


def svg(times: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """Return the plot: for each kind of request a line from the median to the 99th percentile of its CPU time.

    Args:
        times: By the name of the archive, by the kind of request: the median and the 99th percentile in milliseconds.
    """
    kinds = list(next(iter(times.values())))
    height = TOP + ROW * len(kinds) + BOTTOM
    most = max(p99 for archive in times.values() for _, p99 in archive.values())
    decades = range(-1, max(1, math.ceil(math.log10(most))) + 1)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            ' role="img" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="14">'
        ),
        "<title>CPU time of searches</title>",
        text_element(0, 20, "CPU time of a request in milliseconds: median to 99th percentile", size=16, weight=600),
        *_axis(decades, height),
    ]
    for row, kind in enumerate(kinds):
        middle = TOP + ROW * (row + 0.5)
        parts.append(text_element(LEFT - 12, middle + 5, kind, anchor="end"))
        for number, (archive, colour) in enumerate(zip(times.values(), COLOURS, strict=False)):
            y = middle + SPREAD * (number - (len(times) - 1) / 2)
            left, right = (_x(value, decades) for value in archive[kind])
            parts.append(
                f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="3"/>'
            )
            parts.append(f'<circle cx="{left:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
    for number, (name, colour) in enumerate(zip(times, COLOURS, strict=False)):
        parts.append(text_element(LEFT + 150 * number, 44, name, fill=colour, weight=600))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(milliseconds: float, decades: range) -> float:
    """Return the x coordinate of a time, on a logarithmic scale."""
    share = (math.log10(max(milliseconds, 10 ** decades[0])) - decades[0]) / (decades[-1] - decades[0])
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _axis(decades: range, height: int) -> Iterator[str]:
    for power in decades:
        x = _x(10**power, decades)
        ends = f'x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - BOTTOM + 6}"'
        yield f'<line {ends} stroke="{INK}" stroke-opacity="0.35"/>'
        yield text_element(x, height - BOTTOM + 26, f"{10**power:g}", anchor="middle")
