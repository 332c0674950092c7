"""Reports of a benchmark run: a table for the terminal, and whether each read is flat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

FLAT = 1.3
"""Maximum ratio of the cost of a flat read in the largest archive to that in the smallest."""

WORK = {"sqlite": "steps", "postgresql": "rows"}
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def title(case: str, *, deep: bool) -> str:
    """Return the name of a case at the start of a list or deep in it."""
    return f"{case}, deep" if deep else case


def short(articles: int) -> str:
    """Return a number of articles in short form: 10k for 10,000, 1M for 1,000,000."""
    if articles % 1_000_000 == 0:
        return f"{articles // 1_000_000}M"
    return f"{articles // 1_000}k" if articles % 1_000 == 0 else str(articles)


def kinds(figures: dict[str, Any]) -> list[str]:
    """Return the measured databases in order."""
    return list(dict.fromkeys(name.partition(" ")[0] for name in figures["archives"]))


class Ratio(NamedTuple):
    """The ratios of the cost of a read in the largest archive to that in the smallest."""

    case: str
    kind: str
    work: float
    pages: float
    visits: float
    flat: bool

    @property
    def exceeds_limit(self) -> bool:
        """Whether work or pages exceed the limit. Visits may grow: the index of a larger archive has one more level."""
        return max(self.work, self.pages) > FLAT

    def __str__(self) -> str:
        return (
            f"{self.case} on {NAMES[self.kind]}: {self.work:.2f} times the {WORK[self.kind]},"
            f" {self.pages:.2f} times the pages, {self.visits:.2f} times the visits"
        )


def ratios(figures: dict[str, Any]) -> list[Ratio]:
    """Compare the largest archive with the smallest, for each case and database."""
    smallest, largest = min(figures["sizes"]), max(figures["sizes"])
    comparisons = []
    for name, case in figures["cases"].items():
        for kind in kinds(figures):
            small, large = case[f"{kind} {smallest}"], case[f"{kind} {largest}"]
            work, pages, visits = (large[figure] / max(small[figure], 1) for figure in ("work", "pages", "visits"))
            comparisons.append(Ratio(name, kind, work, pages, visits, case["flat"]))
    return comparisons


def not_flat(figures: dict[str, Any]) -> list[Ratio]:
    """Return the reads that should be flat and are not."""
    return [ratio for ratio in ratios(figures) if ratio.flat and ratio.exceeds_limit]


def verdicts(figures: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each read whose cost grows, and a summary for each database."""
    for ratio in ratios(figures):
        if ratio.exceeds_limit:
            yield f"{'NOT FLAT' if ratio.flat else 'grows, as expected'}: {ratio}"
    sizes = f"{short(min(figures['sizes']))} to {short(max(figures['sizes']))}"
    for kind in kinds(figures):
        judged = [ratio for ratio in ratios(figures) if ratio.flat and ratio.kind == kind]
        if judged:
            flat = sum(not ratio.exceeds_limit for ratio in judged)
            max_visits = max(ratio.visits for ratio in judged)
            summary = f"{flat} of {len(judged)} reads flat within {FLAT} from {sizes}"
            yield f"{NAMES[kind]}: {summary}; visits at most {max_visits:.2f} times"


def table(figures: dict[str, Any]) -> str:
    """Return all figures as text, one table for each database."""
    parts = []
    width = max(map(len, figures["cases"]))
    for kind in kinds(figures):
        times = {ratio.case: ratio for ratio in ratios(figures) if ratio.kind == kind}
        head = [f"{short(size):>5}: stmts {WORK[kind]:>6} pages visits p50 ms   p99  hit" for size in figures["sizes"]]
        lines = [f"{NAMES[kind]:{width}} " + " |".join(head) + " | times work, pages, visits"]
        for name, case in figures["cases"].items():
            cells = []
            for size in figures["sizes"]:
                cost = case[f"{kind} {size}"]
                cells.append(
                    f"{cost['statements']:>12} {cost['work']:>6.0f} {cost['pages']:>5.0f} {cost['visits']:>6.0f}"
                    f" {cost['miss_p50']:>6.2f} {cost['miss_p99']:>5.1f} {cost['hit_p50']:>4.1f}"
                )
            ratio = times[name]
            verdict = "" if not ratio.flat else "  NOT FLAT" if ratio.exceeds_limit else "  flat"
            cells.append(f"{ratio.work:>9.2f} {ratio.pages:>6.2f} {ratio.visits:>6.2f}{verdict}")
            lines.append(f"{name:{width}} " + " |".join(cells))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
