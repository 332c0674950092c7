"""Email subscriptions: subscribe, operations by the tokens of emails, bounce reports, and the list of subscribers.

`subscription_page.py` is the page that links in emails lead to if the site has none of its own.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.schemas.params import SLUG_OR_ID_SCHEMA
from newsapi.content.schemas.subscription_offer import FOLLOWABLE_KINDS
from newsapi.content.writes import patches
from newsapi.db.database import Connection
from newsapi.errors import FieldError, InvalidBody, InvalidParameter, Unavailable
from newsapi.reading.term_views import TERM_KINDS, TermKind
from newsapi.subscriptions import commands as actions
from newsapi.subscriptions import queries
from newsapi.subscriptions.schemas import (
    BOUNCE_KINDS,
    BouncesInput,
    PreferencesInput,
    SubscriberExport,
    SubscriberExportResponse,
    SubscriberList,
    SubscriberListParams,
    SubscriberResponse,
    SubscriberSchema,
    SubscriptionAcceptedResponse,
    SubscriptionInput,
    TokenInput,
)
from newsapi.web import pagination, write_requests
from newsapi.web.blueprint import Blueprint
from newsapi.web.context import app_context
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.responses import private_response

PATH = "/v1/subscriptions"
SUBSCRIBERS_PATH = "/v1/subscribers"
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
ONE_CLICK_BODY = {"List-Unsubscribe": "One-Click"}

ASKED, TOKEN, PREFERENCES, BOUNCES = SubscriptionInput(), TokenInput(), PreferencesInput(), BouncesInput()
NO_AUTH: dict[str, Any] = {"security": [{}]}
"""OpenAPI attributes of operations that need no key: anyone may subscribe, and a token authorizes the others."""


def subscription_context() -> actions.SubscriptionContext:
    """Return the context of subscription commands.

    Raises:
        Unavailable: The database is known to be unreachable.
    """
    context = app_context()
    if context.response_cache.follower.is_unavailable:
        raise Unavailable
    return actions.SubscriptionContext(context.database, context.settings, context.token_signer)


blueprint = Blueprint(
    "subscriptions", __name__, url_prefix="/v1", description="Subscribe to emails, and operations of the links in them"
)


def _add_subscription_route(term_kind: TermKind) -> None:
    """Add the route with which readers subscribe to a kind of term."""
    kind = term_kind.kind
    slug_param = {"in": "path", "name": "slug", "description": f"Slug of the {kind}", "schema": SLUG_OR_ID_SCHEMA}

    @blueprint.route(f"/{kind}s/<slug>/subscriptions", parameters=[slug_param])
    class TermSubscriptions(MethodView):
        """Subscriptions to a term."""

        @blueprint.doc(
            operationId=f"subscribeTo{kind.title()}",
            summary=f"Subscribe an email address to {term_kind.indefinite_name}",
            description="Request a subscription (double opt-in): an email asks the subscriber to confirm it. The"
            " response is the same whether the address is new, already subscribed or waiting for confirmation.",
            requestBody={"required": True, "content": {write_requests.JSON: {"schema": SubscriptionInput}}},
            **NO_AUTH,
        )
        @blueprint.response(202, SubscriptionAcceptedResponse)
        @blueprint.documents_errors(404)
        def post(self, slug: str) -> Response:
            """Request a subscription."""
            values = patches.load_body(ASKED, write_requests.json_body())
            app_context().limits.count_subscription()
            actions.request_subscription(subscription_context(), kind, slug, values, now=app_context().now())
            return Response(dump_json({"data": {"state": "requested"}}), 202, content_type=write_requests.JSON)


for _term_kind in TERM_KINDS:
    if _term_kind.kind in FOLLOWABLE_KINDS:
        _add_subscription_route(_term_kind)


def _taken(schema: Any) -> dict[str, Any]:
    return {**NO_AUTH, "requestBody": {"required": True, "content": {write_requests.JSON: {"schema": schema}}}}


def _token() -> str:
    return str(patches.load_body(TOKEN, write_requests.json_body())["token"])


def _done() -> Response:
    response = Response(status=204)
    response.headers.pop("Content-Type")
    return response


@blueprint.route("/subscriptions/confirm")
class Confirm(MethodView):
    """Confirmation of a subscription."""

    @blueprint.doc(operationId="confirmSubscription", summary="Confirm a subscription", **_taken(TokenInput))
    @blueprint.response(204)
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """Confirm a subscription with the token of its email. A used, expired or invalid token gets 410."""
        actions.confirm(subscription_context(), _token(), now=app_context().now())
        return _done()


@blueprint.route("/subscriptions/unsubscribe")
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
        **NO_AUTH,
        requestBody={
            "required": True,
            "content": {
                write_requests.JSON: {"schema": TokenInput},
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
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """End a subscription."""
        token = _one_click() if request.mimetype in FORMS else _token()
        actions.unsubscribe(subscription_context(), token, now=app_context().now())
        return _done()


def token_param() -> str:
    """Return the query parameter `token`, cut to 200 characters.

    Raises:
        InvalidParameter: `token` is missing or repeated, or there are other parameters.
    """
    if [*request.args.keys()] != ["token"] or len(request.args.getlist("token")) > 1:
        raise InvalidParameter([FieldError("token", "must be given once, and is the only parameter")])
    return request.args["token"][:200]


def _one_click() -> str:
    """Return the token of a one-click request (RFC 8058).

    Raises:
        InvalidBody: The form is not `List-Unsubscribe=One-Click`.
    """
    token = token_param()
    if request.form.to_dict() != ONE_CLICK_BODY:
        raise InvalidBody([FieldError("/List-Unsubscribe", "must be One-Click, and must be the only field")])
    return token


@blueprint.route("/subscriptions/erase")
class Erase(MethodView):
    """Erasure of a subscriber."""

    @blueprint.doc(
        operationId="eraseSubscriber",
        summary="Erase the data of a subscriber",
        description="Erase all data of the subscriber of a management token. Only a keyed hash of the address is"
        " kept, so that no email is sent to it again.",
        **_taken(TokenInput),
    )
    @blueprint.response(204)
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """Erase the data of a subscriber."""
        actions.erase_subscriber(subscription_context(), _token(), now=app_context().now())
        return _done()


@blueprint.route("/subscriptions/preferences")
class Preferences(MethodView):
    """Preferences of a subscriber."""

    @blueprint.doc(
        operationId="setPreferences",
        summary="Get or change the preferences of a subscriber",
        **_taken(PreferencesInput),
    )
    @blueprint.response(200, SubscriberResponse)
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """Return the subscriber of a management token, after changing the given fields; the others stay.

        The token is sent in the body because URLs are logged and shared.
        """
        values, context = load_preferences(write_requests.json_body()), subscription_context()
        if values.keys() - {"token", "frequencies"} or values["frequencies"]:
            actions.update_preferences(context, values["token"], values, now=app_context().now())
        with app_context().database.read_transaction() as connection:
            subscriber = actions.verify_manage_token(connection, context, values["token"], now=app_context().now())
            (record,) = actions.subscriber_records(connection, [subscriber])
        return Response(dump_json({"data": compile_dump(SubscriberSchema)(record)}), content_type=write_requests.JSON)


def load_preferences(body: dict[str, Any]) -> dict[str, Any]:
    """Load changed preferences from a request body.

    Args:
        body: The JSON object of the request.

    Returns:
        The validated values; `subscriptions` is replaced by `frequencies`, a dict from subscription id to frequency;
        the frequency None ends the subscription.

    Raises:
        InvalidBody: The body is not valid.
    """
    values = patches.load_body(PREFERENCES, body)
    values["frequencies"] = {change["id"]: change["frequency"] for change in values.pop("subscriptions")}
    return values


@blueprint.route("/subscriptions/export")
class Export(MethodView):
    """Export of a subscriber."""

    @blueprint.doc(operationId="exportSubscriber", summary="Export the data of a subscriber", **_taken(TokenInput))
    @blueprint.response(200, SubscriberExportResponse)
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """Return all stored data of the subscriber of a management token."""
        return Response(export_json(_token()), content_type=write_requests.JSON)


def export_json(token: str) -> bytes:
    """Return all stored data of a subscriber as JSON.

    Args:
        token: A management token.

    Raises:
        TokenExpired: The token has expired or is invalid.
    """
    with app_context().database.read_transaction() as connection:
        subscriber = actions.verify_manage_token(connection, subscription_context(), token, now=app_context().now())
        return dump_json({"data": compile_dump(SubscriberExport)(actions.export_subscriber(connection, subscriber))})


@blueprint.route("/subscriptions/bounces")
class Bounces(MethodView):
    """Bounce reports of the email provider."""

    @blueprint.doc(
        operationId="reportBounces",
        summary="Report bounces and complaints",
        **write_requests.documents_body(BouncesInput),
    )
    @blueprint.response(204)
    @blueprint.documents_errors()
    def post(self) -> Response:
        """Suppress addresses that bounced permanently or complained: erase their data and send no more email."""
        bounces = patches.load_body(BOUNCES, write_requests.json_body())["bounces"]
        for reason in BOUNCE_KINDS:
            emails = [bounce["email"] for bounce in bounces if bounce["kind"] == reason]
            actions.suppress_addresses(subscription_context(), emails, reason, now=app_context().now())
        return _done()


people = Blueprint("subscribers", __name__, url_prefix=SUBSCRIBERS_PATH, description="Subscribers and what they follow")


@people.route("")
class Subscribers(MethodView):
    """The subscribers."""

    @people.doc(operationId="listSubscribers", summary="List subscribers", **write_requests.requires_key())
    @people.arguments(SubscriberListParams(), location="query", error_status_code=400)
    @people.response(200, SubscriberList)
    @people.documents_errors(400)
    def get(self, query: pagination.Query) -> Response:
        """Return the subscribers whose address is stored, newest first, with their subscriptions and consents."""
        return private_response(SUBSCRIBERS_PATH, query, lambda connection: _page(connection, query))


def _page(connection: Connection, query: pagination.Query) -> CachedResponse:
    before = UUID(pagination.cursor_payload(query, "subscribers")[0]) if "cursor" in query else None
    rows = queries.list_subscribers(connection, limit=query["limit"] + 1, before=before)
    records = {record["id"]: record for record in actions.subscriber_records(connection, rows)}
    return pagination.newest_first_page(
        connection,
        SUBSCRIBERS_PATH,
        query,
        rows,
        lambda row: compile_dump(SubscriberSchema)(records[row["id"]]),
        "subscribers",
    )


blueprints = [blueprint, people]
