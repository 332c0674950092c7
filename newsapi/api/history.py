"""The history of an article: its versions, one of them, what two say differently, and the way back."""

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

blueprint = Blueprint("history", __name__, url_prefix=PATH, description="What articles were")

NUMBER = {"in": "path", "name": "number", "description": "Number of the version", "schema": {"type": "integer"}}
_BLOCK = re.compile(r"(?<=>)(?=<(?:p|h[1-6]|ul|ol|li|figure|blockquote|table|tr|iframe|div)\b)")


@blueprint.route("/<which>/revisions", parameters=[WHICH])
class Revisions(MethodView):
    """All versions."""

    @blueprint.doc(operationId="listRevisions", summary="The versions of an article", **bodies.keyed())
    @blueprint.arguments(RevisionsQuery(), location="query", error_status_code=400)
    @blueprint.response(200, MadeList)
    @blueprint.write(400, 404)
    def get(self, query: paging.Query, which: str) -> Response:
        """When each was made and by whom, the last first."""
        name, path = naming(which)
        address = f"{path}/revisions"
        return private(address, query, lambda connection: _list(connection, name, address, query))


@blueprint.route("/<which>/revisions/<int:number>", parameters=[WHICH, NUMBER])
class OneRevision(MethodView):
    """One version."""

    @blueprint.doc(operationId="getRevision", summary="One version of an article", **bodies.keyed())
    @blueprint.response(200, VersionOne)
    @blueprint.write(404)
    def get(self, which: str, number: int) -> Response:
        """All that it said; what it referred to is named by slugs."""
        bodies.plain()
        name, path = naming(which)

        def build(connection: Connection) -> Answer:
            found = articles.find_any(connection, name)
            return _answer(found, {"data": _version(connection, found, number)})

        return private(path, {}, build)


@blueprint.route("/<which>/revisions/<int:number>/diff", parameters=[WHICH, NUMBER])
class RevisionDiff(MethodView):
    """Two versions beside each other."""

    @blueprint.doc(operationId="diffRevisions", summary="What two versions say differently", **bodies.keyed())
    @blueprint.arguments(DiffQuery(), location="query", error_status_code=400)
    @blueprint.response(200, DiffOne)
    @blueprint.write(400, 404)
    def get(self, query: Mapping[str, int], which: str, number: int) -> Response:
        """Field by field, from the version before or the one that `from` names; a body also line by line."""
        name, path = naming(which)
        since = query.get("since", max(number - 1, 1))

        def build(connection: Connection) -> Answer:
            found = articles.find_any(connection, name)
            before, after = (_version(connection, found, which_)["content"] for which_ in (since, number))
            return _answer(found, {"data": {"before": since, "after": number, "differences": _diff(before, after)}})

        return private(path, {}, build)


@blueprint.route("/<which>/revisions/<int:number>/restore", parameters=[WHICH, NUMBER])
class Restored(MethodView):
    """The way back."""

    @blueprint.doc(operationId="restoreRevision", summary="Bring a version back", **bodies.taken(versioned=True))
    @blueprint.response(200, DeskArticleOne, headers=bodies.TAGGED)
    @blueprint.write(404, 412)
    def post(self, which: str, number: int) -> Response:
        """A new version that says what that one said; status, time of publication and slug stay as they are."""
        bodies.body(needed=False)
        name, _ = naming(which)
        return bodies.once(
            lambda keep: actions.restore(
                parts().desk, writer(), name, number, reply(200, keep=keep), versions=bodies.versions()
            )
        )


def _answer(found: Found, body: dict[str, Any]) -> Answer:
    return Answer(body=json(body), seq=found.seq, mark=found.mark)


def _list(connection: Connection, which: Any, path: str, query: paging.Query) -> Answer:
    found = articles.find_any(connection, which)
    born = revisions.born(connection, found.id)
    if born is None:
        raise NotFound
    top = int(paging.behind(query, "revisions", found.id.hex)[0]) if "cursor" in query else born.version
    rows = revisions.made(connection, found.id, below=top, most=query["limit"])
    made = [{"number": row.number + 1, "at": row.replaced_at, "by": row.replaced_by} for row in rows]
    if len(made) < query["limit"]:
        made.append({"number": 1, "at": born.created_at, "by": deeds.first(connection, found.id) or "import"})
    last = made[-1]["number"]
    after = parts().cursors.write(["revisions", found.id.hex, last - 1], now=parts().now()) if last > 1 else None
    body = paging.envelope(path, query, made, (after, None))
    return Answer(body=json(body), seq=found.seq, mark=found.mark, link=paging.link_header(body["links"]))


def _version(connection: Connection, found: Found, number: int) -> dict[str, Any]:
    born = revisions.born(connection, found.id)
    if born is None or not 1 <= number <= born.version:
        raise NotFound
    before = revisions.one(connection, found.id, number - 1)
    made: dict[str, Any] = {"number": number}
    if before is not None:
        made |= {"at": before.replaced_at, "by": before.replaced_by}
    else:
        made |= {"at": born.created_at, "by": deeds.first(connection, found.id) or "import"}
    row = revisions.one(connection, found.id, number)
    content = row.content if row else bulk.content(states.whole(connection, found.id))
    return made | {"content": {name: _plain(value) for name, value in content.items()}}


def _diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fields in the order of their names."""
    found = []
    for field in sorted(before.keys() | after.keys()):
        old, new = before.get(field), after.get(field)
        if old != new:
            one = {"field": field, "before": old, "after": new}
            if field == "body_html":
                lines = difflib.ndiff(_BLOCK.split(str(old)), _BLOCK.split(str(new)))
                one["lines"] = [line for line in lines if line[0] in "+-"]
            found.append(one)
    return found


def _plain(value: Any) -> Any:
    """Write a time as all our answers do, whether it comes from history or from the present version."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        return value.removesuffix("Z").removesuffix("+00:00") + "Z"
    return f"{value.isoformat().removesuffix('+00:00')}Z" if isinstance(value, datetime) else value


_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", re.ASCII)
