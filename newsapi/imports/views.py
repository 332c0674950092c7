"""Imports: upload a file, follow its progress, cancel it. A worker does the import itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast
from uuid import UUID

from flask import Response, current_app, request
from flask.views import MethodView
from werkzeug.exceptions import BadRequest, RequestTimeout

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.db.database import Connection
from newsapi.errors import FieldError, InvalidParameter, NotFound, WrongMediaType
from newsapi.imports import jobs, mapping, queries
from newsapi.imports.jobs import ImportOptions
from newsapi.imports.mapping import MappingDocument
from newsapi.imports.registry import FORMATS_BY_NAME, IMPORT_FORMATS
from newsapi.imports.report import ImportReport, ReportDocument
from newsapi.imports.schemas import ImportList, ImportListParams, ImportParams, ImportResponse, ImportSchema
from newsapi.text.strict_json import InvalidJson
from newsapi.web import pagination, write_requests
from newsapi.web.authorization import require_caller
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.idempotency import StoredResponse
from newsapi.web.params import id_param
from newsapi.web.responses import private_response

PATH: Final = "/v1/imports"
blueprint = Blueprint("imports", __name__, url_prefix=PATH, description="Import files in the background")

_ID = id_param("import")
_BODY = {import_format.media_types[0]: {"schema": {"type": "string"}} for import_format in IMPORT_FORMATS}


@blueprint.route("")
class Imports(MethodView):
    """The imports."""

    @blueprint.doc(operationId="listImports", summary="List imports", **write_requests.requires_key())
    @blueprint.arguments(ImportListParams(), location="query", error_status_code=400)
    @blueprint.response(200, ImportList)
    @blueprint.documents_errors(400, 410)
    def get(self, query: pagination.Query) -> Response:
        """Return the imports of all keys, newest first."""
        return private_response(PATH, query, lambda connection: _page(connection, query))

    @blueprint.doc(
        operationId="createImport",
        summary="Import a file",
        description="Store a file and import it in the background; `Location` is the URL of the import. The setting"
        " `NEWSAPI_IMPORT_MAX_MB` limits the size. A file can be sent again: unchanged records have no effect.",
        requestBody={"required": True, "content": _BODY},
        **write_requests.requires_key(),
    )
    @blueprint.arguments(ImportParams(), location="query", error_status_code=400)
    @blueprint.response(202, ImportResponse, headers={"Location": write_requests.LOCATION_HEADER["Location"]})
    @blueprint.documents_errors(400, 408, 413)
    def post(self, query: pagination.Query) -> Response:
        """Import a file."""
        caller = require_caller()
        caller.require_scope("content:publish")
        media_types = FORMATS_BY_NAME[query["format"]].media_types
        if request.mimetype not in media_types or request.content_encoding not in {None, "identity"}:
            raise WrongMediaType(media_types[0])
        id_ = jobs.create_import(
            app_context().write_context,
            caller,
            _iter_chunks(),
            options=ImportOptions(query["format"], _parse_mapping(query["map"]), query["overwrite"]),
        )
        with app_context().database.read_transaction() as connection:
            body = _dump_import(connection, id_)
        return write_requests.write_response(
            StoredResponse(202, {"Location": f"{app_context().settings.api_url}{PATH}/{id_}"}, body)
        )


@blueprint.route("/<uuid:id>", parameters=[_ID])
class OneImport(MethodView):
    """One import."""

    @blueprint.doc(operationId="getImport", summary="Get an import", **write_requests.requires_key())
    @blueprint.response(200, ImportResponse)
    @blueprint.documents_errors(404)
    def get(self, id: UUID) -> Response:  # noqa: A002 (the name of the path parameter)
        """Return the state and the counts of an import, and the errors of rejected records."""
        write_requests.reject_query_params()
        with app_context().database.read_transaction() as connection:
            return Response(_dump_import(connection, id), content_type=write_requests.JSON)

    @blueprint.doc(operationId="cancelImport", summary="Cancel an import", **write_requests.requires_key())
    @blueprint.response(200, ImportResponse)
    @blueprint.documents_errors(404, 409)
    def delete(self, id: UUID) -> Response:  # noqa: A002 (the name of the path parameter)
        """Stop an import. Records that were already imported stay."""
        write_requests.reject_query_params()
        jobs.cancel(
            app_context().write_context,
            require_caller(),
            id,
            on_finished=current_app.extensions["newsapi-import-finished"],
        )
        with app_context().database.read_transaction() as connection:
            return write_requests.write_response(StoredResponse(200, {}, _dump_import(connection, id)))


def _parse_mapping(text: str | None) -> MappingDocument | None:
    """Return the category mapping of a request.

    Raises:
        InvalidParameter: `map` is not a valid mapping.
    """
    try:
        return None if text is None else mapping.parse_mapping(text.encode())
    except InvalidJson as error:
        raise InvalidParameter([FieldError("map", str(error))]) from error


def _iter_chunks() -> Iterator[bytes]:
    """Yield the request body in chunks of `CHUNK_BYTES` while it arrives; only one chunk is in memory at a time.

    Raises:
        BadRequest: The connection ended before the whole body arrived.
        RequestTimeout: The body arrived too slowly.
    """
    request.max_content_length = app_context().settings.import_max_mb << 20
    stream = request.stream
    chunk = b""
    try:
        while data := stream.read(queries.PART_BYTES - len(chunk)):
            chunk += data
            if len(chunk) == queries.PART_BYTES:
                yield chunk
                chunk = b""
    except TimeoutError as error:
        raise RequestTimeout("The request body arrived too slowly.") from error
    except EOFError as error:
        raise BadRequest("The connection ended before the whole request body arrived.") from error
    if chunk:
        yield chunk


def _dump_import(connection: Connection, id_: UUID) -> str:
    row = queries.get_import(connection, id_)
    if row is None:
        raise NotFound
    return dump_json({"data": _dump_row(dict(row._mapping))}).decode()  # noqa: SLF001 (documented API of SQLAlchemy rows)


def _dump_row(row: Mapping[str, object]) -> dict[str, object]:
    """Return an import job as the API shows it."""
    stored = cast("ReportDocument", {**cast("ReportDocument", row["report"]), "errors": row["errors"]})
    return compile_dump(ImportSchema)({**ImportReport.from_json(stored).to_json(), **row})


def _page(connection: Connection, query: pagination.Query) -> CachedResponse:
    before = None
    if "cursor" in query:
        (last_id,) = pagination.cursor_payload(query, "imports")
        before = UUID(last_id)
    rows = queries.list_imports(connection, limit=query["limit"] + 1, before=before)
    return pagination.newest_first_page(connection, PATH, query, rows, _dump_row, "imports")
