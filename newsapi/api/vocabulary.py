"""Term writes: create, update, delete and merge brands, authors, sections and tags, the same for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from newsapi.actions import merges, patches
from newsapi.actions import taxonomy as actions
from newsapi.actions.repeats import Keep, Reply, plainly
from newsapi.actions.writing import Done
from newsapi.api import bodies
from newsapi.api.access import writer
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.api.taxonomy import NOUNS, Noun
from newsapi.errors import NotFound
from newsapi.schemas.desk import Merge, MergeIn, MergeOne
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.queries import ONE_NAME
from newsapi.schemas.taxonomy import DeskAuthor
from newsapi.schemas.wire import Out
from newsapi.store import facets, taxonomy, vocabulary
from newsapi.store import merges as store
from newsapi.store.database import Connection, Session

MERGE = MergeIn()


def _reply(
    term_kind: Noun, status: int, *, location: bool = False, save: Keep = plainly
) -> Callable[[Session, Done], Reply]:
    """Return a function that builds the response of a term write inside the transaction of the write.

    Args:
        term_kind: The kind of term.
        status: Status code of the response.
        location: Whether to send a `Location` header with the URL of the term.
        save: Stores the response for its idempotency key.

    Returns:
        The function; it takes the session and the result of the write.
    """

    def read_back(session: Session, result: Done) -> Reply:
        connection = session.connection()
        snapshot = facets.truth(connection, {})
        row = taxonomy.by_slug(connection, term_kind.kind, result.slug, snapshot).records[0]
        record = parts().presentation.term(term_kind.kind, row)
        if term_kind.kind == "author":
            record["email"] = vocabulary.email(connection, result.slug)
        headers = {"ETag": f'"v{result.version}"'}
        if result.seq:
            headers["Content-Seq"] = str(result.seq)
        if location:
            headers["Location"] = f"{parts().settings.api_url}{term_kind.path}/{result.slug}"
        body = json({"data": compiled(_shown(term_kind))(record)}).decode()
        return save(session, Reply(status, headers, body))

    return read_back


def _shown(term_kind: Noun) -> Any:
    return DeskAuthor if term_kind.kind == "author" else term_kind.item


def _blueprint(term_kind: Noun) -> Blueprint:
    """Return the blueprint with the write routes of a kind of term."""
    kind = term_kind.kind
    blueprint = Blueprint(f"{kind}s-desk", __name__, url_prefix=term_kind.path, description=term_kind.text)
    data = fields.Nested(_shown(term_kind), required=True)
    result_schema = type(f"{kind.title()}Written", (Out,), {"data": data})
    which = {"in": "path", "name": "slug", "description": f"Slug of the {kind}", "schema": ONE_NAME}
    _add_collection(blueprint, term_kind, result_schema)
    _add_item(blueprint, term_kind, result_schema, which)
    _add_merge(blueprint, term_kind, which)
    return blueprint


def _add_collection(blueprint: Blueprint, term_kind: Noun, result_schema: type[Schema]) -> None:
    """Add the route that creates terms."""
    title, schema = term_kind.kind.title(), actions.SCHEMAS[term_kind.kind]

    @blueprint.route("")
    class NewTerm(MethodView):
        """The collection of terms."""

        @blueprint.doc(
            operationId=f"create{title}",
            summary=f"Create {term_kind.indefinite_name}",
            description=f"Create {term_kind.indefinite_name}, which is public at once. Without `slug`, the slug is made"
            " from the name.",
            **bodies.taken(schema, once=True),
        )
        @blueprint.response(201, result_schema, headers=bodies.MADE)
        @blueprint.write(409)
        def post(self) -> Response:
            """Create a term."""
            body, caller = bodies.body(), writer()
            return bodies.once(
                lambda save: actions.create(
                    parts().desk, caller, term_kind.kind, body, _reply(term_kind, 201, location=True, save=save)
                )
            )


def _add_item(blueprint: Blueprint, term_kind: Noun, result_schema: type[Schema], which: dict[str, Any]) -> None:
    """Add the routes that update and delete a term."""
    title, schema = term_kind.kind.title(), actions.SCHEMAS[term_kind.kind]

    @blueprint.route("/<slug>", parameters=[which])
    class WrittenTerm(MethodView):
        """One term."""

        @blueprint.doc(
            operationId=f"update{title}",
            summary=f"Update or rename {term_kind.indefinite_name}",
            description="Apply a JSON merge patch (RFC 7396): null removes a value, omitted fields stay. `If-Match` is"
            " required. After a change of the slug, the former slug redirects (308).",
            **bodies.taken(schema, media_type=bodies.PATCH, versioned=True),
        )
        @blueprint.response(200, result_schema, headers=bodies.TAGGED)
        @blueprint.write(404, 409, 412, 428)
        def patch(self, slug: str) -> Response:
            """Update a term."""
            body = bodies.body(bodies.PATCH)
            return bodies.sent(
                actions.amend(
                    parts().desk,
                    writer(),
                    term_kind.kind,
                    slug,
                    body,
                    then=_reply(term_kind, 200),
                    versions=bodies.versions(),
                )
            )

        @blueprint.doc(
            operationId=f"delete{title}",
            summary=f"Delete {term_kind.indefinite_name}",
            description=f"Delete {term_kind.indefinite_name} that no article uses, whatever the status of the article."
            f" Merge {term_kind.indefinite_name} that is in use into another one.",
            **bodies.keyed(),
        )
        @blueprint.response(204)
        @blueprint.write(404, 409)
        def delete(self, slug: str) -> Response:
            """Delete a term."""
            bodies.plain()
            seq = actions.remove(parts().desk, writer(), term_kind.kind, slug)
            return bodies.sent(Reply(204, {"Content-Seq": str(seq)}, ""))


def _add_merge(blueprint: Blueprint, term_kind: Noun, which: dict[str, Any]) -> None:
    """Add the route that merges a term into another."""
    title = term_kind.kind.title()

    @blueprint.route("/<slug>/merge", parameters=[which])
    class MergedTerm(MethodView):
        """The merge of a term into another."""

        @blueprint.doc(
            operationId=f"merge{title}",
            summary=f"Merge {term_kind.indefinite_name} into another",
            description="Start a merge, which the worker executes in batches: it moves the articles first, then the"
            " slugs redirect to the other term. `Location` is the URL of the merge.",
            **bodies.taken(MergeIn),
        )
        @blueprint.response(202, MergeOne)
        @blueprint.write(404, 409)
        def post(self, slug: str) -> Response:
            """Merge a term into another."""
            into = patches.loaded(MERGE, bodies.body())["into"]
            id_ = merges.ask(parts().desk, writer(), term_kind.kind, slug, into)
            with parts().database.reading() as connection:
                body = _merge(connection, id_)
            return bodies.sent(Reply(202, {"Location": f"{parts().settings.api_url}/v1/merges/{id_}"}, body))


blueprints = [_blueprint(kind) for kind in NOUNS]
blueprint = Blueprint("merges", __name__, url_prefix="/v1/merges", description="Progress of term merges")
blueprints.append(blueprint)

_ID = {"in": "path", "name": "id", "description": "Id of the merge", "schema": {"type": "string", "format": "uuid"}}


@blueprint.route("/<uuid:id>", parameters=[_ID])
class OneMerge(MethodView):
    """One merge."""

    @blueprint.doc(operationId="getMerge", summary="Get a merge", **bodies.keyed())
    @blueprint.response(200, MergeOne)
    @blueprint.write(404)
    def get(self, id: UUID) -> Response:  # noqa: A002 (the name of the path parameter)
        """Return the state of a merge, and the number of articles moved so far."""
        bodies.plain()
        with parts().database.reading() as connection:
            return Response(_merge(connection, id), content_type=bodies.JSON)


def _merge(connection: Connection, id_: UUID) -> str:
    row = store.one(connection, id_)
    if row is None:
        raise NotFound
    return json({"data": compiled(Merge)(dict(row._mapping))}).decode()  # noqa: SLF001 (documented)
