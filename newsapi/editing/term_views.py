"""Term writes: create, update, delete and merge brands, authors, sections and tags, the same for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from newsapi.content.context import app_context
from newsapi.content.queries import facets
from newsapi.content.queries import terms as term_queries
from newsapi.content.schemas.term_kinds import TERM_KINDS, TermKind
from newsapi.content.schemas.terms import EditorAuthor
from newsapi.content.writes import terms as term_writes
from newsapi.content.writes.writer import WriteResult
from newsapi.db.database import Connection, Session
from newsapi.editing import merges, queries, term_commands
from newsapi.editing.schemas import Merge, MergeInput, MergeResponse
from newsapi.editing.term_commands import TermName
from newsapi.errors import NotFound
from newsapi.web import write_requests
from newsapi.web.authorization import require_caller
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.idempotency import SaveResponse, StoredResponse, without_key
from newsapi.web.params import id_param, slug_param
from newsapi.web.patch_schemas import patch_schema
from newsapi.web.wire import OutputSchema, load_body

MERGE_SCHEMA: Final = MergeInput()

editing_blueprint = Blueprint(
    "term-editing", __name__, url_prefix="/v1", description="Create, update, delete and merge terms"
)


def _term_response(
    term_kind: TermKind, status: int, *, location: bool = False, save: SaveResponse = without_key
) -> Callable[[Session, WriteResult], StoredResponse]:
    """Return a function that builds the response of a term write inside the transaction of the write.

    Args:
        term_kind: The kind of term.
        status: Status code of the response.
        location: Whether to send a `Location` header with the URL of the term.
        save: Stores the response for its idempotency key.

    Returns:
        The function; it takes the session and the result of the write.
    """

    def read_back(session: Session, result: WriteResult) -> StoredResponse:
        connection = session.connection()
        snapshot = facets.resolve_filters(connection, {})
        row = term_queries.get_term(connection, term_kind.kind, result.slug, snapshot).records[0]
        record = app_context().presentation.term(term_kind.kind, row)
        if term_kind.kind == "author":
            record["email"] = term_writes.author_email(connection, result.slug)
        headers = {"ETag": f'"v{result.version}"'}
        if result.seq:
            headers["Content-Seq"] = str(result.seq)
        if location:
            headers["Location"] = f"{app_context().settings.api_url}{term_kind.path}/{result.slug}"
        body = dump_json({"data": compile_dump(_term_schema(term_kind))(record)}).decode()
        return save(session, StoredResponse(status, headers, body))

    return read_back


def _term_schema(term_kind: TermKind) -> type[Schema]:
    return EditorAuthor if term_kind.kind == "author" else term_kind.singular


def _add_term_kind(term_kind: TermKind) -> None:
    """Add the write routes of a kind of term."""
    kind = term_kind.kind
    data = fields.Nested(_term_schema(term_kind), required=True)
    result_schema = type(f"{kind.title()}WriteResult", (OutputSchema,), {"data": data})
    _add_collection(term_kind, result_schema)
    path_param = slug_param(kind)
    _add_item(term_kind, result_schema, path_param)
    _add_merge(term_kind, path_param)


def _route(term_kind: TermKind) -> str:
    """Return the path of a kind of term below the prefix of the blueprint."""
    return f"/{term_kind.kind}s"


def _add_collection(term_kind: TermKind, result_schema: type[Schema]) -> None:
    """Add the route that creates terms."""
    title, schema = term_kind.kind.title(), term_commands.SCHEMAS[term_kind.kind]

    @editing_blueprint.route(_route(term_kind))
    class NewTerm(MethodView):
        """The collection of terms."""

        @editing_blueprint.doc(
            operationId=f"create{title}",
            summary=f"Create {term_kind.indefinite_name}",
            description=f"Create {term_kind.indefinite_name}, which is public at once. Without `slug`, the slug is made"
            " from the name.",
            **write_requests.documents_body(schema, with_idempotency_key=True),
        )
        @editing_blueprint.response(201, result_schema, headers=write_requests.LOCATION_HEADER)
        @editing_blueprint.documents_errors(409)
        def post(self) -> Response:
            """Create a term."""
            body, caller = write_requests.json_body(), require_caller()
            return write_requests.idempotent(
                lambda save: term_commands.create(
                    app_context().write_context,
                    caller,
                    term_kind.kind,
                    body,
                    _term_response(term_kind, 201, location=True, save=save),
                )
            )


def _add_item(term_kind: TermKind, result_schema: type[Schema], path_param: dict[str, object]) -> None:
    """Add the routes that update and delete a term."""
    title = term_kind.kind.title()
    schema = patch_schema(term_commands.SCHEMAS[term_kind.kind], f"{title}Patch")

    @editing_blueprint.route(f"{_route(term_kind)}/<slug>", parameters=[path_param])
    class WrittenTerm(MethodView):
        """One term."""

        @editing_blueprint.doc(
            operationId=f"update{title}",
            summary=f"Update or rename {term_kind.indefinite_name}",
            description="Apply a JSON merge patch (RFC 7396): null removes a value, omitted fields stay. `If-Match` is"
            " required. After a change of the slug, the former slug redirects (308).",
            **write_requests.documents_body(schema, media_type=write_requests.PATCH, versioned=True),
        )
        @editing_blueprint.response(200, result_schema, headers=write_requests.ETAG_HEADER)
        @editing_blueprint.documents_errors(404, 409, 412, 428)
        def patch(self, slug: str) -> Response:
            """Update a term."""
            body = write_requests.json_body(write_requests.PATCH)
            return write_requests.write_response(
                term_commands.update(
                    app_context().write_context,
                    require_caller(),
                    TermName(term_kind.kind, slug),
                    body,
                    _term_response(term_kind, 200),
                    precondition=write_requests.parse_if_match(),
                )
            )

        @editing_blueprint.doc(
            operationId=f"delete{title}",
            summary=f"Delete {term_kind.indefinite_name}",
            description=f"Delete {term_kind.indefinite_name} that no article uses, whatever the status of the article."
            f" Merge {term_kind.indefinite_name} that is in use into another one.",
            **write_requests.requires_key(),
        )
        @editing_blueprint.response(204)
        @editing_blueprint.documents_errors(404, 409)
        def delete(self, slug: str) -> Response:
            """Delete a term."""
            write_requests.reject_query_params()
            seq = term_commands.delete(app_context().write_context, require_caller(), TermName(term_kind.kind, slug))
            return write_requests.write_response(StoredResponse(204, {"Content-Seq": str(seq)}, ""))


def _add_merge(term_kind: TermKind, path_param: dict[str, object]) -> None:
    """Add the route that merges a term into another."""
    title = term_kind.kind.title()

    @editing_blueprint.route(f"{_route(term_kind)}/<slug>/merge", parameters=[path_param])
    class MergedTerm(MethodView):
        """The merge of a term into another."""

        @editing_blueprint.doc(
            operationId=f"merge{title}",
            summary=f"Merge {term_kind.indefinite_name} into another",
            description="Start a merge, which the worker executes in batches: it moves the articles first, then the"
            " slugs redirect to the other term. `Location` is the URL of the merge.",
            **write_requests.documents_body(MergeInput),
        )
        @editing_blueprint.response(202, MergeResponse)
        @editing_blueprint.documents_errors(404, 409)
        def post(self, slug: str) -> Response:
            """Merge a term into another."""
            into = load_body(MERGE_SCHEMA, write_requests.json_body())["into"]
            id_ = merges.request_merge(app_context().write_context, require_caller(), term_kind.kind, slug, into)
            with app_context().database.read_transaction() as connection:
                body = _merge(connection, id_)
            return write_requests.write_response(
                StoredResponse(202, {"Location": f"{app_context().settings.api_url}/v1/merges/{id_}"}, body)
            )


for _term_kind in TERM_KINDS:
    _add_term_kind(_term_kind)

blueprint = Blueprint("merges", __name__, url_prefix="/v1/merges", description="Progress of term merges")
blueprints = [editing_blueprint, blueprint]


@blueprint.route("/<uuid:id>", parameters=[id_param("merge")])
class OneMerge(MethodView):
    """One merge."""

    @blueprint.doc(operationId="getMerge", summary="Get a merge", **write_requests.requires_key())
    @blueprint.response(200, MergeResponse)
    @blueprint.documents_errors(404)
    def get(self, id: UUID) -> Response:  # noqa: A002 (the name of the path parameter)
        """Return the state of a merge, and the number of articles moved so far."""
        write_requests.reject_query_params()
        with app_context().database.read_transaction() as connection:
            return Response(_merge(connection, id), content_type=write_requests.JSON)


def _merge(connection: Connection, id_: UUID) -> str:
    row = queries.find_merge(connection, id_)
    if row is None:
        raise NotFound
    return dump_json({"data": compile_dump(Merge)(row._asdict())}).decode()
