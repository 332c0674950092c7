"""The tables and the plot of the documentation, made of the figures of one run."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.peers.newsapi_site import BARE
from bench.peers.sites import ARTICLE, LIST, LOADS, SEARCH
from bench.plot import INK, text_element

HERE = Path(__file__).parent
FIGURES = HERE / "figures.json"
PLOT = HERE / "throughput.svg"
PEERS_PAGE = HERE.parent / "peers.md"
BENCHMARKS_PAGE = HERE.parents[1] / "docs" / "develop" / "benchmarks.md"
PART = re.compile(r"(<!-- peers -->\n).*?(<!-- /peers -->)", re.DOTALL)

WIDTH, TOP, ROW, LABELS, GAP, BOTTOM = 930, 64, 26, 262, 58, 34
LEAST, MOST = 0.1, 100_000.0
MANY = 9.95
"""Requests per second from which a whole number has two digits."""
OURS, OTHERS, BARE_COLOUR = "#3b82c4", "#c98a1b", "#767676"


def labels(figures: dict[str, Any]) -> dict[str, str]:
    """Return the names of the loads."""
    names = {LIST: "list of 20", ARTICLE: "one article", SEARCH: "search of a word"}
    return {load: names.get(load, f"page {figures['deep_page']}") for load in LOADS}


class Ratio(NamedTuple):
    """The rate of a site as a ratio to the bare application of the same round: median, lowest and highest."""

    median: float
    lowest: float
    highest: float


def ratio(figures: dict[str, Any], site: str, load: str) -> Ratio:
    """Return the ratio of a site over all rounds."""
    rates, bare = (figures["sites"][name]["loads"][load]["rate"] for name in (site, BARE))
    ratios = [rate / bare_rate for rate, bare_rate in zip(rates, bare, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def median(values: Sequence[float]) -> float:
    """Return the median of the rounds."""
    return statistics.median(values)


def _number(value: float, digits: int = 2) -> str:
    """Return a number with a few significant digits and separators of thousands."""
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(places, 5)}f}"


def rate(value: float) -> str:
    """Return requests per second, with a decimal place below ten."""
    return f"{value:,.{1 if value < MANY else 0}f}"


def summary(figures: dict[str, Any]) -> str:
    """Return a Markdown table with a row for each site: requests per second and ratio of each load, and memory."""
    head = ["requests/s (ratio to bare)", *labels(figures).values(), "CPU of a list, ms", "memory, MB"]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name, site in figures["sites"].items():
        cells = [
            f"{rate(median(site['loads'][load]['rate']))} ({_number(ratio(figures, name, load).median)})"
            for load in LOADS
        ]
        cells += [_number(median(site["loads"][LIST]["cpu_ms"])), f"{median(site['memory_mb']):,.0f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def all_figures(figures: dict[str, Any]) -> str:
    """Return a Markdown table with a row for each load of each site, and one with the versions."""
    head = "server | requests/s | ratio to bare | lowest - highest | p50 ms | p99 ms | CPU ms | kB"
    lines = [f"| {head} |", "| --- |" + " ---: |" * 7]
    for load, label in labels(figures).items():
        lines.append(f"| **{label}** | | | | | | | |")
        for name, site in figures["sites"].items():
            figure, share = site["loads"][load], ratio(figures, name, load)
            cells = [
                rate(median(figure["rate"])),
                _number(share.median),
                f"{_number(share.lowest)} - {_number(share.highest)}",
                *(_number(median(figure[column])) for column in ("p50_ms", "p99_ms", "cpu_ms")),
                f"{figure['kilobytes']:,.1f}",
            ]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", _description(figures), "", "| server | versions | memory, MB |", "| --- | --- | ---: |"]
    lines += [
        f"| {name} | {site['version']} | {median(site['memory_mb']):,.0f} |" for name, site in figures["sites"].items()
    ]
    return "\n".join(lines) + "\n"


def _description(figures: dict[str, Any]) -> str:
    longest = f" (up to {figures['longest']:g} s for slow servers)" if "longest" in figures else ""
    return (
        f"{figures['articles']:,} articles, {figures['cores']} cores, {figures['connections']} connections, medians of"
        f" {figures['rounds']} rounds of {figures['seconds']:g} s{longest}; load average of the machine before:"
        f" {figures['load_average']}."
    )


def svg(figures: dict[str, Any]) -> str:
    """Return the plot of requests per second as an SVG document: a panel for each load, logarithmic."""
    height = TOP + ROW * len(figures["sites"]) + BOTTOM
    width = (WIDTH - LABELS - GAP * len(LOADS)) / len(LOADS)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            ' role="img" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="14">'
        ),
        "<title>Requests per second of newsapi and other servers on the same articles</title>",
        text_element(
            0, 20, "Requests per second on the same articles, logarithmic, lowest to highest round", size=16, weight=600
        ),
    ]
    parts += [text_element(0, _y(row) + 5, name) for row, name in enumerate(figures["sites"])]
    for number, (load, label) in enumerate(labels(figures).items()):
        left = LABELS + number * (width + GAP)
        parts.append(text_element(left, TOP - 16, label, weight=600))
        parts += _panel(figures, load, left, width)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _y(row: int) -> float:
    return TOP + ROW * (row + 0.5)


def _panel(figures: dict[str, Any], load: str, left: float, width: float) -> Iterator[str]:
    def x(rate: float) -> float:
        share = math.log10(max(rate, LEAST) / LEAST) / math.log10(MOST / LEAST)
        return left + width * share

    bottom = TOP + ROW * len(figures["sites"])
    for exponent in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        line = x(10**exponent)
        yield f'<line x1="{line:.1f}" y1="{TOP}" x2="{line:.1f}" y2="{bottom}" stroke="{INK}" stroke-opacity="0.25"/>'
        if exponent in {0, 3}:
            yield text_element(line, bottom + 18, f"{10**exponent:,}", anchor="middle", size=12)
    for row, (name, site) in enumerate(figures["sites"].items()):
        rates = site["loads"][load]["rate"]
        colour = BARE_COLOUR if name == BARE else OURS if name.startswith("newsapi") else OTHERS
        middle, y = median(rates), _y(row)
        ends = f'x1="{x(min(rates)):.1f}" y1="{y:.1f}" x2="{x(max(rates)):.1f}" y2="{y:.1f}"'
        yield f'<line {ends} stroke="{colour}" stroke-width="3" stroke-opacity="0.5"/>'
        yield f'<circle cx="{x(middle):.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'
        yield text_element(max(x(max(rates)), x(middle)) + 8, y + 4, rate(middle), fill=colour, size=12)


def publish(figures: dict[str, Any]) -> None:
    """Store the figures, draw the plot, and write the tables."""
    FIGURES.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
    PLOT.write_text(svg(figures))
    for page, table, plot in (
        (PEERS_PAGE, all_figures(figures), "peers/throughput.svg"),
        (BENCHMARKS_PAGE, summary(figures), "../../bench/peers/throughput.svg"),
    ):
        image = f"![Requests per second of newsapi and other servers on the same articles]({plot})"
        page.write_text(PART.sub(rf"\g<1>{table}\n{image}\n\g<2>", page.read_text()))
