"""Queries of images: files to be read, the results, and the images of articles that have a problem."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypedDict
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import Facet
from newsapi.content.queries import listing_entries, snapshots
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ArticleContent
from newsapi.content.tables.images import LEAD_POSITION, ArticleImage, ImageFile
from newsapi.db import compiled_queries
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table
from newsapi.images.measurement import Measurement

FIRST_DELAY: Final = timedelta(seconds=5)
"""Time between the first two attempts to read a file; each further one is four times as long."""

MAX_DELAY: Final = timedelta(days=7)
"""Maximum time between attempts to read a file."""

MAX_ARTICLES_BY_FACET: Final = 500
"""Up to this many articles of one batch, the change names their facets; for more, it names every facet."""

MAX_ARTICLES_PER_CHANGE: Final = 1_000
"""Maximum number of articles that one change names."""

_FILE = columns_table(ImageFile)
_SHOWN = columns_table(ArticleImage)


class DueFile(NamedTuple):
    """A file to be measured."""

    id: UUID
    url: str
    host: str
    tries: int


class Outcome(NamedTuple):
    """The result of reading a file: its measurement, or the problem that it has."""

    file: DueFile
    measurement: Measurement | None
    problem: str | None = None


_DUE_FILES: Final = (
    select(*(getattr(ImageFile, name) for name in DueFile._fields))
    .where(ImageFile.host > bindparam("after_host"), ImageFile.check_at <= bindparam("now"))
    .order_by(ImageFile.host, ImageFile.check_at)
    .limit(bindparam("rows"))
)


def list_due_files(connection: Connection, after_host: str, now: datetime, limit: int) -> list[DueFile]:
    """Return files that are due, of the first host after `after_host` that has any."""
    parameters = {"after_host": after_host, "now": now, "rows": limit}
    rows = [DueFile(*row) for row in compiled_queries.fetch_rows(connection, _DUE_FILES, parameters)]
    return [row for row in rows if row.host == rows[0].host]


def claim_files(session: Session, files: Sequence[DueFile], now: datetime) -> list[DueFile]:
    """Count an attempt at each file, and delete files that no article shows any more.

    If the process dies while it measures a file, the file is due again only after its next delay.

    Returns:
        The files that articles show.
    """
    # Without the lock, a write could come to show a file that is deleted here.
    changelog_writer.acquire_write_lock(session)
    connection, ids = session.connection(), [file.id for file in files]
    used = select(ArticleImage.file_id).where(in_values(connection, ArticleImage.file_id, ids))
    used_ids = set(connection.execute(used).scalars())
    unused = [id_ for id_ in ids if id_ not in used_ids]
    if unused:
        connection.execute(delete(_FILE).where(in_values(connection, ImageFile.id, unused)))
    for file in files:
        values = {"tries": file.tries + 1, "check_at": now + _delay(file.tries)}
        connection.execute(update(_FILE).where(_FILE.c.id == file.id).values(values))
    return [file for file in files if file.id in used_ids]


def _delay(tries: int) -> timedelta:
    """Return the time until the next attempt, after a number of earlier ones."""
    delay: timedelta = FIRST_DELAY * 4 ** min(tries, 10)
    return min(MAX_DELAY, delay)


def release_files(session: Session, files: Sequence[DueFile], now: datetime) -> None:
    """Make claimed files that were not read due again."""
    for file in files:
        values = {"tries": file.tries, "check_at": now}
        session.connection().execute(update(_FILE).where(_FILE.c.id == file.id).values(values))


def save_outcomes(session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Record results, and append a change for the public articles that show measured files.

    A problem changes no public response.
    """
    connection = session.connection()
    measured = [outcome for outcome in outcomes if outcome.measurement is not None]
    article_ids = _list_public_articles(connection, [outcome.file.id for outcome in measured])
    changes = _changes(session, article_ids)
    seq_range = changelog_writer.reserve_seqs(session, len(changes), now=now)
    measured_at = seq_range.committed_at if changes else now
    for file, measurement, problem in outcomes:
        values: dict[str, object] = {"problem": problem}
        if measurement is not None:
            values |= {**measurement._asdict(), "check_at": None, "measured_at": measured_at}
        connection.execute(update(_FILE).where(_FILE.c.id == file.id).values(values))
        is_broken = problem is not None
        statement = update(_SHOWN).where(_SHOWN.c.file_id == file.id, _SHOWN.c.is_broken != is_broken)
        connection.execute(statement.values(is_broken=is_broken))
    changelog_writer.append_reserved(session, changes, seq_range, bulk=True)


