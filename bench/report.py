"""What was measured, told: a table for the terminal and the verdict on every read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

FLAT = 1.3
"""How many times the reading of the smallest archive the largest may take."""

WORK = {"sqlite": "steps", "postgresql": "rows"}
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def title(case: str, *, deep: bool) -> str:
    """Name a case with its place in the list."""
    return f"{case}, deep" if deep else case


def short(articles: int) -> str:
    """Write 10k for 10,000 and 1M for 1,000,000."""
    if articles % 1_000_000 == 0:
        return f"{articles // 1_000_000}M"
    return f"{articles // 1_000}k" if articles % 1_000 == 0 else str(articles)


def kinds(figures: dict[str, Any]) -> list[str]:
    """The databases that were measured, in order."""
    return list(dict.fromkeys(name.partition(" ")[0] for name in figures["archives"]))


def ratios(figures: dict[str, Any]) -> Iterator[tuple[str, str, float, float, bool]]:
    """For each case and database: how many times the work and the pages, largest to smallest; whether it matters."""
    least, most = min(figures["sizes"]), max(figures["sizes"])
    for name, case in figures["cases"].items():
        for kind in kinds(figures):
            small, large = case[f"{kind} {least}"], case[f"{kind} {most}"]
            work, pages = (large[what] / max(small[what], 1) for what in ("work", "pages"))
            yield name, kind, work, pages, case["flat"]


def broken(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The cases that should be flat and are not."""
    return [(name, kind) for name, kind, work, pages, matters in ratios(figures) if matters and max(work, pages) > FLAT]


def verdicts(figures: dict[str, Any]) -> Iterator[str]:
    """A line for each case that is not flat, and one for all."""
    for name, kind, work, pages, matters in ratios(figures):
        if max(work, pages) > FLAT:
            told = "NOT FLAT" if matters else "grows, as it may"
            yield f"{told}: {name} on {NAMES[kind]}: {work:.2f} times the {WORK[kind]}, {pages:.2f} times the pages"
    judged = [row for row in ratios(figures) if row[-1]]
    failed = broken(figures)
    sizes = f"{short(min(figures['sizes']))} to {short(max(figures['sizes']))}"
    yield f"{len(judged) - len(failed)} of {len(judged)} reads flat within {FLAT} from {sizes}"


def table(figures: dict[str, Any]) -> str:
    """All figures, a table for each database."""
    parts = []
    width = max(map(len, figures["cases"]))
    for kind in kinds(figures):
        head = [f"{short(size):>6}: stmts {WORK[kind]:>6}  pages   p50 ms   p99  hit" for size in figures["sizes"]]
        lines = [f"{NAMES[kind]:{width}} " + " |".join(head) + " | times work, pages"]
        times = {name: (work, pages) for name, of, work, pages, _ in ratios(figures) if of == kind}
        for name, case in figures["cases"].items():
            cells = []
            for size in figures["sizes"]:
                got = case[f"{kind} {size}"]
                cells.append(
                    f"{got['statements']:>13} {got['work']:>6.0f} {got['pages']:>6.0f}  {got['miss_p50']:>7.2f}"
                    f" {got['miss_p99']:>5.1f} {got['hit_p50']:>4.1f}"
                )
            work, pages = times[name]
            verdict = "" if not case["flat"] else "  flat" if max(work, pages) <= FLAT else "  NOT FLAT"
            lines.append(f"{name:{width}} " + " |".join(cells) + f" | {work:>5.2f} {pages:>5.2f}{verdict}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
