"""The page that links in mails lead to where the site has none of its own: plain HTML, without scripts.

To open it changes nothing, however often a scanner does; what is done is done by the buttons of its forms.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

import flask
from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from newsapi.actions import subscriptions as actions
from newsapi.api import subscriptions as api
from newsapi.api.parts import parts
from newsapi.errors import BadBody, Fault, TokenExpired, WrongMediaType
from newsapi.schemas.boxes import FREQUENCIES
from newsapi.text import phrases

PATH: Final = "/subscriptions"

_STYLE = (files("newsapi.api") / "templates" / "subscriptions.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_TEMPLATES = Environment(
    loader=PackageLoader("newsapi.api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

LABELS: Final = {"confirm": "page_confirm_do", "leave": "page_leave_do"}


def blueprint() -> flask.Blueprint:
    """Make the route; it is not in the document."""
    made = flask.Blueprint("subscription_page", __name__)

    @made.get(PATH)
    def page() -> Response:
        return _asked(request.args.get("token", "")[:200])

    @made.get(f"{api.PATH}/unsubscribe")
    def lead_on() -> Response:
        """Mail programs that do not know the one click open the address: that changes nothing either."""
        where = parts().presentation.passage(quote(api.only_token(), safe=""))
        return Response(status=303, headers={"Location": where, **_HEADERS})

    @made.post(PATH)
    def act() -> Response:
        if request.mimetype not in api.FORMS:
            raise WrongMediaType("application/x-www-form-urlencoded")
        return _done(request.form.get("token", "")[:200], request.form.get("do", ""))

    return made


def _asked(token: str, said: str = "") -> Response:
    """Show what a token is good for, with the buttons that do it."""
    try:
        with parts().database.reading() as connection:
            found = actions.shown(connection, api.box(), token, now=parts().now())
    except TokenExpired:
        return _over()
    words = phrases.PHRASES[found.language]
    if found.person is not None:
        text = words["page_of"].format(email=found.person["email"]) if found.person["email"] else ""
        return _page(found.language, words["page_manage"], text=text, said=said, person=found.person, token=token)
    question = words[f"page_{found.purpose}"].format(topic=found.topic) if found.topic else words["page_leave_all"]
    return _page(found.language, question, do=found.purpose, label=words[LABELS[found.purpose]], token=token)


def _done(token: str, act: str) -> Response:
    """Do what a button says."""
    here, now = api.box(), parts().now()
    try:
        with parts().database.reading() as connection:
            found = actions.shown(connection, here, token, now=now)
        words = phrases.PHRASES[found.language]
        if act == "confirm":
            actions.confirm(here, token, now=now)
            return _page(found.language, words["page_confirmed"].format(topic=found.topic))
        if act == "leave":
            actions.leave(here, token, now=now)
            return _page(found.language, words["page_left"])
        if act == "erase":
            actions.erase(here, token, now=now)
            return _page(found.language, words["page_erased"])
        if act == "export":
            kept = {"Content-Disposition": 'attachment; filename="dati.json"'}
            return Response(api.exported(token), content_type="application/json", headers={**_HEADERS, **kept})
        if act == "save":
            actions.change(here, token, _chosen(), now=now)
            language = request.form.get("language", found.language)
            return _asked(token, phrases.PHRASES[language]["page_saved"])
    except TokenExpired:
        return _over()
    raise BadBody([Fault("/do", "is none of confirm, leave, save, export, erase")])


def _chosen() -> dict[str, Any]:
    """What the form says, as the API would be told it. Raises BadBody."""
    form = {name: value for name, value in request.form.items() if name != "do"}
    asked: dict[str, Any] = {name: form.pop(name) for name in ("token", "language", "time_zone") if name in form}
    asked["subscriptions"] = [
        {"id": id_, "frequency": None if frequency == "stop" else frequency} for id_, frequency in form.items()
    ]
    return api.preferences(asked)


def _over() -> Response:
    language = parts().settings.mail_language
    words = phrases.PHRASES[language]
    return _page(language, words["page_over"], text=words["page_over_why"], status=410)


def _page(language: str, title: str, *, status: int = 200, **more: Any) -> Response:
    usual: dict[str, Any] = {"text": "", "said": "", "do": "", "label": "", "token": "", "person": None}
    page = _TEMPLATES.get_template("subscriptions.html").render(
        language=language,
        title=title,
        style=Markup(_STYLE),  # noqa: S704 (a file of ours; escaped, it would not be what its hash allows)
        publisher=parts().presentation.publisher,
        words=phrases.PHRASES[language],
        languages=phrases.LANGUAGES,
        frequencies=FREQUENCIES,
        here=PATH.lstrip("/"),  # from wherever the page was reached, as its policy lets forms go nowhere else
        **{**usual, **more},
    )
    return Response(page, status, content_type="text/html; charset=utf-8", headers=_HEADERS)
