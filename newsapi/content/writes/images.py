"""Records which images articles show, in the transaction that writes the articles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.tables.images import LEAD_POSITION, ArticleImage, ImageFile
from newsapi.db import bulk_rows
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table


class PlacedImage(NamedTuple):
    """An image of an article: its position, its URL, and whether its alternative text is unknown."""

    position: int
    url: str
    lacks_alt: bool


def image_file_id(url: str) -> UUID:
    """Return the id of the image file at a URL: a UUID version 5 (RFC 9562)."""
    return uuid5(NAMESPACE_URL, url)


def write_images(
    session: Session, articles: Sequence[tuple[ArticleSnapshot | None, ArticleSnapshot]], now: datetime
) -> None:
    """Record the images of articles, each given before and after the write; new files are to be measured."""
    changed = [
        (before, after, shown)
        for before, after in articles
        if (shown := [*_iter_images(after)]) != ([*_iter_images(before)] if before else [])
    ]
    connection = session.connection()
    if outdated := [after.id for before, after, _ in changed if before]:
        target = columns_table(ArticleImage)
        connection.execute(delete(target).where(in_values(connection, ArticleImage.article_id, outdated)))
    ids = {url: image_file_id(url) for url in dict.fromkeys(image.url for _, _, shown in changed for image in shown)}
    if not ids:
        return
    known_rows = select(ImageFile.id, ImageFile.problem).where(in_values(connection, ImageFile.id, ids.values()))
    problems: dict[UUID, str | None] = dict(connection.execute(known_rows).all())
    new_files = ((id_, url, _host(url), now, 0) for url, id_ in ids.items() if id_ not in problems)
    bulk_rows.bulk_insert(session, ImageFile, ("id", "url", "host", "check_at", "tries"), new_files)
    columns = ("article_id", "position", "file_id", "is_broken", "lacks_alt")
    rows = (
        (after.id, image.position, id_, problems.get(id_) is not None, image.lacks_alt)
        for _, after, shown in changed
        for image in shown
        for id_ in [ids[image.url]]
    )
    bulk_rows.bulk_insert(session, ArticleImage, columns, rows)


def _iter_images(snapshot: ArticleSnapshot) -> Iterator[PlacedImage]:
    """Yield the images of an article."""
    media = [item["image"] for item in snapshot.values["media"]]
    for position, image in enumerate([snapshot.values["image"], *media], LEAD_POSITION):
        if image is not None:
            yield PlacedImage(position, image["url"], image["alt"] is None)


def _host(url: str) -> str:
    """Return host and port of a URL."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()
