"""Revisions of an article: list, read, compare and restore."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response
from flask.views import MethodView

from newsapi.actions import articles as actions
from newsapi.api import bodies, paging
from newsapi.api.access import writer
from newsapi.api.answers import private
from newsapi.api.articles import PATH, WHICH, naming
from newsapi.api.blueprints import Blueprint
from newsapi.api.desk import reply
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer
from newsapi.errors import NotFound
from newsapi.schemas.articles import DeskArticleOne
from newsapi.schemas.desk import DiffOne, DiffQuery, MadeList, RevisionsQuery, VersionOne
from newsapi.schemas.dump import json
from newsapi.store import articles, bulk, deeds, revisions, states
from newsapi.store.articles import Found
from newsapi.store.database import Connection

blueprint = Blueprint("history", __name__, url_prefix=PATH, description="Revisions of articles")

NUMBER = {
    "in": "path",
    "name": "number",
    "description": "Number of the revision, from 1",
    "schema": {"type": "integer"},
}
_BLOCK = re.compile(r"(?<=>)(?=<(?:p|h[1-6]|ul|ol|li|figure|blockquote|table|tr|iframe|div)\b)")


@blueprint.route("/<which>/revisions", parameters=[WHICH])
class Revisions(MethodView):
    """The revisions of an article."""

    @blueprint.doc(operationId="listRevisions", summary="List the revisions of an article", **bodies.keyed())
    @blueprint.arguments(RevisionsQuery(), location="query", error_status_code=400)
    @blueprint.response(200, MadeList)
    @blueprint.write(400, 404)
    def get(self, query: paging.Query, which: str) -> Response:
        """Return when and by whom each revision was made, newest first."""
        name, path = naming(which)
        url_path = f"{path}/revisions"
        return private(url_path, query, lambda connection: _list(connection, name, url_path, query))


@blueprint.route("/<which>/revisions/<int:number>", parameters=[WHICH, NUMBER])
class OneRevision(MethodView):
    """One revision."""

    @blueprint.doc(operationId="getRevision", summary="Get a revision of an article", **bodies.keyed())
    @blueprint.response(200, VersionOne)
    @blueprint.write(404)
    def get(self, which: str, number: int) -> Response:
        """Return the full content of a revision; brands, authors, sections, tags and articles are given as slugs."""
        bodies.plain()
        name, path = naming(which)

        def build(connection: Connection) -> Answer:
            ref = articles.find_any(connection, name)
            return _answer(ref, {"data": _version(connection, ref, number)})

        return private(path, {}, build)


@blueprint.route("/<which>/revisions/<int:number>/diff", parameters=[WHICH, NUMBER])
class RevisionDiff(MethodView):
    """The differences between two revisions."""

    @blueprint.doc(operationId="diffRevisions", summary="Compare two revisions of an article", **bodies.keyed())
    @blueprint.arguments(DiffQuery(), location="query", error_status_code=400)
    @blueprint.response(200, DiffOne)
    @blueprint.write(400, 404)
    def get(self, query: Mapping[str, int], which: str, number: int) -> Response:
        """Return the fields that differ from the previous revision, or from the one that `from` names.

        For `body_html`, `lines` also lists the removed (`-`) and the added (`+`) HTML blocks.
        """
        name, path = naming(which)
        since = query.get("since", max(number - 1, 1))

        def build(connection: Connection) -> Answer:
            ref = articles.find_any(connection, name)
            before = _version(connection, ref, since)["content"]
            after = _version(connection, ref, number)["content"]
            return _answer(ref, {"data": {"before": since, "after": number, "differences": _diff(before, after)}})

        return private(path, {}, build)


@blueprint.route("/<which>/revisions/<int:number>/restore", parameters=[WHICH, NUMBER])
class Restored(MethodView):
    """Restoring a revision."""

    @blueprint.doc(
        operationId="restoreRevision",
        summary="Restore a revision of an article",
        description="Create a new revision with the content of an earlier one. Status, publication time and slug do not"
        " change.",
        **bodies.taken(versioned=True),
    )
    @blueprint.response(200, DeskArticleOne, headers=bodies.TAGGED)
    @blueprint.write(404, 412)
    def post(self, which: str, number: int) -> Response:
        """Restore a revision."""
        bodies.body(needed=False)
        name, _ = naming(which)
        return bodies.once(
            lambda save: actions.restore(
                parts().desk, writer(), name, number, reply(200, keep=save), versions=bodies.versions()
            )
        )


def _answer(ref: Found, body: dict[str, Any]) -> Answer:
    return Answer(body=json(body), seq=ref.seq, mark=ref.mark)


def _list(connection: Connection, name: Any, path: str, query: paging.Query) -> Answer:
    ref = articles.find_any(connection, name)
    creation = revisions.born(connection, ref.id)
    if creation is None:
        raise NotFound
    top = int(paging.behind(query, "revisions", ref.id.hex)[0]) if "cursor" in query else creation.version
    rows = revisions.made(connection, ref.id, below=top, most=query["limit"])
    # A row holds the content that a write replaced: the write made the next revision.
    items = [{"number": row.number + 1, "at": row.replaced_at, "by": row.replaced_by} for row in rows]
    if len(items) < query["limit"]:
        items.append({"number": 1, "at": creation.created_at, "by": _creator(connection, ref)})
    last = items[-1]["number"]
    cursor = parts().cursors.write(["revisions", ref.id.hex, last - 1], now=parts().now()) if last > 1 else None
    body = paging.envelope(path, query, items, (cursor, None))
    return Answer(body=json(body), seq=ref.seq, mark=ref.mark, link=paging.link_header(body["links"]))


def _version(connection: Connection, ref: Found, number: int) -> dict[str, Any]:
    creation = revisions.born(connection, ref.id)
    if creation is None or not 1 <= number <= creation.version:
        raise NotFound
    previous = revisions.one(connection, ref.id, number - 1)
    revision: dict[str, Any] = {"number": number}
    if previous is not None:
        revision |= {"at": previous.replaced_at, "by": previous.replaced_by}
    else:
        revision |= {"at": creation.created_at, "by": _creator(connection, ref)}
    row = revisions.one(connection, ref.id, number)
    content = row.content if row else bulk.content(states.whole(connection, ref.id))
    return revision | {"content": {name: _plain(value) for name, value in content.items()}}


def _creator(connection: Connection, ref: Found) -> str:
    """Return who created an article; imports write no audit entries."""
    return deeds.first(connection, ref.id) or "import"


def _diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fields that differ, sorted by name."""
    differences = []
    for field in sorted(before.keys() | after.keys()):
        old, new = before.get(field), after.get(field)
        if old == new:
            continue
        difference = {"field": field, "before": old, "after": new}
        if field == "body_html":
            lines = difflib.ndiff(_BLOCK.split(str(old)), _BLOCK.split(str(new)))
            difference["lines"] = [line for line in lines if line[0] in "+-"]
        differences.append(difference)
    return differences


def _plain(value: Any) -> Any:
    """Return a value with times in the format of the API: stored revisions and the current one differ in it."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        return value.removesuffix("Z").removesuffix("+00:00") + "Z"
    return f"{value.isoformat().removesuffix('+00:00')}Z" if isinstance(value, datetime) else value


_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", re.ASCII)
