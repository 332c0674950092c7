"""Article writes: create, update, withdraw, and set related picks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from flask.views import MethodView

from newsapi.actions import articles as actions
from newsapi.actions import patches
from newsapi.actions.repeats import Keep, Reply, plainly
from newsapi.actions.writing import Done
from newsapi.api import bodies, crosslinks
from newsapi.api.access import writer
from newsapi.api.answers import private
from newsapi.api.articles import EVERYTHING, WHICH, naming
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer
from newsapi.schemas.articles import ArticleNew, ArticlePatch, DeskArticle, DeskArticleOne, PicksIn
from newsapi.schemas.desk import Picks, PicksOne, Why
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.presentation import WHOLE
from newsapi.store import articles, states
from newsapi.store.database import Connection, Session

blueprint = Blueprint("desk", __name__, url_prefix="/v1/articles", description="Create, update and withdraw articles")

PICKS = PicksIn()


def reply(status: int, *, location: bool = False, keep: Keep = plainly) -> Callable[[Session, Done], Reply]:
    """Return a function that builds the response of an article write inside the transaction of the write.

    Args:
        status: Status code of the response.
        location: Whether to send a `Location` header with the URL of the article.
        save: Stores the response for its idempotency key.

    Returns:
        The function; it takes the session and the result of the write.
    """

    def read_back(session: Session, result: Done) -> Reply:
        records = articles.by_ids(session.connection(), [result.id], EVERYTHING, hidden=True).records
        crosslinks.link(session.connection(), records)
        body = json({"data": compiled(DeskArticle)(parts().presentation.article(records[0], WHOLE))}).decode()
        headers = _headers(result.version, result.seq)
        if location:
            headers["Location"] = f"{parts().settings.api_url}/v1/articles/{result.slug}"
        return keep(session, Reply(status, headers, body))

    return read_back


def _headers(version: int, seq: int) -> dict[str, str]:
    """Return the headers of a write: `ETag`, and `Content-Seq` if the write was a public change."""
    headers = {"ETag": f'"v{version}"'}
    if seq:
        headers["Content-Seq"] = str(seq)
    return headers


@blueprint.route("")
class NewArticle(MethodView):
    """The collection of articles."""

    @blueprint.doc(operationId="createArticle", summary="Create an article", **bodies.taken(ArticleNew, once=True))
    @blueprint.response(201, DeskArticleOne, headers=bodies.MADE)
    @blueprint.write(409)
    def post(self) -> Response:
        """Create an article; without `status` it is a draft. Without `slug`, the slug is made from the headline."""
        body, caller = bodies.body(), writer()
        return bodies.once(
            lambda save: actions.create(parts().desk, caller, body, reply(201, location=True, keep=save))
        )


@blueprint.route("/<which>", parameters=[WHICH])
class WrittenArticle(MethodView):
    """One article."""

    @blueprint.doc(
        operationId="updateArticle",
        summary="Update an article",
        **bodies.taken(ArticlePatch, media_type=bodies.PATCH, versioned=True),
    )
    @blueprint.response(200, DeskArticleOne, headers=bodies.TAGGED)
    @blueprint.write(404, 409, 412, 428)
    def patch(self, which: str) -> Response:
        """Apply a JSON merge patch (RFC 7396): null removes a value, omitted fields stay. `If-Match` is required."""
        body = bodies.body(bodies.PATCH)
        name, _ = naming(which)
        return bodies.sent(actions.amend(parts().desk, writer(), name, body, reply(200), versions=bodies.versions()))

    @blueprint.doc(
        operationId="withdrawArticle",
        summary="Withdraw an article",
        description="Remove an article from public view and keep its record. If the article was public, clients get 410"
        " with the reason; otherwise they get 404.",
        **bodies.taken(versioned=True),
    )
    @blueprint.arguments(Why(), location="query", error_status_code=400)
    @blueprint.response(200, DeskArticleOne, headers=bodies.TAGGED)
    @blueprint.write(400, 404, 412)
    def delete(self, query: dict[str, Any], which: str) -> Response:
        """Withdraw an article."""
        name, _ = naming(which)
        versions = bodies.versions()
        return bodies.sent(actions.withdraw(parts().desk, writer(), name, query, reply(200), versions=versions))


@blueprint.route("/<which>/picks", parameters=[WHICH])
class EditorsPicks(MethodView):
    """Related picks of an article."""

    @blueprint.doc(operationId="getPicks", summary="Get the related picks of an article", **bodies.keyed())
    @blueprint.response(200, PicksOne)
    @blueprint.write(404)
    def get(self, which: str) -> Response:
        """Return the slugs of the picked articles in the editors' order, and of the excluded ones."""
        bodies.plain()
        name, path = naming(which)

        def build(connection: Connection) -> Answer:
            ref = articles.find_any(connection, name)
            picks, exclusions, version = states.picked(connection, ref.id)
            body = json({"data": compiled(Picks)({"slugs": picks, "ban": exclusions})})
            return Answer(body=body, seq=ref.seq, mark=ref.mark, version=version)

        return private(path, {}, build)

    @blueprint.doc(
        operationId="setPicks",
        summary="Set the related picks of an article",
        **bodies.taken(PicksIn, versioned=True),
    )
    @blueprint.response(200, PicksOne, headers=bodies.TAGGED)
    @blueprint.write(404, 412)
    def put(self, which: str) -> Response:
        """Replace the picks, which come first on the related list in this order, and the exclusions, which never do."""
        values = patches.loaded(PICKS, bodies.body())
        name, _ = naming(which)

        def read_back(session: Session, result: Done) -> Reply:
            picks, exclusions, version = states.picked(session.connection(), result.id)
            body = json({"data": {"slugs": picks, "ban": exclusions}}).decode()
            return Reply(200, _headers(version, result.seq), body)

        return bodies.sent(actions.pick(parts().desk, writer(), name, values, read_back, versions=bodies.versions()))
