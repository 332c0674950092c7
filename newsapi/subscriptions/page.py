"""The page that links in emails lead to if the site has none of its own: plain HTML without scripts.

Opening the page changes nothing, because link scanners open it too. Only the buttons of its forms, which POST, do.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final
from urllib.parse import quote

import flask
from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from newsapi.content.context import app_context
from newsapi.content.schemas.subscription_offer import FREQUENCIES
from newsapi.errors import FieldError, InvalidBody, TokenExpired, WrongMediaType
from newsapi.subscriptions import commands, messages, subscriber_records, views
from newsapi.subscriptions.commands import Preferences

PATH: Final = "/subscriptions"

_STYLE: Final = (files("newsapi.subscriptions") / "templates" / "subscriptions.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_TEMPLATES: Final = Environment(
    loader=PackageLoader("newsapi.subscriptions"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

BUTTON_MESSAGES: Final = {"confirm": "page_confirm_do", "leave": "page_leave_do"}


def blueprint() -> flask.Blueprint:
    """Return the blueprint of the page; OpenAPI does not document it."""
    flask_blueprint = flask.Blueprint("subscription_page", __name__)

    @flask_blueprint.get(PATH)
    def page() -> Response:
        return _render_question(request.args.get("token", "")[:200])

    @flask_blueprint.get(f"{views.PATH}/unsubscribe")
    def redirect_to_page() -> Response:
        """Redirect email clients that open the one-click URL (RFC 8058) instead of posting to it."""
        url = app_context().presentation.subscription_page_url(quote(views.token_param(), safe=""))
        return Response(status=303, headers={"Location": url, **_HEADERS})

    @flask_blueprint.post(PATH)
    def submit() -> Response:
        if request.mimetype not in views.FORM_MEDIA_TYPES:
            raise WrongMediaType("application/x-www-form-urlencoded")
        return _run_action(request.form.get("token", "")[:200], request.form.get("do", ""))

    return flask_blueprint


def _render_question(token: str, notice: str = "") -> Response:
    """Return the page of a token: its question with a button, or the preferences form of a management token.

    Args:
        token: The token of an email.
        notice: A message above the form, such as "saved".
    """
    try:
        with app_context().database.read_transaction() as connection:
            described = subscriber_records.describe_token(
                connection, views.subscription_context(), token, now=app_context().now()
            )
    except TokenExpired:
        return _expired_page()
    language, topic, purpose = described.language, described.topic, described.purpose
    subscriber = described.subscriber
    texts = messages.MESSAGES[language]
    if subscriber is not None:
        text = texts["page_of"].format(email=subscriber["email"]) if subscriber["email"] else ""
        return _page(language, texts["page_manage"], text=text, notice=notice, subscriber=subscriber, token=token)
    question = texts[f"page_{purpose}"].format(topic=topic) if topic else texts["page_leave_all"]
    return _page(language, question, do=purpose, label=texts[BUTTON_MESSAGES[purpose]], token=token)


def _run_action(token: str, action: str) -> Response:
    """Return the page that shows the result of a button, after running its action.

    Raises:
        InvalidBody: The action is unknown.
    """
    context, now = views.subscription_context(), app_context().now()
    try:
        with app_context().database.read_transaction() as connection:
            described = subscriber_records.describe_token(connection, context, token, now=now)
        texts = messages.MESSAGES[described.language]
        if action == "confirm":
            commands.confirm(context, token, now=now)
            return _page(described.language, texts["page_confirmed"].format(topic=described.topic))
        if action == "leave":
            commands.unsubscribe(context, token, now=now)
            return _page(described.language, texts["page_left"])
        if action == "erase":
            commands.erase_subscriber(context, token, now=now)
            return _page(described.language, texts["page_erased"])
        if action == "export":
            download = {"Content-Disposition": 'attachment; filename="dati.json"'}
            return Response(views.export_json(token), content_type="application/json", headers={**_HEADERS, **download})
        if action == "save":
            commands.update_preferences(context, token, _form_preferences(), now=now)
            language = request.form.get("language", described.language)
            return _render_question(token, messages.MESSAGES[language]["page_saved"])
    except TokenExpired:
        return _expired_page()
    raise InvalidBody([FieldError("/do", "must be one of confirm, leave, save, export, erase")])


def _form_preferences() -> Preferences:
    """Return the preferences of the form, validated like those of the API.

    Raises:
        InvalidBody: The form is not valid.
    """
    form = {name: value for name, value in request.form.items() if name != "do"}
    values: dict[str, object] = {name: form.pop(name) for name in ("token", "language", "time_zone") if name in form}
    values["subscriptions"] = [
        {"id": id_, "frequency": None if frequency == "stop" else frequency} for id_, frequency in form.items()
    ]
    return views.load_preferences(values).preferences


def _expired_page() -> Response:
    language = app_context().settings.mail_language
    texts = messages.MESSAGES[language]
    return _page(language, texts["page_over"], text=texts["page_over_why"], status=410)


def _page(language: str, title: str, *, status: int = 200, **variables: object) -> Response:
    defaults: dict[str, object] = {"text": "", "notice": "", "do": "", "label": "", "token": "", "subscriber": None}
    page = _TEMPLATES.get_template("subscriptions.html").render(
        language=language,
        title=title,
        style=Markup(_STYLE),  # noqa: S704 (a file of this package; escaped, it would not match its hash in the policy)
        publisher=app_context().presentation.publisher,
        words=messages.MESSAGES[language],
        languages=messages.LANGUAGES,
        frequencies=FREQUENCIES,
        here=PATH.lstrip("/"),  # relative, because the policy allows forms to the own origin only
        **{**defaults, **variables},
    )
    return Response(page, status, content_type="text/html; charset=utf-8", headers=_HEADERS)
