"""Articles as the desk writes them: make, change, withdraw, pick, restore."""

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

blueprint = Blueprint("desk", __name__, url_prefix="/v1/articles", description="The desk: articles are written here")

PICKS = PicksIn()


def reply(status: int, *, location: bool = False, keep: Keep = plainly) -> Callable[[Session, Done], Reply]:
    """Answer the function that reads an article as it was just written, inside the transaction that wrote it."""

    def read(session: Session, done: Done) -> Reply:
        records = articles.by_ids(session.connection(), [done.id], EVERYTHING, hidden=True).records
        crosslinks.link(session.connection(), records)
        body = json({"data": compiled(DeskArticle)(parts().presentation.article(records[0], WHOLE))}).decode()
        headers = {"ETag": f'"v{done.version}"', **({"Content-Seq": str(done.seq)} if done.seq else {})}
        if location:
            headers["Location"] = f"{parts().settings.api_url}/v1/articles/{done.slug}"
        return keep(session, Reply(status, headers, body))

    return read


@blueprint.route("")
class NewArticle(MethodView):
    """All articles, for who adds one."""

    @blueprint.doc(operationId="createArticle", summary="Make an article", **bodies.taken(ArticleNew, once=True))
    @blueprint.response(201, DeskArticleOne, headers=bodies.MADE)
    @blueprint.write(409)
    def post(self) -> Response:
        """A draft, if the status is left out. An Idempotency-Key makes a repeat safe: it gets the same answer."""
        body, who = bodies.body(), writer()
        return bodies.once(lambda keep: actions.create(parts().desk, who, body, reply(201, location=True, keep=keep)))


@blueprint.route("/<which>", parameters=[WHICH])
class WrittenArticle(MethodView):
    """One article, for who changes it."""

    @blueprint.doc(
        operationId="updateArticle",
        summary="Change an article",
        **bodies.taken(ArticlePatch, media_type=bodies.PATCH, versioned=True),
    )
    @blueprint.response(200, DeskArticleOne, headers=bodies.TAGGED)
    @blueprint.write(404, 409, 412, 428)
    def patch(self, which: str) -> Response:
        """A merge patch (RFC 7396), set against the version in If-Match: null takes away, what is left out stays."""
        body = bodies.body(bodies.PATCH)
        name, _ = naming(which)
        return bodies.sent(actions.amend(parts().desk, writer(), name, body, reply(200), versions=bodies.versions()))

    @blueprint.doc(operationId="withdrawArticle", summary="Withdraw an article", **bodies.taken(versioned=True))
    @blueprint.arguments(Why(), location="query", error_status_code=400)
    @blueprint.response(200, DeskArticleOne, headers=bodies.TAGGED)
    @blueprint.write(400, 404, 412)
    def delete(self, why: dict[str, Any], which: str) -> Response:
        """Take it off the site and keep it: readers are told 410 and why; what was never public stays unknown."""
        name, _ = naming(which)
        return bodies.sent(actions.withdraw(parts().desk, writer(), name, why, reply(200), versions=bodies.versions()))


@blueprint.route("/<which>/picks", parameters=[WHICH])
class EditorsPicks(MethodView):
    """The editors' related list of an article."""

    @blueprint.doc(operationId="getPicks", summary="What the editors picked and banned", **bodies.keyed())
    @blueprint.response(200, PicksOne)
    @blueprint.write(404)
    def get(self, which: str) -> Response:
        """Slugs, in the order of the editors."""
        bodies.plain()
        name, path = naming(which)

        def build(connection: Connection) -> Answer:
            found = articles.find_any(connection, name)
            picks, bans, version = states.picked(connection, found.id)
            body = json({"data": compiled(Picks)({"slugs": picks, "ban": bans})})
            return Answer(body=body, seq=found.seq, mark=found.mark, version=version)

        return private(path, {}, build)

    @blueprint.doc(
        operationId="setPicks", summary="Pick related articles, and ban others", **bodies.taken(PicksIn, versioned=True)
    )
    @blueprint.response(200, PicksOne, headers=bodies.TAGGED)
    @blueprint.write(404, 412)
    def put(self, which: str) -> Response:
        """Picks come first on the related list, in this order; what is banned never comes."""
        picked = patches.loaded(PICKS, bodies.body())
        name, _ = naming(which)

        def read(session: Session, done: Done) -> Reply:
            picks, bans, version = states.picked(session.connection(), done.id)
            headers = {"ETag": f'"v{version}"', **({"Content-Seq": str(done.seq)} if done.seq else {})}
            return Reply(200, headers, json({"data": {"slugs": picks, "ban": bans}}).decode())

        return bodies.sent(actions.pick(parts().desk, writer(), name, picked, read, versions=bodies.versions()))
