"""Subscriptions over HTTP: the box, what the tokens in mails open, what the mail provider tells, the list of people.

The page that links in mail lead to, if the site has none, is `subscription_page.py`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView

from newsapi.actions import patches
from newsapi.actions import subscriptions as actions
from newsapi.api import bodies, paging
from newsapi.api.answers import private
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.api.taxonomy import NOUNS, Noun
from newsapi.cache.answer import Answer
from newsapi.errors import BadBody, Fault, Invalid, Unavailable
from newsapi.schemas.boxes import FOLLOWED
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.queries import ONE_NAME
from newsapi.schemas.subscriptions import (
    BOUNCED,
    BouncesIn,
    Exported,
    ExportOne,
    PreferencesIn,
    RequestOne,
    Subscriber,
    SubscriberList,
    SubscriberOne,
    SubscribersQuery,
    SubscriptionIn,
    TokenIn,
)
from newsapi.store import subscriptions
from newsapi.store.database import Connection

PATH = "/v1/subscriptions"
PEOPLE = "/v1/subscribers"
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
ONE_CLICK = {"List-Unsubscribe": "One-Click"}

ASKED, TOKEN, PREFERENCES, BOUNCES = SubscriptionIn(), TokenIn(), PreferencesIn(), BouncesIn()
EVERYBODY: dict[str, Any] = {"security": [{}]}
"""What the document says of operations for which a token in the body is enough."""


def box() -> actions.Box:
    """Answer what the actions need. Raises Unavailable at once while the database is known to be away."""
    found = parts()
    if found.pages.follower.away:
        raise Unavailable
    return actions.Box(found.database, found.settings, found.passes)


def _blueprint(noun: Noun) -> Blueprint:
    """Make the box of a noun."""
    blueprint = Blueprint(f"{noun.kind}-box", __name__, url_prefix=noun.path, description="The box for an address")
    which = {"in": "path", "name": "slug", "description": f"Slug of the {noun.kind}", "schema": ONE_NAME}

    @blueprint.route("/<slug>/subscriptions", parameters=[which])
    class TheBox(MethodView):
        """The box."""

        @blueprint.doc(
            operationId=f"subscribeTo{noun.kind.title()}",
            summary=f"Subscribe an e-mail address to a {noun.kind}",
            requestBody={"required": True, "content": {bodies.JSON: {"schema": SubscriptionIn}}},
            **EVERYBODY,
        )
        @blueprint.response(202, RequestOne)
        @blueprint.write(404)
        def post(self, slug: str) -> Response:
            """A mail asks to confirm it. The answer is the same whether the address is known, new or waiting."""
            values = patches.loaded(ASKED, bodies.body())
            parts().limits.count_box()
            actions.ask(box(), noun.kind, slug, values, now=parts().now())
            return Response(json({"data": {"state": "requested"}}), 202, content_type=bodies.JSON)

    return blueprint


blueprint = Blueprint("subscriptions", __name__, url_prefix=PATH, description="What the links in mails open")


def _taken(schema: Any) -> dict[str, Any]:
    return {**EVERYBODY, "requestBody": {"required": True, "content": {bodies.JSON: {"schema": schema}}}}


def _token() -> str:
    return str(patches.loaded(TOKEN, bodies.body())["token"])


def _done() -> Response:
    response = Response(status=204)
    response.headers.pop("Content-Type")
    return response


@blueprint.route("/confirm")
class Confirm(MethodView):
    """The second opt-in."""

    @blueprint.doc(operationId="confirmSubscription", summary="Confirm a subscription", **_taken(TokenIn))
    @blueprint.response(204)
    @blueprint.write(410)
    def post(self) -> Response:
        """With the token of the mail. Used, expired or made up: 410."""
        actions.confirm(box(), _token(), now=parts().now())
        return _done()


@blueprint.route("/unsubscribe")
class Unsubscribe(MethodView):
    """The way out."""

    @blueprint.doc(
        operationId="unsubscribe",
        summary="End a subscription",
        description="As JSON with the token of the mail, or as mail programs do it (RFC 8058): the form"
        " `List-Unsubscribe=One-Click` to the address with `token`, which `List-Unsubscribe` in the mail names.",
        parameters=[
            {
                "in": "query",
                "name": "token",
                "description": "Of the form alone; JSON bears its own",
                "schema": {"type": "string", "maxLength": 200},
            }
        ],
        **EVERYBODY,
        requestBody={
            "required": True,
            "content": {
                bodies.JSON: {"schema": TokenIn},
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "properties": {"List-Unsubscribe": {"type": "string", "enum": ["One-Click"]}},
                        "required": ["List-Unsubscribe"],
                    }
                },
            },
        },
    )
    @blueprint.response(204)
    @blueprint.write(410)
    def post(self) -> Response:
        """What was planned is not sent any more. Used, expired or made up: 410."""
        token = _one_click() if request.mimetype in FORMS else _token()
        actions.leave(box(), token, now=parts().now())
        return _done()


def only_token() -> str:
    """Answer the token in the address. Raises Invalid where there is none, or anything else."""
    if [*request.args.keys()] != ["token"] or len(request.args.getlist("token")) > 1:
        raise Invalid([Fault("token", "is the one parameter here, and is given once")])
    return request.args["token"][:200]


def _one_click() -> str:
    """The token in the address, where the body is that of RFC 8058."""
    token = only_token()
    if request.form.to_dict() != ONE_CLICK:
        raise BadBody([Fault("/List-Unsubscribe", "must be One-Click, and nothing beside it")])
    return token


@blueprint.route("/erase")
class Erase(MethodView):
    """The right to be forgotten."""

    @blueprint.doc(operationId="eraseSubscriber", summary="Erase all that is known of an address", **_taken(TokenIn))
    @blueprint.response(204)
    @blueprint.write(410)
    def post(self) -> Response:
        """With a token to manage. A keyed hash stays, by which we know not to write to the address again."""
        actions.erase(box(), _token(), now=parts().now())
        return _done()


@blueprint.route("/preferences")
class Preferences(MethodView):
    """What somebody follows."""

    @blueprint.doc(operationId="setPreferences", summary="See and change what one follows", **_taken(PreferencesIn))
    @blueprint.response(200, SubscriberOne)
    @blueprint.write(410)
    def post(self) -> Response:
        """With a token to manage, in the body as addresses get about. Only what is named is changed."""
        asked, here = preferences(bodies.body()), box()
        if asked.keys() - {"token", "frequencies"} or asked["frequencies"]:
            actions.change(here, asked["token"], asked, now=parts().now())
        with parts().database.reading() as connection:
            person = actions.opened(connection, here, asked["token"], now=parts().now())
            (shown,) = actions.described(connection, [person])
        return Response(json({"data": compiled(Subscriber)(shown)}), content_type=bodies.JSON)


def preferences(body: dict[str, Any]) -> dict[str, Any]:
    """Read what somebody chose: with `frequencies` by subscription. Raises BadBody."""
    asked = patches.loaded(PREFERENCES, body)
    asked["frequencies"] = {each["id"]: each["frequency"] for each in asked.pop("subscriptions")}
    return asked


@blueprint.route("/export")
class Export(MethodView):
    """The right to know."""

    @blueprint.doc(operationId="exportSubscriber", summary="All that is kept of an address", **_taken(TokenIn))
    @blueprint.response(200, ExportOne)
    @blueprint.write(410)
    def post(self) -> Response:
        """With a token to manage."""
        return Response(exported(_token()), content_type=bodies.JSON)


def exported(token: str) -> bytes:
    """Answer all that is kept of a person, as JSON. Raises TokenExpired."""
    with parts().database.reading() as connection:
        person = actions.opened(connection, box(), token, now=parts().now())
        return json({"data": compiled(Exported)(actions.export(connection, person))})


@blueprint.route("/bounces")
class Bounces(MethodView):
    """What the mail provider tells."""

    @blueprint.doc(
        operationId="reportBounces", summary="Tell which addresses mail does not reach", **bodies.taken(BouncesIn)
    )
    @blueprint.response(204)
    @blueprint.write()
    def post(self) -> Response:
        """Who bounced for good or complained is forgotten and not written to again."""
        asked = patches.loaded(BOUNCES, bodies.body())["bounces"]
        for reason in BOUNCED:
            addresses = [each["email"] for each in asked if each["kind"] == reason]
            actions.refuse(box(), addresses, reason, now=parts().now())
        return _done()


people = Blueprint("subscribers", __name__, url_prefix=PEOPLE, description="Who follows what")


@people.route("")
class Subscribers(MethodView):
    """People."""

    @people.doc(operationId="listSubscribers", summary="Who follows what", **bodies.keyed())
    @people.arguments(SubscribersQuery(), location="query", error_status_code=400)
    @people.response(200, SubscriberList)
    @people.write(400)
    def get(self, query: paging.Query) -> Response:
        """Those whose address is kept, the last first, with what they follow and when they agreed to it."""
        return private(PEOPLE, query, lambda connection: _page(connection, query))


def _page(connection: Connection, query: paging.Query) -> Answer:
    before = UUID(paging.behind(query, "subscribers")[0]) if "cursor" in query else None
    rows = subscriptions.people(connection, limit=query["limit"] + 1, before=before)
    shown = {record["id"]: record for record in actions.described(connection, rows)}
    return paging.last_first(
        connection, PEOPLE, query, rows, lambda record: compiled(Subscriber)(shown[record["id"]]), "subscribers"
    )


blueprints = [*(_blueprint(noun) for noun in NOUNS if noun.kind in FOLLOWED), blueprint, people]
