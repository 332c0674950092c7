"""Email subscriptions: subscribe, operations by the tokens of emails, bounce reports, and the list of subscribers.

`page.py` is the page that links in emails lead to if the site has none of its own.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from flask import Response, current_app, request
from flask.views import MethodView
from marshmallow import Schema

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.schemas.subscription_offer import FOLLOWABLE_KINDS
from newsapi.content.schemas.term_kinds import TERM_KINDS, TermKind
from newsapi.db.database import Connection
from newsapi.errors import FieldError, InvalidBody, InvalidParameter
from newsapi.subscriptions import commands, queries, subscriber_records
from newsapi.subscriptions.commands import Preferences, SubscriptionContext
from newsapi.subscriptions.rows import SubscriberRow
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
from newsapi.subscriptions.tokens import TokenSigner
from newsapi.web import pagination, write_requests
from newsapi.web.blueprint import Blueprint
from newsapi.web.context import app_context
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.params import slug_param
from newsapi.web.responses import private_response
from newsapi.web.wire import load_body

PATH: Final = "/v1/subscriptions"
SUBSCRIBERS_PATH: Final = "/v1/subscribers"
FORM_MEDIA_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
ONE_CLICK_BODY: Final = {"List-Unsubscribe": "One-Click"}

SUBSCRIPTION_SCHEMA: Final = SubscriptionInput()
TOKEN_SCHEMA: Final = TokenInput()
PREFERENCES_SCHEMA: Final = PreferencesInput()
BOUNCES_SCHEMA: Final = BouncesInput()
NO_AUTH: dict[str, Any] = {"security": [{}]}
"""OpenAPI attributes of operations that need no key: anyone may subscribe, and a token authorizes the others."""


def subscription_context() -> SubscriptionContext:
    """Return the context of subscription commands.

    Raises:
        Unavailable: The database is known to be unreachable.
    """
    context = app_context()
    context.require_database()
    signer: TokenSigner = current_app.extensions["newsapi-token-signer"]
    return SubscriptionContext(context.database, context.settings, signer)


blueprint = Blueprint(
    "subscriptions", __name__, url_prefix="/v1", description="Subscribe to emails, and operations of the links in them"
)


def _add_subscription_route(term_kind: TermKind) -> None:
    """Add the route with which readers subscribe to a kind of term."""
    kind = term_kind.kind

    @blueprint.route(f"/{kind}s/<slug>/subscriptions", parameters=[slug_param(kind)])
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
            values = load_body(SUBSCRIPTION_SCHEMA, write_requests.json_body())
            app_context().limits.count_subscription()
            commands.request_subscription(subscription_context(), kind, slug, values, now=app_context().now())
            return Response(dump_json({"data": {"state": "requested"}}), 202, content_type=write_requests.JSON)


for _term_kind in TERM_KINDS:
    if _term_kind.kind in FOLLOWABLE_KINDS:
        _add_subscription_route(_term_kind)


def _documents_token_body(schema: type[Schema]) -> dict[str, Any]:
    return {**NO_AUTH, "requestBody": {"required": True, "content": {write_requests.JSON: {"schema": schema}}}}


def _body_token() -> str:
    return str(load_body(TOKEN_SCHEMA, write_requests.json_body())["token"])


def _empty_response() -> Response:
    response = Response(status=204)
    response.headers.pop("Content-Type")
    return response


@blueprint.route("/subscriptions/confirm")
class Confirm(MethodView):
    """Confirmation of a subscription."""

    @blueprint.doc(
        operationId="confirmSubscription", summary="Confirm a subscription", **_documents_token_body(TokenInput)
    )
    @blueprint.response(204)
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """Confirm a subscription with the token of its email. A used, expired or invalid token gets 410."""
        commands.confirm(subscription_context(), _body_token(), now=app_context().now())
        return _empty_response()


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
        token = _one_click_token() if request.mimetype in FORM_MEDIA_TYPES else _body_token()
        commands.unsubscribe(subscription_context(), token, now=app_context().now())
        return _empty_response()


def token_param() -> str:
    """Return the query parameter `token`, cut to 200 characters.

    Raises:
        InvalidParameter: `token` is missing or repeated, or there are other parameters.
    """
    if [*request.args.keys()] != ["token"] or len(request.args.getlist("token")) > 1:
        raise InvalidParameter([FieldError("token", "must be given once, and is the only parameter")])
    return request.args["token"][:200]


def _one_click_token() -> str:
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
        **_documents_token_body(TokenInput),
    )
    @blueprint.response(204)
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """Erase the data of a subscriber."""
        commands.erase_subscriber(subscription_context(), _body_token(), now=app_context().now())
        return _empty_response()


@blueprint.route("/subscriptions/preferences")
class PreferencesView(MethodView):
    """Preferences of a subscriber."""

    @blueprint.doc(
        operationId="setPreferences",
        summary="Get or change the preferences of a subscriber",
        **_documents_token_body(PreferencesInput),
    )
    @blueprint.response(200, SubscriberResponse)
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """Return the subscriber of a management token, after changing the given fields; the others stay.

        The token is sent in the body because URLs are logged and shared.
        """
        token, preferences = load_preferences(write_requests.json_body())
        context, now = subscription_context(), app_context().now()
        if preferences.keys() - {"frequencies"} or preferences["frequencies"]:
            commands.update_preferences(context, token, preferences, now=now)
        with app_context().database.read_transaction() as connection:
            subscriber = commands.verify_manage_token(connection, context, token, now=now)
            (record,) = subscriber_records.list_records(connection, [subscriber])
        return Response(dump_json({"data": compile_dump(SubscriberSchema)(record)}), content_type=write_requests.JSON)


class TokenPreferences(NamedTuple):
    """A management token with the preferences to change."""

    token: str
    preferences: Preferences


def load_preferences(body: dict[str, object]) -> TokenPreferences:
    """Load changed preferences from a request body.

    Args:
        body: The JSON object of the request.

    Returns:
        The token, and the validated changes.

    Raises:
        InvalidBody: The body is not valid.
    """
    values = load_body(PREFERENCES_SCHEMA, body)
    preferences: Preferences = {
        "frequencies": {change["id"]: change["frequency"] for change in values["subscriptions"]}
    }
    if "language" in values:
        preferences["language"] = values["language"]
    if "time_zone" in values:
        preferences["time_zone"] = values["time_zone"]
    return TokenPreferences(values["token"], preferences)


@blueprint.route("/subscriptions/export")
class Export(MethodView):
    """Export of a subscriber."""

    @blueprint.doc(
        operationId="exportSubscriber", summary="Export the data of a subscriber", **_documents_token_body(TokenInput)
    )
    @blueprint.response(200, SubscriberExportResponse)
    @blueprint.documents_errors(410)
    def post(self) -> Response:
        """Return all stored data of the subscriber of a management token."""
        return Response(export_json(_body_token()), content_type=write_requests.JSON)


def export_json(token: str) -> bytes:
    """Return all stored data of a subscriber as JSON.

    Args:
        token: A management token.

    Raises:
        TokenExpired: The token has expired or is invalid.
    """
    with app_context().database.read_transaction() as connection:
        subscriber = commands.verify_manage_token(connection, subscription_context(), token, now=app_context().now())
        return dump_json(
            {"data": compile_dump(SubscriberExport)(subscriber_records.export_subscriber(connection, subscriber))}
        )


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
        bounces = load_body(BOUNCES_SCHEMA, write_requests.json_body())["bounces"]
        for reason in BOUNCE_KINDS:
            emails = [bounce["email"] for bounce in bounces if bounce["kind"] == reason]
            commands.suppress_addresses(subscription_context(), emails, reason, now=app_context().now())
        return _empty_response()


subscribers_blueprint = Blueprint(
    "subscribers", __name__, url_prefix=SUBSCRIBERS_PATH, description="Subscribers and what they follow"
)


@subscribers_blueprint.route("")
class Subscribers(MethodView):
    """The subscribers."""

    @subscribers_blueprint.doc(
        operationId="listSubscribers", summary="List subscribers", **write_requests.requires_key()
    )
    @subscribers_blueprint.arguments(SubscriberListParams(), location="query", error_status_code=400)
    @subscribers_blueprint.response(200, SubscriberList)
    @subscribers_blueprint.documents_errors(400)
    def get(self, query: pagination.Query) -> Response:
        """Return the subscribers whose address is stored, newest first, with their subscriptions and consents."""
        return private_response(SUBSCRIBERS_PATH, query, lambda connection: _subscriber_page(connection, query))


def _subscriber_page(connection: Connection, query: pagination.Query) -> CachedResponse:
    before = UUID(pagination.cursor_payload(query, "subscribers")[0]) if "cursor" in query else None
    rows = queries.list_subscribers(connection, limit=query["limit"] + 1, before=before)
    subscribers = [SubscriberRow._make(row) for row in rows]
    records = {record["id"]: record for record in subscriber_records.list_records(connection, subscribers)}
    return pagination.newest_first_page(
        connection,
        SUBSCRIBERS_PATH,
        query,
        rows,
        lambda row: compile_dump(SubscriberSchema)(records[row["id"]]),
        "subscribers",
    )


blueprints = [blueprint, subscribers_blueprint]
