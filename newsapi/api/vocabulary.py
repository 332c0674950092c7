"""Brands, authors, sections and tags as the desk writes them: all alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import fields

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
    noun: Noun, status: int, *, location: bool = False, keep: Keep = plainly
) -> Callable[[Session, Done], Reply]:
    """Answer the function that reads a term as it was just written, inside the transaction that wrote it."""

    def read(session: Session, done: Done) -> Reply:
        connection = session.connection()
        truth = facets.truth(connection, {})
        record = parts().presentation.term(
            noun.kind, taxonomy.by_slug(connection, noun.kind, done.slug, truth).records[0]
        )
        if noun.kind == "author":
            record["email"] = vocabulary.email(connection, done.slug)
        headers = {"ETag": f'"v{done.version}"', **({"Content-Seq": str(done.seq)} if done.seq else {})}
        if location:
            headers["Location"] = f"{parts().settings.api_url}{noun.path}/{done.slug}"
        return keep(session, Reply(status, headers, json({"data": compiled(_shown(noun))(record)}).decode()))

    return read


def _shown(noun: Noun) -> Any:
    return DeskAuthor if noun.kind == "author" else noun.item


def _blueprint(noun: Noun) -> Blueprint:
    """Make the routes of a noun."""
    blueprint = Blueprint(f"{noun.kind}s-desk", __name__, url_prefix=noun.path, description=noun.text)
    title, taken = noun.kind.title(), actions.SCHEMAS[noun.kind]
    which = {"in": "path", "name": "slug", "description": f"Slug of the {noun.kind}", "schema": ONE_NAME}
    one = type(f"{title}Written", (Out,), {"data": fields.Nested(_shown(noun), required=True)})

    @blueprint.route("")
    class NewTerm(MethodView):
        """All of them, for who adds one."""

        @blueprint.doc(operationId=f"create{title}", summary=f"Make a {noun.kind}", **bodies.taken(taken, once=True))
        @blueprint.response(201, one, headers=bodies.MADE)
        @blueprint.write(409)
        def post(self) -> Response:
            """It is public at once. Its slug is made from its name, if left out."""
            body, who = bodies.body(), writer()
            return bodies.once(
                lambda keep: actions.create(
                    parts().desk, who, noun.kind, body, _reply(noun, 201, location=True, keep=keep)
                )
            )

    @blueprint.route("/<slug>", parameters=[which])
    class WrittenTerm(MethodView):
        """One of them, for who changes it."""

        @blueprint.doc(
            operationId=f"update{title}",
            summary=f"Change or rename a {noun.kind}",
            **bodies.taken(taken, media_type=bodies.PATCH, versioned=True),
        )
        @blueprint.response(200, one, headers=bodies.TAGGED)
        @blueprint.write(404, 409, 412, 428)
        def patch(self, slug: str) -> Response:
            """A merge patch (RFC 7396). Under another slug it is found by the former one too, which leads there."""
            patch = bodies.body(bodies.PATCH)
            return bodies.sent(
                actions.amend(
                    parts().desk,
                    writer(),
                    noun.kind,
                    slug,
                    patch,
                    then=_reply(noun, 200),
                    versions=bodies.versions(),
                )
            )

        @blueprint.doc(operationId=f"delete{title}", summary=f"Take a {noun.kind} away", **bodies.keyed())
        @blueprint.response(204)
        @blueprint.write(404, 409)
        def delete(self, slug: str) -> Response:
            """Only where no article of any status bears it; else merge it into another one."""
            bodies.plain()
            seq = actions.remove(parts().desk, writer(), noun.kind, slug)
            return bodies.sent(Reply(204, {"Content-Seq": str(seq)}, ""))

    @blueprint.route("/<slug>/merge", parameters=[which])
    class MergedTerm(MethodView):
        """One of them, on its way into another."""

        @blueprint.doc(
            operationId=f"merge{title}", summary=f"Merge a {noun.kind} into another", **bodies.taken(MergeIn)
        )
        @blueprint.response(202, MergeOne)
        @blueprint.write(404, 409)
        def post(self, slug: str) -> Response:
            """Done bit by bit by the worker: articles first, then its slugs lead to the other one."""
            into = patches.loaded(MERGE, bodies.body())["into"]
            id_ = merges.ask(parts().desk, writer(), noun.kind, slug, into)
            with parts().database.reading() as connection:
                body = _merge(connection, id_)
            return bodies.sent(Reply(202, {"Location": f"{parts().settings.api_url}/v1/merges/{id_}"}, body))

    return blueprint


blueprints = [_blueprint(noun) for noun in NOUNS]
blueprint = Blueprint("merges", __name__, url_prefix="/v1/merges", description="Merges under way")
blueprints.append(blueprint)

_ID = {"in": "path", "name": "id", "description": "Id of the merge", "schema": {"type": "string", "format": "uuid"}}


@blueprint.route("/<uuid:id>", parameters=[_ID])
class OneMerge(MethodView):
    """One merge."""

    @blueprint.doc(operationId="getMerge", summary="How far a merge is", **bodies.keyed())
    @blueprint.response(200, MergeOne)
    @blueprint.write(404)
    def get(self, id: UUID) -> Response:  # noqa: A002 (the name of the path parameter)
        """Its state, and how many articles were moved so far."""
        bodies.plain()
        with parts().database.reading() as connection:
            return Response(_merge(connection, id), content_type=bodies.JSON)


def _merge(connection: Connection, id_: UUID) -> str:
    row = store.one(connection, id_)
    if row is None:
        raise NotFound
    return json({"data": compiled(Merge)(dict(row._mapping))}).decode()  # noqa: SLF001 (documented)
