"""A slice of a local daily in Italian, beside the motoring magazine of the demo: slug, headline, standfirst, body."""

from pathlib import Path

from tests.support.import_records import Record, article

TEXTS = (Path(__file__).parent / "texts.txt").read_text().splitlines()


def records() -> list[Record]:
    """The articles as an import brings them, one a week."""
    found = []
    for week, line in enumerate(TEXTS):
        slug, headline, standfirst, body = line.split("|")
        day = f"20{18 + week // 12}-{week % 12 + 1:02}-10T09:00:00Z"
        found.append(
            article(
                slug,
                headline=headline,
                standfirst=standfirst,
                body_html=f"<p>{body}</p>",
                published_at=day,
                tags=["cronaca"],
            )
        )
    return found
