"""Create the tables and load import records: `python -m wagtail_news.load FILE`."""

import json
import sys
from datetime import datetime
from pathlib import Path

import django
from django.core.management import call_command
from django.db import transaction

BATCH = 100
"""Articles of one transaction: each updates the row of their parent, whose versions PostgreSQL keeps until the end."""


def load(records):
    """Create terms, and the pages that are missing; what a new site greets with goes."""
    from wagtail_news import models  # noqa: PLC0415 (needs django.setup)

    kinds = {"brand": models.Brand, "section": models.Section, "author": models.Author, "tag": models.Tag}
    terms = {kind: {} for kind in kinds}
    home = _home()
    for record in records:
        if record["type"] in kinds:
            term, _ = kinds[record["type"]].objects.get_or_create(
                slug=record["slug"], defaults={"name": record["name"]}
            )
            terms[record["type"]][record["slug"]] = term
    articles = [record for record in records if record["type"] == "article"]
    for start in range(models.ArticlePage.objects.count(), len(articles), BATCH):
        with transaction.atomic():
            for article in articles[start : start + BATCH]:
                home.add_child(instance=_page(models.ArticlePage, article, terms))
        sys.stderr.write(f"Wagtail: {min(start + BATCH, len(articles)):,} of {len(articles):,} articles\n")


def _home():
    """Return the page that is the parent of all articles, and the root of the only site."""
    from wagtail.models import Page, Site  # noqa: PLC0415

    site = Site.objects.filter(is_default_site=True, root_page__slug="news").first()
    if site:
        return site.root_page
    home = Page.get_first_root_node().add_child(instance=Page(title="News", slug="news"))
    Site.objects.update_or_create(is_default_site=True, defaults={"hostname": "127.0.0.1", "root_page": home})
    return home


def _page(model, article, terms):
    page = model(
        slug=article["slug"],
        title=article["headline"],
        standfirst=article["standfirst"],
        body=article["body_html"],
        image_url=article["image"]["url"],
        published_at=datetime.fromisoformat(article["published_at"]),
        updated_at=datetime.fromisoformat(article["updated_at"]),
        brand=terms["brand"][article["brand"]],
        section=terms["section"][article["section"]],
    )
    page.authors = [terms["author"][author] for author in article["authors"]]
    page.tags = [terms["tag"][tag] for tag in article["tags"]]
    return page


if __name__ == "__main__":
    django.setup()
    call_command("makemigrations", "wagtail_news", verbosity=0)
    call_command("migrate", verbosity=0)
    load([json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()])
