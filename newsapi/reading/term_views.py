"""Term reads: the lists of brands, authors, sections and tags, and single terms, with the same views for each kind."""

from __future__ import annotations

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
from newsapi.content.queries.terms import TermPageStart
from newsapi.content.schemas.articles import ArticleList, ArticleSummary
from newsapi.content.schemas.params import TermListParams, TermParams
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
from newsapi.web.params import slug_param
from newsapi.web.responses import cached_response
from newsapi.web.wire import OutputSchema

ARTICLES_ON_TERM_PAGE = 20
"""Articles that `include=articles` adds to a term."""


def _blueprint(term_kind: TermKind) -> Blueprint:
    """Return the blueprint with the two routes of a kind of term."""
    blueprint = Blueprint(f"{term_kind.kind}s", __name__, url_prefix=term_kind.path, description=term_kind.text)
    title = term_kind.kind.title()
    path_param = slug_param(term_kind.kind)
    with_articles = type(f"{title}WithArticles", (term_kind.singular,), {"articles": fields.Nested(ArticleList)})
    one = type(f"{title}Response", (OutputSchema,), {"data": fields.Nested(with_articles, required=True)})

    @blueprint.route("")
    class Terms(MethodView):
        """The list of terms."""

        @blueprint.doc(
            operationId=f"list{title}s",
            summary=f"List {term_kind.kind}s",
            description=f"Return a page of {term_kind.kind}s, sorted by name, without those whose articles were all"
            " withdrawn.",
        )
        @blueprint.arguments(TermListParams(), location="query", error_status_code=400)
        @blueprint.response(200, term_kind.page)
        def get(self, query: pagination.Query) -> Response:
            """Return a page of terms."""
            return _list(term_kind, query)

    @blueprint.route("/<slug>", parameters=[path_param])
    class OneTerm(MethodView):
        """One term."""

        @blueprint.doc(
            operationId=f"get{title}",
            summary=f"Get {term_kind.indefinite_name}",
            description=f"Return the {term_kind.kind} with this slug. `include=articles` adds the first page of its"
            " articles, newest first.",
        )
        @blueprint.arguments(TermParams(), location="query", error_status_code=400)
        @blueprint.response(200, one)
        @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
        @blueprint.alt_response(404, "DEFAULT_ERROR", description="The slug does not exist")
        def get(self, query: pagination.Query, slug: str) -> Response:
            """Return one term."""
            return _one(term_kind, with_articles, query, slug)

    return blueprint


def _list(term_kind: TermKind, query: pagination.Query) -> Response:
    search_text, page_start = query.get("q"), None
    if "cursor" in query:
        search_text, page_start = _page_start(term_kind, query["cursor"])
    return cached_response(
        pagination.canonical_url(term_kind.path, query),
        query,
        lambda connection: _page(connection, term_kind, query, search_text=search_text, page_start=page_start),
    )


def _page(
    connection: Connection,
    term_kind: TermKind,
    query: pagination.Query,
    *,
    search_text: str | None,
    page_start: TermPageStart | None,
) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, {})
    folded = None if search_text is None else fold(search_text)
    page = term_queries.TermPage([])
    if folded != "":  # a text without letters or digits ("!?") matches no name
        page = term_queries.list_terms(
            connection, term_kind.kind, prefix=folded, page_start=page_start, limit=query["limit"]
        )
    dump = compile_dump(term_kind.singular)
    depends_on: set[dependencies.Dependency] = {snapshot.terms[term_kind.kind].id}
    times = {snapshot.terms[term_kind.kind].changed_at, page.changed_at}
    if page.may_gain_terms:
        depends_on.add(snapshot.everything.id)
        times.add(snapshot.everything.changed_at)
    for record in page.records:
        depends_on |= {record["facet_id"], *dependencies.parent_dependency(record)}
    items = [dump(app_context().presentation.term(term_kind.kind, record)) for record in page.records]
    cursors = (_cursor(term_kind, search_text, page.next), _cursor(term_kind, search_text, page.prev))
    body = pagination.list_response(term_kind.path, query, items, cursors)
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time(times),
        dependencies=frozenset(depends_on),
        surrogate_keys=("articles", f"{term_kind.kind}s"),
        link=pagination.link_header(body["links"]),
    )


def _one(term_kind: TermKind, schema: type[Schema], query: pagination.Query, slug: str) -> Response:
    valid_slug = slug if is_slug(slug) else ""  # no term has the empty slug
    url = pagination.canonical_url(f"{term_kind.path}/{valid_slug or quote(slug, safe='')}", query)
    return cached_response(
        url, query, lambda connection: _term(connection, term_kind, query, schema=schema, slug=valid_slug)
    )


def _term(
    connection: Connection, term_kind: TermKind, query: pagination.Query, *, schema: type[Schema], slug: str
) -> CachedResponse:
    presentation = app_context().presentation
    snapshot = facets.resolve_filters(connection, {term_kind.kind: (slug,)})
    term_page = term_queries.get_term(connection, term_kind.kind, slug, snapshot)
    record, times = term_page.records[0], {term_page.changed_at, snapshot.changed_at()}
    surrogate_key = dependencies.name_dependency(term_kind.kind, slug)
    depends_on: set[dependencies.Dependency] = {
        surrogate_key,
        record["facet_id"],
        *dependencies.parent_dependency(record),
    }
    if "articles" in query.get("include", ()):
        article_query = {"limit": ARTICLES_ON_TERM_PAGE, "sort": "-published_at", term_kind.kind: (slug,)}
        request = parse_list_request(ARTICLES_PATH, article_query)
        page = article_queries.list_page(connection, snapshot, request.list_query, limit=request.limit)
        summaries = [compile_dump(ArticleSummary)(presentation.summary(item)) for item in page.records]
        record["articles"] = request.response_body(summaries, (request.cursors(page)[0], None))
        times.add(page.changed_at)
        depends_on.update(dependencies.name_dependencies(page.records))
    data = compile_dump(schema)(presentation.term(term_kind.kind, record))
    caller = authorization.current_caller()
    if term_kind.kind == "author" and caller and caller.has_scope("drafts:read"):
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


def _page_start(term_kind: TermKind, cursor: str) -> tuple[str | None, TermPageStart]:
    """Return the search text and the page start that a cursor holds.

    Raises:
        CursorInvalid: The cursor is malformed or belongs to another list.
        CursorExpired: The cursor is too old.
    """
    value = app_context().cursors.read(cursor, now=app_context().now())
    if value[0] != term_kind.kind:
        raise CursorInvalid("This cursor belongs to another list.")
    return value[1], TermPageStart(*value[2:])


def _cursor(term_kind: TermKind, search_text: str | None, page_start: TermPageStart | None) -> str | None:
    if page_start is None:
        return None
    value: list[object] = [term_kind.kind, search_text, *page_start]
    return app_context().cursors.write(value, now=app_context().now())


blueprints = [_blueprint(kind) for kind in TERM_KINDS]
