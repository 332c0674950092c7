"""Publish figures: `python -m bench.docs_figures FIGURES.json` stores them, draws the plot, and writes the table.

The table is in `docs/develop/benchmarks.md`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import orjson

from bench import plot, report

HERE = Path(__file__).parent
FIGURES = HERE / "figures.json"
PLOT = HERE / "list_latency.svg"
PAGE = HERE.parent / "docs" / "develop" / "benchmarks.md"
PART = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)

SHOWN = {
    "all articles": "all articles",
    "all articles, deep": "all, the 40,000th page of a million",
    "brand=, deep": "`brand=`, deep",
    "about=, deep": "`about=`, deep",
    "tag=, deep": "`tag=`, deep",
    "published_from, _until, deep": "`published_from= published_until=`, deep",
    "sort=published_at, deep": "`sort=published_at`, deep",
    "sort=-updated_at, deep": "`sort=-updated_at`, deep",
    "fields=body_html,tags": "`fields=headline,body_html,tags`",
    "article by slug": "one article",
    "article, related": "one article, `include=related`",
    "one brand": "one brand",
    "brand= and author=": "`brand=` and `author=`",
    "total=true": "`total=true` (counts to 10,000)",
}


def markdown(figures: dict[str, Any]) -> str:
    """Return a Markdown table: the cost in each archive, from smallest to largest, and the time in the largest."""
    sizes = figures["sizes"]
    kinds = report.kinds(figures)
    names = [report.NAMES[kind] for kind in kinds]
    head = ["one request"]
    head += [f"{name} {unit}" for kind, name in zip(kinds, names, strict=True) for unit in (report.WORK[kind], "pages")]
    head += [f"{name} ms" for name in names]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name, label in SHOWN.items():
        case = figures["cases"][name]
        cells = [
            " → ".join(f"{case[f'{kind} {size}'][figure]:,.0f}" for size in sizes)
            for kind in kinds
            for figure in ("work", "pages")
        ]
        largest = [case[f"{kind} {sizes[-1]}"] for kind in kinds]
        cells += [f"{cost['miss_p50']:.1f}, {cost['miss_p99']:.0f}" for cost in largest]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("figures", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(figures: Path) -> None:
    """Store the figures of a run, and update the plot and the table of the documentation."""
    loaded_figures = orjson.loads(figures.read_bytes())
    FIGURES.write_bytes(orjson.dumps(loaded_figures, option=orjson.OPT_INDENT_2) + b"\n")
    PLOT.write_text(plot.svg(loaded_figures))
    text = PAGE.read_text()
    PAGE.write_text(PART.sub(lambda match: match[1] + markdown(loaded_figures) + match[2], text))


if __name__ == "__main__":
    main()
