"""Email subscriptions: subscribe, operations by the tokens of emails, bounce reports, and the list of subscribers.

`subscription_page.py` is the page that links in emails lead to if the site has none of its own.
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
"""OpenAPI attributes of operations that need no key: anyone may subscribe, and a token authorizes the others."""


def box() -> actions.Box:
    """Return the context of subscription commands.

    Raises:
        Unavailable: The database is known to be unreachable.
    """
    context = parts()
    if context.pages.follower.away:
        raise Unavailable
    return actions.Box(context.database, context.settings, context.passes)


def _blueprint(term_kind: Noun) -> Blueprint:
    """Return the blueprint with the subscription route of a kind of term."""
    kind = term_kind.kind
    blueprint = Blueprint(f"{kind}-box", __name__, url_prefix=term_kind.path, description="Subscribe to emails")
    which = {"in": "path", "name": "slug", "description": f"Slug of the {kind}", "schema": ONE_NAME}

    @blueprint.route("/<slug>/subscriptions", parameters=[which])
    class TheBox(MethodView):
        """Subscriptions to a term."""

        @blueprint.doc(
            operationId=f"subscribeTo{kind.title()}",
            summary=f"Subscribe an email address to {term_kind.indefinite_name}",
            description="Request a subscription (double opt-in): an email asks the subscriber to confirm it. The"
            " response is the same whether the address is new, already subscribed or waiting for confirmation.",
            requestBody={"required": True, "content": {bodies.JSON: {"schema": SubscriptionIn}}},
            **EVERYBODY,
        )
        @blueprint.response(202, RequestOne)
        @blueprint.write(404)
        def post(self, slug: str) -> Response:
            """Request a subscription."""
            values = patches.loaded(ASKED, bodies.body())
            parts().limits.count_box()
            actions.ask(box(), kind, slug, values, now=parts().now())
            return Response(json({"data": {"state": "requested"}}), 202, content_type=bodies.JSON)

    return blueprint


blueprint = Blueprint("subscriptions", __name__, url_prefix=PATH, description="Operations of the links in emails")


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
    """Confirmation of a subscription."""

    @blueprint.doc(operationId="confirmSubscription", summary="Confirm a subscription", **_taken(TokenIn))
    @blueprint.response(204)
    @blueprint.write(410)
    def post(self) -> Response:
        """Confirm a subscription with the token of its email. A used, expired or invalid token gets 410."""
        actions.confirm(box(), _token(), now=parts().now())
        return _done()


@blueprint.route("/unsubscribe")
class Unsubscribe(MethodView):
    """End of a subscription."""

    @blueprint.doc(
        operationId="unsubscribe",
        summary="End a subscription",
        description="End a subscription; emails that are planned are not sent. Send the token of an email as JSON, or"
        " as email clients do (RFC 8058): the form `List-Unsubscribe=One-Click` to the URL of the header"
        " `List-Unsubscribe`, which contains `token`. A used, expired or invalid token gets 410.",
        parameters=[
            {
                "in": "query",
                "name": "token",
                "description": "Token of a one-click request; a JSON body contains its own",
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
        """End a subscription."""
        token = _one_click() if request.mimetype in FORMS else _token()
        actions.leave(box(), token, now=parts().now())
        return _done()


def only_token() -> str:
    """Return the query parameter `token`, cut to 200 characters.

    Raises:
        InvalidParameter: `token` is missing or repeated, or there are other parameters.
    """
    if [*request.args.keys()] != ["token"] or len(request.args.getlist("token")) > 1:
        raise Invalid([Fault("token", "must be given once, and is the only parameter")])
    return request.args["token"][:200]


def _one_click() -> str:
    """Return the token of a one-click request (RFC 8058).

    Raises:
        InvalidBody: The form is not `List-Unsubscribe=One-Click`.
    """
    token = only_token()
    if request.form.to_dict() != ONE_CLICK:
        raise BadBody([Fault("/List-Unsubscribe", "must be One-Click, and must be the only field")])
    return token


@blueprint.route("/erase")
class Erase(MethodView):
    """Erasure of a subscriber."""

    @blueprint.doc(
        operationId="eraseSubscriber",
        summary="Erase the data of a subscriber",
        description="Erase all data of the subscriber of a management token. Only a keyed hash of the address is"
        " kept, so that no email is sent to it again.",
        **_taken(TokenIn),
    )
    @blueprint.response(204)
    @blueprint.write(410)
    def post(self) -> Response:
        """Erase the data of a subscriber."""
        actions.erase(box(), _token(), now=parts().now())
        return _done()


@blueprint.route("/preferences")
class Preferences(MethodView):
    """Preferences of a subscriber."""

    @blueprint.doc(
        operationId="setPreferences", summary="Get or change the preferences of a subscriber", **_taken(PreferencesIn)
    )
    @blueprint.response(200, SubscriberOne)
    @blueprint.write(410)
    def post(self) -> Response:
        """Return the subscriber of a management token, after changing the given fields; the others stay.

        The token is sent in the body because URLs are logged and shared.
        """
        values, context = preferences(bodies.body()), box()
        if values.keys() - {"token", "frequencies"} or values["frequencies"]:
            actions.change(context, values["token"], values, now=parts().now())
        with parts().database.reading() as connection:
            subscriber = actions.opened(connection, context, values["token"], now=parts().now())
            (record,) = actions.described(connection, [subscriber])
        return Response(json({"data": compiled(Subscriber)(record)}), content_type=bodies.JSON)


def preferences(body: dict[str, Any]) -> dict[str, Any]:
    """Load changed preferences from a request body.

    Args:
        body: The JSON object of the request.

    Returns:
        The validated values; `subscriptions` is replaced by `frequencies`, a dict from subscription id to frequency;
        the frequency None ends the subscription.

    Raises:
        InvalidBody: The body is not valid.
    """
    values = patches.loaded(PREFERENCES, body)
    values["frequencies"] = {change["id"]: change["frequency"] for change in values.pop("subscriptions")}
    return values


@blueprint.route("/export")
class Export(MethodView):
    """Export of a subscriber."""

    @blueprint.doc(operationId="exportSubscriber", summary="Export the data of a subscriber", **_taken(TokenIn))
    @blueprint.response(200, ExportOne)
    @blueprint.write(410)
    def post(self) -> Response:
        """Return all stored data of the subscriber of a management token."""
        return Response(exported(_token()), content_type=bodies.JSON)


def exported(token: str) -> bytes:
    """Return all stored data of a subscriber as JSON.

    Args:
        token: A management token.

    Raises:
        TokenExpired: The token has expired or is invalid.
    """
    with parts().database.reading() as connection:
        subscriber = actions.opened(connection, box(), token, now=parts().now())
        return json({"data": compiled(Exported)(actions.export(connection, subscriber))})


@blueprint.route("/bounces")
class Bounces(MethodView):
    """Bounce reports of the email provider."""

    @blueprint.doc(operationId="reportBounces", summary="Report bounces and complaints", **bodies.taken(BouncesIn))
    @blueprint.response(204)
    @blueprint.write()
    def post(self) -> Response:
        """Suppress addresses that bounced permanently or complained: erase their data and send no more email."""
        bounces = patches.loaded(BOUNCES, bodies.body())["bounces"]
        for reason in BOUNCED:
            emails = [bounce["email"] for bounce in bounces if bounce["kind"] == reason]
            actions.refuse(box(), emails, reason, now=parts().now())
        return _done()


people = Blueprint("subscribers", __name__, url_prefix=PEOPLE, description="Subscribers and what they follow")


@people.route("")
class Subscribers(MethodView):
    """The subscribers."""

    @people.doc(operationId="listSubscribers", summary="List subscribers", **bodies.keyed())
    @people.arguments(SubscribersQuery(), location="query", error_status_code=400)
    @people.response(200, SubscriberList)
    @people.write(400)
    def get(self, query: paging.Query) -> Response:
        """Return the subscribers whose address is stored, newest first, with their subscriptions and consents."""
        return private(PEOPLE, query, lambda connection: _page(connection, query))


def _page(connection: Connection, query: paging.Query) -> Answer:
    before = UUID(paging.behind(query, "subscribers")[0]) if "cursor" in query else None
    rows = subscriptions.people(connection, limit=query["limit"] + 1, before=before)
    records = {record["id"]: record for record in actions.described(connection, rows)}
    return paging.last_first(
        connection, PEOPLE, query, rows, lambda row: compiled(Subscriber)(records[row["id"]]), "subscribers"
    )


blueprints = [_blueprint(kind) for kind in NOUNS if kind.kind in FOLLOWED] + [blueprint, people]
