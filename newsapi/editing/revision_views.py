"""Revisions of an article: list, read, compare and restore."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NotRequired, TypedDict
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.content.presentation.article_paths import ARTICLES_PATH, SLUG_OR_ID_PARAM, parse_name
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import revisions, snapshots
from newsapi.content.queries.articles import ArticleRef
from newsapi.content.schemas.articles import EditorArticleResponse
from newsapi.content.writes import articles as article_writes
from newsapi.db.database import Connection
from newsapi.editing import commands
from newsapi.editing.article_views import article_response, edit_target, editor_response
from newsapi.editing.schemas import (
    RevisionDiffParams,
    RevisionDiffResponse,
    RevisionList,
    RevisionListParams,
    RevisionResponse,
)
from newsapi.errors import NotFound
from newsapi.keys import audit
from newsapi.web import pagination, write_requests
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import dump_json
from newsapi.web.responses import private_response

blueprint = Blueprint("revisions", __name__, url_prefix=ARTICLES_PATH, description="Revisions of articles")

NUMBER_PARAM: Final = {
    "in": "path",
    "name": "number",
    "description": "Number of the revision, from 1",
    "schema": {"type": "integer"},
}
_BLOCK_START: Final = re.compile(r"(?<=>)(?=<(?:p|h[1-6]|ul|ol|li|figure|blockquote|table|tr|iframe|div)\b)")


class RevisionRecord(TypedDict):
    """A revision with its content, as the API returns it."""

    number: int
    at: datetime
    by: str
    content: dict[str, object]


class FieldDifference(TypedDict):
    """A field that differs between two revisions; `lines` are those of a body that were removed or added."""

    field: str
    before: object
    after: object
    lines: NotRequired[list[str]]


@blueprint.route("/<slug_or_id>/revisions", parameters=[SLUG_OR_ID_PARAM])
class Revisions(MethodView):
    """The revisions of an article."""

    @blueprint.doc(
        operationId="listRevisions", summary="List the revisions of an article", **write_requests.requires_key()
    )
    @blueprint.arguments(RevisionListParams(), location="query", error_status_code=400)
    @blueprint.response(200, RevisionList)
    @blueprint.documents_errors(400, 404)
    def get(self, query: pagination.Query, slug_or_id: str) -> Response:
        """Return when and by whom each revision was made, newest first."""
        name, path = parse_name(slug_or_id)
        url_path = f"{path}/revisions"
        return private_response(url_path, query, lambda connection: _revision_page(connection, name, url_path, query))


@blueprint.route("/<slug_or_id>/revisions/<int:number>", parameters=[SLUG_OR_ID_PARAM, NUMBER_PARAM])
class OneRevision(MethodView):
    """One revision."""

    @blueprint.doc(operationId="getRevision", summary="Get a revision of an article", **write_requests.requires_key())
    @blueprint.response(200, RevisionResponse)
    @blueprint.documents_errors(404)
    def get(self, slug_or_id: str, number: int) -> Response:
        """Return the full content of a revision; brands, authors, sections, tags and articles are given as slugs."""
        return editor_response(
            slug_or_id,
            lambda connection, ref: _cached_response(ref, {"data": _get_revision(connection, ref, number)}),
        )


@blueprint.route("/<slug_or_id>/revisions/<int:number>/diff", parameters=[SLUG_OR_ID_PARAM, NUMBER_PARAM])
class RevisionDiff(MethodView):
    """The differences between two revisions."""

    @blueprint.doc(
        operationId="diffRevisions", summary="Compare two revisions of an article", **write_requests.requires_key()
    )
    @blueprint.arguments(RevisionDiffParams(), location="query", error_status_code=400)
    @blueprint.response(200, RevisionDiffResponse)
    @blueprint.documents_errors(400, 404)
    def get(self, query: Mapping[str, int], slug_or_id: str, number: int) -> Response:
        """Return the fields that differ from the previous revision, or from the one that `from` names.

        For `body_html`, `lines` also lists the removed (`-`) and the added (`+`) HTML blocks.
        """
        name, path = parse_name(slug_or_id)
        since = query.get("since", max(number - 1, 1))

        def build(connection: Connection) -> CachedResponse:
            ref = article_queries.get_any(connection, name)
            before = _get_revision(connection, ref, since)["content"]
            after = _get_revision(connection, ref, number)["content"]
            return _cached_response(
                ref, {"data": {"before": since, "after": number, "differences": _diff(before, after)}}
            )

        return private_response(path, {}, build)


@blueprint.route("/<slug_or_id>/revisions/<int:number>/restore", parameters=[SLUG_OR_ID_PARAM, NUMBER_PARAM])
class RevisionRestore(MethodView):
    """Restoring a revision."""

    @blueprint.doc(
        operationId="restoreRevision",
        summary="Restore a revision of an article",
        description="Create a new revision with the content of an earlier one. Status, publication time and slug do not"
        " change.",
        **write_requests.documents_body(versioned=True),
    )
    @blueprint.response(200, EditorArticleResponse, headers=write_requests.ETAG_HEADER)
    @blueprint.documents_errors(404, 412)
    def post(self, slug_or_id: str, number: int) -> Response:
        """Restore a revision."""
        write_requests.json_body(required=False)
        target = edit_target(slug_or_id)
        return write_requests.idempotent(
            lambda save: commands.restore(app_context().write_context, target, number, article_response(200, save=save))
        )


def _cached_response(ref: ArticleRef, body: Mapping[str, object]) -> CachedResponse:
    return CachedResponse(body=dump_json(body), seq=ref.seq, nonce=ref.nonce)


def _revision_page(connection: Connection, name: str | UUID, path: str, query: pagination.Query) -> CachedResponse:
    ref = article_queries.get_any(connection, name)
    creation = revisions.creation_of(connection, ref.id)
    if creation is None:
        raise NotFound
    top = int(pagination.cursor_payload(query, "revisions", ref.id.hex)[0]) if "cursor" in query else creation.version
    rows = revisions.list_revisions(connection, ref.id, below=top, limit=query["limit"])
    # A row holds the content that a write replaced: the write made the next revision.
    items = [{"number": row.number + 1, "at": row.replaced_at, "by": row.replaced_by} for row in rows]
    if len(items) < query["limit"]:
        items.append({"number": 1, "at": creation.created_at, "by": _creator(connection, ref)})
    last = items[-1]["number"]
    cursor = (
        app_context().cursors.write(["revisions", ref.id.hex, last - 1], now=app_context().now()) if last > 1 else None
    )
    body = pagination.list_response(path, query, items, (cursor, None))
    return CachedResponse(
        body=dump_json(body), seq=ref.seq, nonce=ref.nonce, link=pagination.link_header(body["links"])
    )


def _get_revision(connection: Connection, ref: ArticleRef, number: int) -> RevisionRecord:
    creation = revisions.creation_of(connection, ref.id)
    if creation is None or not 1 <= number <= creation.version:
        raise NotFound
    previous = revisions.get_revision(connection, ref.id, number - 1)
    if previous is not None:
        at, by = previous.replaced_at, previous.replaced_by
    else:
        at, by = creation.created_at, _creator(connection, ref)
    row = revisions.get_revision(connection, ref.id, number)
    content = row.content if row else article_writes.revision_content(snapshots.get_snapshot(connection, ref.id))
    values = {name: _json_value(value) for name, value in content.items()}
    return {"number": number, "at": at, "by": by, "content": values}


def _creator(connection: Connection, ref: ArticleRef) -> str:
    """Return who created an article; imports write no audit entries."""
    return audit.creator_of(connection, ref.id) or "import"


def _diff(before: Mapping[str, object], after: Mapping[str, object]) -> list[FieldDifference]:
    """Return the fields that differ, sorted by name."""
    differences = []
    for field in sorted(before.keys() | after.keys()):
        old, new = before.get(field), after.get(field)
        if old == new:
            continue
        difference: FieldDifference = {"field": field, "before": old, "after": new}
        if field == "body_html":
            lines = difflib.ndiff(_BLOCK_START.split(str(old)), _BLOCK_START.split(str(new)))
            difference["lines"] = [line for line in lines if line[0] in "+-"]
        differences.append(difference)
    return differences


def _json_value(value: object) -> object:
    """Return a value with times in the format of the API: stored revisions and the current one differ in it."""
    if isinstance(value, str) and _STORED_TIME.fullmatch(value):
        return value.removesuffix("Z").removesuffix("+00:00") + "Z"
    return f"{value.isoformat().removesuffix('+00:00')}Z" if isinstance(value, datetime) else value


_STORED_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", re.ASCII)
