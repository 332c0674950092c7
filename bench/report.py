"""What was measured, told: a table for the terminal and the verdict on every read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

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


class Ratio(NamedTuple):
    """How many times as much a read takes from the largest archive as from the smallest."""

    case: str
    kind: str
    work: float
    pages: float
    visits: float
    flat: bool

    @property
    def grew(self) -> bool:
        """Whether that is too much: visits aside, for a tree of more articles has a level more."""
        return max(self.work, self.pages) > FLAT

    def __str__(self) -> str:
        return (
            f"{self.case} on {NAMES[self.kind]}: {self.work:.2f} times the {WORK[self.kind]},"
            f" {self.pages:.2f} times the pages, {self.visits:.2f} times the visits"
        )


def ratios(figures: dict[str, Any]) -> list[Ratio]:
    """Set the largest archive against the smallest, for each case and database."""
    least, most = min(figures["sizes"]), max(figures["sizes"])
    found = []
    for name, case in figures["cases"].items():
        for kind in kinds(figures):
            small, large = case[f"{kind} {least}"], case[f"{kind} {most}"]
            work, pages, visits = (large[what] / max(small[what], 1) for what in ("work", "pages", "visits"))
            found.append(Ratio(name, kind, work, pages, visits, case["flat"]))
    return found


def broken(figures: dict[str, Any]) -> list[Ratio]:
    """What should be flat and is not."""
    return [ratio for ratio in ratios(figures) if ratio.flat and ratio.grew]


def verdicts(figures: dict[str, Any]) -> Iterator[str]:
    """A line for each read that grows, and the sum of it for each database."""
    for ratio in ratios(figures):
        if ratio.grew:
            yield f"{'NOT FLAT' if ratio.flat else 'grows, as it may'}: {ratio}"
    sizes = f"{short(min(figures['sizes']))} to {short(max(figures['sizes']))}"
    for kind in kinds(figures):
        judged = [ratio for ratio in ratios(figures) if ratio.flat and ratio.kind == kind]
        if judged:
            flat = sum(not ratio.grew for ratio in judged)
            most = max(ratio.visits for ratio in judged)
            told = f"{flat} of {len(judged)} reads flat within {FLAT} from {sizes}"
            yield f"{NAMES[kind]}: {told}; visits at most {most:.2f} times"


def table(figures: dict[str, Any]) -> str:
    """All figures, a table for each database."""
    parts = []
    width = max(map(len, figures["cases"]))
    for kind in kinds(figures):
        times = {ratio.case: ratio for ratio in ratios(figures) if ratio.kind == kind}
        head = [f"{short(size):>5}: stmts {WORK[kind]:>6} pages visits p50 ms   p99  hit" for size in figures["sizes"]]
        lines = [f"{NAMES[kind]:{width}} " + " |".join(head) + " | times work, pages, visits"]
        for name, case in figures["cases"].items():
            cells = []
            for size in figures["sizes"]:
                got = case[f"{kind} {size}"]
                cells.append(
                    f"{got['statements']:>12} {got['work']:>6.0f} {got['pages']:>5.0f} {got['visits']:>6.0f}"
                    f" {got['miss_p50']:>6.2f} {got['miss_p99']:>5.1f} {got['hit_p50']:>4.1f}"
                )
            ratio = times[name]
            verdict = "" if not ratio.flat else "  NOT FLAT" if ratio.grew else "  flat"
            cells.append(f"{ratio.work:>9.2f} {ratio.pages:>6.2f} {ratio.visits:>6.2f}{verdict}")
            lines.append(f"{name:{width}} " + " |".join(cells))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
