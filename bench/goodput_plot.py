"""The plot of goodput in `docs/operate/faults.md`, as an SVG document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.plot import INK, text_element

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 48, 52
COLOURS = ("#3b82c4", "#c98a1b")
PROMISED = 0.8
"""Share of the peak that the goodput keeps."""


def svg(curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return the plot.

    Args:
        curves: By the name of the read, pairs of the offered load as a multiple of the capacity and the goodput as a
            share of its peak.
    """
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            ' role="img" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="14">'
        ),
        "<title>Goodput by offered load</title>",
        text_element(0, 20, "Goodput as a share of its peak, by offered load", size=16, weight=600),
        *_axes(max(load for points in curves.values() for load, _ in points)),
    ]
    for points, colour in zip(curves.values(), COLOURS, strict=False):
        most = max(load for load, _ in points)
        corners = " ".join(f"{_x(load, most):.1f},{_y(share):.1f}" for load, share in points)
        parts.append(f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [
            f'<circle cx="{_x(load, most):.1f}" cy="{_y(share):.1f}" r="3.5" fill="{colour}"/>'
            for load, share in points
        ]
    for number, (name, colour) in enumerate(zip(curves, COLOURS, strict=False)):
        parts.append(text_element(WIDTH - RIGHT + 16, TOP + 90 + 22 * number, name, fill=colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(load: float, most: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * load / most


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def _axes(most: float) -> Iterator[str]:
    for share in (0.0, 0.2, 0.4, 0.6, PROMISED, 1.0):
        y, dashes = _y(share), ' stroke-dasharray="6 4"' if share == PROMISED else ""
        ends = f'x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"'
        yield f'<line {ends} stroke="{INK}" stroke-opacity="{0.9 if dashes else 0.35}"{dashes}/>'
        yield text_element(LEFT - 8, y + 5, f"{share:.0%}", anchor="end")
    for load in range(int(most) + 1):
        yield text_element(_x(load, most), HEIGHT - BOTTOM + 22, f"{load}", anchor="middle")
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    yield text_element(middle, HEIGHT - 8, "offered load as a multiple of the capacity", anchor="middle")
