"""Create the tables and load import records: `python -m wagtail_news.load FILE`."""

import json
import sys
from datetime import datetime
from pathlib import Path

import django
from django.core.management import call_command
from django.db import transaction


def load(records):
    """Create terms and pages; what a new site greets with goes."""
    from wagtail.models import Page, Site  # noqa: PLC0415 (needs django.setup)
    from wagtail_news import models  # noqa: PLC0415

    kinds = {"brand": models.Brand, "section": models.Section, "author": models.Author, "tag": models.Tag}
    terms = {kind: {} for kind in kinds}
    root = Page.get_first_root_node()
    home = root.add_child(instance=Page(title="News", slug="news"))
    Site.objects.update_or_create(is_default_site=True, defaults={"hostname": "127.0.0.1", "root_page": home})
    for record in records:
        kind, slug = record["type"], record["slug"]
        if kind in kinds:
            terms[kind][slug] = kinds[kind].objects.create(slug=slug, name=record["name"])
            continue
        page = models.ArticlePage(
            slug=slug,
            title=record["headline"],
            standfirst=record["standfirst"],
            body=record["body_html"],
            image_url=record["image"]["url"],
            published_at=datetime.fromisoformat(record["published_at"]),
            updated_at=datetime.fromisoformat(record["updated_at"]),
            brand=terms["brand"][record["brand"]],
            section=terms["section"][record["section"]],
        )
        page.authors = [terms["author"][author] for author in record["authors"]]
        page.tags = [terms["tag"][tag] for tag in record["tags"]]
        home.add_child(instance=page)


if __name__ == "__main__":
    django.setup()
    call_command("makemigrations", "wagtail_news", verbosity=0)
    call_command("migrate", verbosity=0)
    with transaction.atomic():
        load(map(json.loads, Path(sys.argv[1]).read_text().splitlines()))