def _list_public_articles(connection: Connection, file_ids: Collection[UUID]) -> list[UUID]:
    """Return the ids of the public articles that show one of the files, sorted."""
    if not file_ids:
        return []
    statement = (
        select(ArticleImage.article_id)
        .join(Article, Article.id == ArticleImage.article_id)
        .where(in_values(connection, ArticleImage.file_id, file_ids), is_visible())
        .distinct()
    )
    return sorted(connection.execute(statement).scalars())


def _changes(session: Session, article_ids: Sequence[UUID]) -> list[NewChange]:
    """Return the changes that name articles and the facets whose lists show them."""
    if not article_ids:
        return []
    facets = _facets(session, article_ids)
    return [
        NewChange(
            kind="image",
            action="upsert",
            reason="updated",
            subject_id=article_ids[start],
            slug="",
            facets_before=facets,
            facets_after=facets,
            article_ids=tuple(map(str, article_ids[start : start + MAX_ARTICLES_PER_CHANGE])),
        )
        for start in range(0, len(article_ids), MAX_ARTICLES_PER_CHANGE)
    ]


def _facets(session: Session, article_ids: Sequence[UUID]) -> frozenset[int]:
    """Return the ids of the facets of public articles."""
    if len(article_ids) > MAX_ARTICLES_BY_FACET:
        return frozenset(session.execute(select(Facet.id)).scalars())
    states = [*snapshots.get_snapshots(session, article_ids).values()]
    return frozenset().union(*listing_entries.facets_of_articles(session, states))


class ShownImage(TypedDict):
    """An image as editors entered it, as far as it is read here."""

    url: str
    alt: str | None


class ShownMedia(TypedDict):
    """An item of media with an image."""

    image: ShownImage


class FlawedImage(NamedTuple):
    """An image of an article that has a problem."""

    position: int
    article_id: UUID
    slug: str
    headline: str
    status: str
    image: ShownImage | None
    media: Sequence[ShownMedia]
    problem: str | None
    check_at: datetime | None

    @property
    def pointer(self) -> str:
        """The JSON pointer to the image in the article."""
        return "/image" if self.position == LEAD_POSITION else f"/media/{self.position - 1}/image"

    @property
    def shown(self) -> ShownImage:
        """The image as editors entered it."""
        if self.position == LEAD_POSITION and self.image is not None:
            return self.image
        return self.media[self.position - 1]["image"]


def list_flawed_images(
    connection: Connection, flaw: str, after: tuple[UUID, int] | None, limit: int
) -> list[FlawedImage]:
    """Return images with a flaw, of the newest articles first; those of withdrawn articles are left out.

    Args:
        connection: A read transaction.
        flaw: `broken` or `no_alt`.
        after: Id of the article and position of the image after which the page starts; None for the first page.
        limit: Maximum number of images.
    """
    statement = (
        select(
            ArticleImage.position,
            Article.id,
            Article.slug,
            Article.headline,
            Article.status,
            Article.image,
            ArticleContent.media,
            ImageFile.problem,
            ImageFile.check_at,
        )
        .join(Article, Article.id == ArticleImage.article_id)
        .join(ArticleContent, ArticleContent.article_id == Article.id)
        .join(ImageFile, ImageFile.id == ArticleImage.file_id)
        .where(_FLAWS[flaw], Article.status != "withdrawn")
        .order_by(ArticleImage.article_id.desc(), ArticleImage.position)
        .limit(limit)
    )
    if after is not None:
        id_, position = after
        later = and_(ArticleImage.article_id == id_, ArticleImage.position > position)
        statement = statement.where(ArticleImage.article_id <= id_, or_(ArticleImage.article_id < id_, later))
    return [FlawedImage._make(row) for row in connection.execute(statement)]


_FLAWS: Final = {"broken": ArticleImage.is_broken, "no_alt": ArticleImage.lacks_alt}
"""The conditions on images by the name of the flaw."""
