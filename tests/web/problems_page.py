"""The table of `docs/reference/problems.md`: `python -m tests.web.problems_page` writes it from the problem types."""

from pathlib import Path

from newsapi.web.problem_types import BLANK_PROBLEMS, PROBLEM_TYPES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "problems.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def table() -> str:
    """Return the table of problem types and status codes as Markdown."""
    lines = ["| name | status | title | explanation | what to do |", "| --- | --- | --- | --- | --- |"]
    for problem in PROBLEM_TYPES.values():
        statuses = ", ".join(map(str, problem.statuses))
        lines.append(f"| `{problem.name}` | {statuses} | {problem.title} | {problem.explanation} | {problem.remedy} |")
    lines += ["", "Other problems have the type `about:blank` and the title of their status:", ""]
    lines += ["| status | meaning |", "| --- | --- |"]
    lines += [f"| {status} | {meaning} |" for status, meaning in BLANK_PROBLEMS.items()]
    return "\n".join(lines) + "\n"


def page_with_table(page: str) -> str:
    """Return the page with its table written anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text()))
