"""Term reads: the lists of brands, authors, sections and tags, and single terms, with the same views for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.content.presentation.article_paths import ARTICLES_PATH
from newsapi.content.presentation.list_request import parse_list_request
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets
from newsapi.content.queries import terms as term_queries
from newsapi.content.queries.terms import TermListQuery, TermPageStart
from newsapi.content.schemas.articles import ArticleList, ArticleSummary
from newsapi.content.schemas.params import TermParams, term_fields
from newsapi.content.schemas.partial import partial_schema
from newsapi.content.schemas.term_kinds import TERM_KINDS, TermKind
from newsapi.content.writes import terms as term_writes
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.errors import CursorInvalid
from newsapi.text.folding import fold
from newsapi.text.slugs import is_slug
from newsapi.web import authorization, pagination
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.pagination import ListCursor
from newsapi.web.params import defaults_of, slug_param
from newsapi.web.responses import cached_response
from newsapi.web.wire import OutputSchema, PageInfo, PageLinks

ARTICLES_ON_TERM_PAGE = 20
"""Articles that `include=articles` adds to a term."""


@dataclass(frozen=True, slots=True)
class _TermReads:
    """What the two reads of a kind of term need.

    Attributes:
        kind: The kind of term.
        with_articles: Schema of a term with its articles.
        list_cursor: Which cursors the list has, with the schema of its parameters.
        one_params: Schema of the parameters of one term.
    """

    kind: TermKind
    with_articles: type[Schema]
    list_cursor: ListCursor
    one_params: Schema

    @classmethod
    def of_kind(cls, term_kind: TermKind) -> _TermReads:
        """Return those of a kind of term."""
        title, selection = term_kind.kind.title(), term_fields(term_kind.singular)
        # Each class needs a dictionary of its own: marshmallow removes the fields from it.
        list_params = type(f"{title}ListParams", (term_kind.list_params,), {"fields": selection})
        return cls(
            term_kind,
            type(f"{title}WithArticles", (term_kind.singular,), {"articles": fields.Nested(ArticleList)}),
            ListCursor(f"{term_kind.kind}s", list_params()),
            type(f"{title}Params", (TermParams,), {"fields": selection})(),
        )


def _blueprint(reads: _TermReads) -> Blueprint:
    """Return the blueprint with the two routes of a kind of term."""
    term_kind = reads.kind
    blueprint = Blueprint(f"{term_kind.kind}s", __name__, url_prefix=term_kind.path, description=term_kind.text)
    title = term_kind.kind.title()
    path_param = slug_param(term_kind.kind)
    one = type(f"{title}Response", (OutputSchema,), {"data": fields.Nested(reads.with_articles, required=True)})
    partial, partial_item = (
        fields.Nested(partial_schema(schema, frozenset({"slug"})), required=True)
        for schema in (reads.with_articles, term_kind.singular)
    )
    partial_one = type(f"Partial{title}Response", (OutputSchema,), {"data": partial})
    partial_page = type(
        f"Partial{title}List",
        (OutputSchema,),
        {
            "data": fields.List(partial_item, required=True),
            "page": fields.Nested(PageInfo, required=True),
            "links": fields.Nested(PageLinks, required=True),
        },
    )

    @blueprint.route("")
    class Terms(MethodView):
        """The list of terms."""

        @blueprint.doc(
            operationId=f"list{title}s",
            summary=f"List {term_kind.kind}s",
            description=f"Return a page of {term_kind.kind}s, without those whose articles were all withdrawn.",
        )
        @blueprint.arguments(reads.list_cursor.params, location="query", error_status_code=400)
        @blueprint.response(
            200,
            {"anyOf": [term_kind.page, partial_page]},
            description=f"A page of {term_kind.kind}s, or of the requested fields with `fields`",
        )
        def get(self, query: pagination.Query) -> Response:
            """Return a page of terms."""
            return _list(reads, query)

    @blueprint.route("/<slug>", parameters=[path_param])
    class OneTerm(MethodView):
        """One term."""

        @blueprint.doc(
            operationId=f"get{title}",
            summary=f"Get {term_kind.indefinite_name}",
            description=f"Return the {term_kind.kind} with this slug. `include=articles` adds the first page of its"
            " articles, newest first.",
        )
        @blueprint.arguments(reads.one_params, location="query", error_status_code=400)
        @blueprint.response(
            200,
            {"anyOf": [one, partial_one]},
            description=f"The {term_kind.kind}, or the requested fields with `fields`",
        )
        @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
        @blueprint.alt_response(404, "DEFAULT_ERROR", description="The slug does not exist")
        def get(self, query: pagination.Query, slug: str) -> Response:
            """Return one term."""
            return _one(reads, query, slug)

    return blueprint


def _list(reads: _TermReads, query: pagination.Query) -> Response:
    query, position = pagination.apply_cursor(query, reads.list_cursor)
    params = pagination.canonical_params(query, defaults_of(type(reads.list_cursor.params)))
    list_query = _list_query(query, position)
    return cached_response(
        pagination.build_url(reads.kind.path, params),
        query,
        lambda connection: _page(connection, reads, query, params, list_query),
    )


def _list_query(query: pagination.Query, position: Sequence[str | int] | None) -> TermListQuery:
    """Return the parameters of a list of terms, with the start of the page that a cursor names.

    Raises:
        CursorInvalid: The cursor was made by an older release.
    """
    page_start, by_count = None, query["sort"] == "-article_count"
    if position is not None:
        try:
            *values, backward = position
            *counts, sort_key, slug = values
        except ValueError as error:
            raise CursorInvalid(pagination.MADE_BY_OLDER_RELEASE) from error
        if len(counts) != by_count:
            raise CursorInvalid(pagination.MADE_BY_OLDER_RELEASE)
        page_start = TermPageStart((*counts, sort_key, slug), bool(backward))
    prefix = None if "q" not in query else fold(query["q"])
    return TermListQuery(prefix, query.get("parent"), by_count, page_start)


def _page(
    connection: Connection,
    reads: _TermReads,
    query: pagination.Query,
    params: Mapping[str, str],
    list_query: TermListQuery,
) -> CachedResponse:
    kind, limit = reads.kind.kind, query["limit"]
    snapshot = facets.resolve_filters(connection, {})
    page = term_queries.TermPage([])
    if list_query.prefix != "":  # a text without letters or digits ("!?") matches no name
        page = term_queries.list_terms(connection, kind, list_query, limit=limit)
    depends_on: set[dependencies.Dependency] = {snapshot.terms[kind].id}
    depends_on.update(dependencies.name_dependency("brand", slug) for slug in list_query.parents or ())
    times = {snapshot.terms[kind].changed_at, page.changed_at}
    if page.may_gain_terms or list_query.by_count:
        depends_on.add(snapshot.everything.id)
        times.add(snapshot.everything.changed_at)
    for record in page.records:
        depends_on.update(dependencies.term_dependencies(record))
    dump = compile_dump(reads.kind.singular, _paths(query))
    items = [dump(app_context().presentation.term(kind, record)) for record in page.records]
    cursors = (_cursor(reads, params, page.next), _cursor(reads, params, page.prev))
    body = pagination.page_response(reads.kind.path, params, limit, items, cursors)
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time(times),
        dependencies=frozenset(depends_on),
        surrogate_keys=("articles", f"{kind}s"),
        link=pagination.link_header(body["links"]),
    )


def _cursor(reads: _TermReads, params: Mapping[str, str], page_start: TermPageStart | None) -> str | None:
    if page_start is None:
        return None
    return pagination.make_cursor(reads.list_cursor, params, (*page_start.position, page_start.backward))


def _paths(query: pagination.Query) -> frozenset[str]:
    """Return the paths of the fields to return; empty for all."""
    return frozenset({"slug", *query["fields"]} if "fields" in query else ())


def _one(reads: _TermReads, query: pagination.Query, slug: str) -> Response:
    valid_slug = slug if is_slug(slug) else ""  # no term has the empty slug
    url = pagination.canonical_url(f"{reads.kind.path}/{valid_slug or quote(slug, safe='')}", query)
    return cached_response(url, query, lambda connection: _term(connection, reads, query, slug=valid_slug))


def _term(connection: Connection, reads: _TermReads, query: pagination.Query, *, slug: str) -> CachedResponse:
    presentation, kind = app_context().presentation, reads.kind.kind
    snapshot = facets.resolve_filters(connection, {kind: (slug,)})
    term_page = term_queries.get_term(connection, kind, slug, snapshot)
    record, times = term_page.records[0], {term_page.changed_at, snapshot.changed_at()}
    surrogate_key, paths = dependencies.name_dependency(kind, slug), _paths(query)
    depends_on: set[dependencies.Dependency] = {surrogate_key, *dependencies.term_dependencies(record)}
    if "articles" in query.get("include", ()):
        article_query = {"limit": ARTICLES_ON_TERM_PAGE, "sort": "-published_at", kind: (slug,)}
        request = parse_list_request(ARTICLES_PATH, article_query)
        page = article_queries.list_page(connection, snapshot, request.list_query, limit=request.limit)
        summaries = [compile_dump(ArticleSummary)(presentation.summary(item)) for item in page.records]
        record["articles"] = request.response_body(summaries, (request.cursors(page)[0], None))
        times.add(page.changed_at)
        depends_on.update(dependencies.name_dependencies(page.records))
        paths |= {"articles"} if paths else paths
    data = compile_dump(reads.with_articles, paths)(presentation.term(kind, record))
    caller = authorization.current_caller()
    if kind == "author" and not paths and caller and caller.has_scope("drafts:read"):
        data["email"] = term_writes.author_email(connection, record["slug"])
    return CachedResponse(
        body=dump_json({"data": data}),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time(times),
        dependencies=frozenset(depends_on),
        surrogate_keys=(surrogate_key,),
        version=record["version"],
    )


READS = [_TermReads.of_kind(kind) for kind in TERM_KINDS]
blueprints = [_blueprint(reads) for reads in READS]
