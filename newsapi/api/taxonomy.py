"""Term reads: the lists of brands, authors, sections and tags, and single terms, with the same views for each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from newsapi.api import access, paging
from newsapi.api.answers import cached
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.errors import BadCursor
from newsapi.model.base import latest
from newsapi.schemas import taxonomy as wire
from newsapi.schemas.articles import ArticleList, ArticleSummary
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.queries import ONE_NAME, TermQuery, TermsQuery
from newsapi.schemas.wire import Out
from newsapi.store import articles, facets, taxonomy, vocabulary
from newsapi.store.database import Connection
from newsapi.store.listing import Question
from newsapi.store.taxonomy import Kind, Place
from newsapi.text.folding import fold
from newsapi.text.slugs import is_slug


@dataclass(frozen=True)
class Noun:
    """A kind of term: its name, its schemas and its description.

    Attributes:
        kind: "brand", "author", "section" or "tag".
        singular: Schema of one term.
        page: Schema of a page of terms.
        text: Description for OpenAPI.
    """

    kind: Kind
    item: type[Schema]
    page: type[Schema]
    text: str

    @property
    def path(self) -> str:
        """The path of the list."""
        return f"/v1/{self.kind}s"

    @property
    def indefinite_name(self) -> str:
        """The name with its indefinite article."""
        return f"an {self.kind}" if self.kind == "author" else f"a {self.kind}"


NOUNS = (
    Noun("brand", wire.Brand, wire.BrandList, "Brands, and the groups they belong to"),
    Noun("author", wire.Author, wire.AuthorList, "Authors of articles"),
    Noun("section", wire.Section, wire.SectionList, "Sections of the site"),
    Noun("tag", wire.Term, wire.TermList, "Tags: keywords of articles"),
)


def _blueprint(term_kind: Noun) -> Blueprint:
    """Return the blueprint with the two routes of a kind of term."""
    blueprint = Blueprint(f"{term_kind.kind}s", __name__, url_prefix=term_kind.path, description=term_kind.text)
    title = term_kind.kind.title()
    which = {"in": "path", "name": "slug", "description": f"Slug of the {term_kind.kind}", "schema": ONE_NAME}
    with_articles = type(f"{title}WithArticles", (term_kind.item,), {"articles": fields.Nested(ArticleList)})
    one = type(f"{title}One", (Out,), {"data": fields.Nested(with_articles, required=True)})

    @blueprint.route("")
    class Terms(MethodView):
        """The list of terms."""

        @blueprint.doc(
            operationId=f"list{title}s",
            summary=f"List {term_kind.kind}s",
            description=f"Return a page of {term_kind.kind}s, sorted by name.",
        )
        @blueprint.arguments(TermsQuery(), location="query", error_status_code=400)
        @blueprint.response(200, term_kind.page)
        def get(self, query: paging.Query) -> Response:
            """Return a page of terms."""
            return _list(term_kind, query)

    @blueprint.route("/<slug>", parameters=[which])
    class OneTerm(MethodView):
        """One term."""

        @blueprint.doc(
            operationId=f"get{title}",
            summary=f"Get {term_kind.indefinite_name}",
            description=f"Return the {term_kind.kind} with this slug. `include=articles` adds the first page of its"
            " articles, newest first.",
        )
        @blueprint.arguments(TermQuery(), location="query", error_status_code=400)
        @blueprint.response(200, one)
        @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
        @blueprint.alt_response(404, "DEFAULT_ERROR", description="The slug does not exist")
        def get(self, query: paging.Query, slug: str) -> Response:
            """Return one term."""
            return _one(term_kind, with_articles, query, slug)

    return blueprint


def _list(term_kind: Noun, query: paging.Query) -> Response:
    search_text, page_start = query.get("q"), None
    if "cursor" in query:
        search_text, page_start = _place(term_kind, query["cursor"])
    return cached(
        paging.address(term_kind.path, query),
        query,
        lambda connection: _page(connection, term_kind, query, search_text=search_text, page_start=page_start),
    )


def _page(
    connection: Connection, term_kind: Noun, query: paging.Query, *, search_text: str | None, page_start: Place | None
) -> Answer:
    snapshot = facets.truth(connection, {})
    folded = None if search_text is None else fold(search_text)
    page = taxonomy.Terms([])
    if folded != "":  # a text without letters or digits ("!?") matches no name
        page = taxonomy.page(connection, term_kind.kind, words=folded, place=page_start, limit=query["limit"])
    dump = compiled(term_kind.item)
    depends_on: set[tags.Word] = {snapshot.terms[term_kind.kind].id}
    for record in page.records:
        depends_on |= {record["facet_id"], *tags.above(record)}
    items = [dump(parts().presentation.term(term_kind.kind, record)) for record in page.records]
    cursors = (_cursor(term_kind, search_text, page.next), _cursor(term_kind, search_text, page.prev))
    body = paging.envelope(term_kind.path, query, items, cursors)
    return Answer(
        body=json(body),
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=latest((snapshot.terms[term_kind.kind].at, page.changed_at)),
        words=frozenset(depends_on),
        tags=("articles", f"{term_kind.kind}s"),
        link=paging.link_header(body["links"]),
    )


def _one(term_kind: Noun, schema: type[Schema], query: paging.Query, slug: str) -> Response:
    valid_slug = slug if is_slug(slug) else ""  # no term has the empty slug
    url = paging.address(f"{term_kind.path}/{valid_slug or quote(slug, safe='')}", query)
    return cached(url, query, lambda connection: _term(connection, term_kind, query, schema=schema, slug=valid_slug))


def _term(connection: Connection, term_kind: Noun, query: paging.Query, *, schema: type[Schema], slug: str) -> Answer:
    presentation = parts().presentation
    snapshot = facets.truth(connection, {term_kind.kind: (slug,)})
    term_page = taxonomy.by_slug(connection, term_kind.kind, slug, snapshot)
    record, times = term_page.records[0], {term_page.changed_at, snapshot.touched_at()}
    surrogate_key = tags.name(term_kind.kind, slug)
    depends_on: set[tags.Word] = {surrogate_key, record["facet_id"], *tags.above(record)}
    if "articles" in query.get("include", ()):
        page = articles.page(connection, snapshot, Question(), limit=20)
        article_query = {"limit": 20, "sort": "-published_at", term_kind.kind: (slug,)}
        cursors = (paging.cursor(article_query, page.next), None)
        summaries = [compiled(ArticleSummary)(presentation.summary(item)) for item in page.records]
        record["articles"] = paging.envelope("/v1/articles", article_query, summaries, cursors)
        times.add(page.changed_at)
        depends_on.update(tags.names(page.records))
    data = compiled(schema)(presentation.term(term_kind.kind, record))
    caller = access.caller()
    if term_kind.kind == "author" and caller and caller.may("drafts:read"):
        data["email"] = vocabulary.email(connection, record["slug"])
    return Answer(
        body=json({"data": data}),
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=latest(times),
        words=frozenset(depends_on),
        tags=(surrogate_key,),
        version=record["version"],
    )


def _place(term_kind: Noun, cursor: str) -> tuple[str | None, Place]:
    """Return the search text and the page start that a cursor holds.

    Raises:
        CursorInvalid: The cursor is malformed or belongs to another list.
        CursorExpired: The cursor is too old.
    """
    value = parts().cursors.read(cursor, now=parts().now())
    if value[0] != term_kind.kind:
        raise BadCursor("This cursor belongs to another list.")
    return value[1], Place(*value[2:])


def _cursor(term_kind: Noun, search_text: str | None, page_start: Place | None) -> str | None:
    if page_start is None:
        return None
    value: list[Any] = [term_kind.kind, search_text, *page_start]
    return parts().cursors.write(value, now=parts().now())


blueprints = [_blueprint(kind) for kind in NOUNS]
