"""From errors to problem+json (RFC 9457): the only place with status codes for failures, and the pages that explain."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote, unquote
from uuid import UUID

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from newsapi.api import requests
from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.cache.answer import ID_GOES_HERE, USUAL, Answer
from newsapi.cache.bridge import Plain
from newsapi.errors import (
    BadBody,
    BadCursor,
    Behind,
    ExpiredCursor,
    InUse,
    Invalid,
    KeyMissing,
    KeyReused,
    KeyUnknown,
    Limited,
    MoveNotAllowed,
    NewsError,
    NoMail,
    NoRoom,
    NotFound,
    Renamed,
    SchemaMissing,
    ScopeMissing,
    StillRunning,
    TokenExpired,
    Unavailable,
    VersionMissing,
    VersionStale,
    Withdrawn,
    WrongMediaType,
)
from newsapi.schemas.dump import json
from newsapi.text.slugs import is_slug, is_uuid

log = structlog.get_logger("newsapi.problems")

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """A kind of problem: its status, its title, and what its page says."""

    status: int
    title: str
    text: str


KINDS = {
    "bad-parameter": Kind(
        400,
        "A parameter cannot be taken",
        "A parameter of the query is unknown, is given twice, or has a value that cannot be read. Each entry of errors"
        " names the parameter and what is allowed.",
    ),
    "cursor-invalid": Kind(
        400,
        "The cursor cannot be read",
        "A cursor is an opaque text made by this API: take page.next or page.prev of an answer as it is. This one was"
        " altered, cut, or made for another list. Start again without a cursor.",
    ),
    "cursor-expired": Kind(
        410,
        "The cursor has expired",
        "Cursors of lists live for at least 30 days. Start again without a cursor.",
    ),
    "not-found": Kind(
        404, "There is nothing here", "The address leads to nothing, or to nothing that the public may know of."
    ),
    "gone": Kind(
        410,
        "It was here and is no more",
        "The article was published and has been withdrawn or unpublished. The member gone tells when, how and, where"
        " that may be told, why. Remove your copies of it.",
    ),
    "key-unknown": Kind(
        401,
        "The key is not known",
        "The request carries a key that does not exist, has expired or was revoked. Public reads need no key.",
    ),
    "key-missing": Kind(
        401,
        "This needs a key",
        "Send a key of this API: Authorization: Bearer KEY. Writes need one; most reads do not.",
    ),
    "scope-missing": Kind(
        403,
        "The key is not for this",
        "The key is good, but lacks the scope that the member scope names. Ask who gave it to you for one that has it.",
    ),
    "bad-body": Kind(
        422,
        "The body cannot be taken",
        "Each entry of errors names a place in the body (a JSON pointer) and says what is wrong with it.",
    ),
    "version-missing": Kind(
        428,
        "It is not said which version this is set against",
        "Read the article with your key; its ETag is its version. Send that as If-Match, so that you overwrite nothing"
        " that you have not seen.",
    ),
    "version-stale": Kind(
        412,
        "It has been changed since",
        "Somebody wrote since you read. The ETag of this answer is the version by now: read it and decide anew.",
    ),
    "move-not-allowed": Kind(
        409,
        "This status cannot follow",
        "From its present status an article can only go to those that the member allowed names.",
    ),
    "in-use": Kind(
        409,
        "It is in use",
        "Another one has this slug, or others depend on what was to go. Nothing was changed.",
    ),
    "idempotency-conflict": Kind(
        422,
        "The Idempotency-Key was used",
        "A key stands for one request: the same one gets the same answer for 24 hours, another one is refused (422)."
        " While the first is being worked on, the answer is 409: try again a second later.",
    ),
    "token-expired": Kind(
        410, "The link has expired", "The link was good once: its time is over, or it was revoked. Ask for a new one."
    ),
    "rate-limited": Kind(
        429,
        "Too many requests",
        "Wait for the seconds in Retry-After. RateLimit-Policy says how many requests there may be in which time.",
    ),
    "behind": Kind(
        503,
        "That change is not here yet",
        "min_seq asks for a state that the database has not reached. Try again after the seconds in Retry-After.",
    ),
    "unavailable": Kind(
        503,
        "The service cannot answer just now",
        "Something this API needs does not answer. Try again after the seconds in Retry-After.",
    ),
}

NAMES: dict[type[NewsError], str] = {
    Invalid: "bad-parameter",
    BadCursor: "cursor-invalid",
    ExpiredCursor: "cursor-expired",
    NotFound: "not-found",
    Withdrawn: "gone",
    Behind: "behind",
    BadBody: "bad-body",
    InUse: "in-use",
    KeyMissing: "key-missing",
    KeyReused: "idempotency-conflict",
    KeyUnknown: "key-unknown",
    Limited: "rate-limited",
    MoveNotAllowed: "move-not-allowed",
    ScopeMissing: "scope-missing",
    StillRunning: "idempotency-conflict",
    TokenExpired: "token-expired",
    VersionMissing: "version-missing",
    VersionStale: "version-stale",
    SchemaMissing: "unavailable",
    NoMail: "unavailable",
    NoRoom: "unavailable",
    Unavailable: "unavailable",
}


def register(app: Flask) -> None:
    """Translate every error that leaves a view."""
    app.register_error_handler(NewsError, _news_error)
    app.register_error_handler(HTTPException, _http_error)


def problem(name: str, detail: str, *, status: int | None = None, **more: Any) -> Response:
    """Make a problem of a known kind; `more` are its further members. `status` where it is another than usual."""
    kind = KINDS[name]
    type_ = f"{parts().settings.api_url}/problems/{name}"
    return _response(type_, status or kind.status, kind.title, detail, more)


def _response(type_: str, status: int, title: str, detail: str, more: dict[str, Any]) -> Response:
    body = _body(type_, status, title, detail, {"request_id": requests.request_id(), **more})
    return Response(body, status, content_type=MEDIA_TYPE)


def _body(type_: str, status: int, title: str, detail: str, more: dict[str, Any], *, path: str | None = None) -> bytes:
    instance = quote((request.path if path is None else path)[:500])
    return json({"type": type_, "title": title, "status": status, "detail": detail, "instance": instance, **more})


def refuser(api_url: str) -> Callable[[int, str, str], Plain]:
    """Answer the function that refuses before Flask: from a status, a path and the id of the request."""

    def refuse(status: int, path: str, request_id: str) -> Plain:
        type_, title = "about:blank", HTTPStatus(status).phrase
        detail, more = title, [("Connection", "close")]
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            type_, title = f"{api_url}/problems/unavailable", KINDS["unavailable"].title
            detail, more = "Too many requests are waiting, or the database is away.", [("Retry-After", "1")]
        body = _body(type_, status, title, detail, {"request_id": request_id}, path=path)
        own = [("Content-Type", MEDIA_TYPE), ("Cache-Control", "no-store"), ("X-Request-Id", request_id)]
        return Plain(status, [*own, *more, *(pair for pair in USUAL if pair[0] != "Cache-Control")], body)

    return refuse


def refusal(error: NotFound | Renamed | Withdrawn, address: str) -> Answer:
    """Answer what is kept of an error that is as true as any answer: there is nothing, it is gone, or elsewhere.

    In: the error, which says as of which change, and the address of the read in its one form.
    """
    path = request.path
    words = _words(error, path)
    found: dict[str, Any] = {"seq": error.seq or 0, "words": words, "tags": _tags(path), "media_type": MEDIA_TYPE}
    if isinstance(error, Renamed):
        return Answer(body=b"", status=308, location=_led_on(error, address), **found)
    name, more = NAMES[type(error)], {"gone": error.gone} if isinstance(error, Withdrawn) else {}
    kind = KINDS[name]
    type_ = f"{parts().settings.api_url}/problems/{name}"
    # In its one form: whoever else gets it may have written an id in other letters.
    here = unquote(address.removeprefix(parts().settings.api_url).partition("?")[0])
    body = _body(type_, kind.status, kind.title, str(error), {"request_id": ID_GOES_HERE, **more}, path=here)
    return Answer(body=body, status=kind.status, **found)


def _words(error: NotFound | Renamed | Withdrawn, path: str) -> frozenset[tags.Word]:
    """What would make it otherwise."""
    if isinstance(error, NotFound) and error.words:
        return error.words
    _, _, kind, which, *_ = path.split("/")
    words: set[tags.Word] = set()
    if is_uuid(which):
        words.add(tags.article(UUID(which)))
    elif is_slug(which):
        words.add(tags.slug(which) if kind == "articles" else tags.name(kind.removesuffix("s"), which))
    if isinstance(error, Renamed | Withdrawn) and error.id:
        words.add(tags.article(error.id))
    elif isinstance(error, Renamed):
        words.add(tags.name(kind.removesuffix("s"), error.slug))
    return frozenset(words)


def _tags(path: str) -> tuple[str, ...]:
    """The word by which a CDN drops what it was told of one article, brand, author, section or tag."""
    if not path.startswith("/v1/"):
        return (tags.ARTICLES,)
    _, _, kind, which, *_ = path.split("/")
    if not (is_slug(which) or is_uuid(which)):
        return ()  # nothing can ever be there
    if kind != "articles":
        return (f"{kind.removesuffix('s')}:{which}",)
    return (f"article:{which.lower()}" if is_uuid(which) else f"slug:{which}",)


def _led_on(error: Renamed, address: str) -> str:
    """The same address with the present slug, whatever hangs behind it."""
    api = parts().settings.api_url
    path, mark, query = address.removeprefix(api).partition("?")
    _, version, kind, _, *rest = path.split("/")
    return f"{api}{'/'.join(('', version, kind, error.slug, *rest))}{mark}{query}"


def _news_error(error: NewsError) -> Response:
    if _is_theirs(error):
        try:
            parts().limits.count()
        except Limited as limited:
            error = limited
    if isinstance(error, WrongMediaType):
        return _of_media_type(error)
    response = problem(NAMES[type(error)], str(error), status=_STATUS.get(type(error)), **_facts(error))
    response.headers.update(_headers(error))
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        # While the database is known to be away, that was said once already.
        say = log.warning if error.__cause__ else log.info
        say("unavailable", error=type(error).__name__, cause=repr(error.__cause__)[:500])
        response.headers["Retry-After"] = "1"
    return response


def _is_theirs(error: NewsError) -> bool:
    """Whether it is the request that is refused, which costs something too, and not we who cannot answer."""
    return not isinstance(error, Limited | Unavailable | SchemaMissing | Behind)


_STATUS: dict[type[NewsError], int] = {StillRunning: 409}


def _facts(error: NewsError) -> dict[str, Any]:
    """The members of a problem that an error brings."""
    found: dict[str, Any] = {}
    if isinstance(error, Invalid):
        place = "pointer" if isinstance(error, BadBody) else "parameter"
        found["errors"] = [{place: fault.place, "message": fault.message} for fault in error.faults]
    elif isinstance(error, ScopeMissing):
        found["scope"] = error.scope
    elif isinstance(error, VersionStale):
        found["version"] = error.version
    elif isinstance(error, MoveNotAllowed):
        found["allowed"] = list(error.allowed)
    elif isinstance(error, Withdrawn):
        found["gone"] = error.gone
    return found


def _headers(error: NewsError) -> dict[str, str]:
    """The headers that an error brings."""
    if isinstance(error, KeyMissing | KeyUnknown):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, ScopeMissing):
        return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{error.scope}"'}
    if isinstance(error, VersionStale):
        return {"ETag": f'"v{error.version}"'}
    if isinstance(error, Limited):
        return {"Retry-After": str(error.seconds)}
    return {"Retry-After": "1"} if isinstance(error, StillRunning) else {}


def _of_media_type(error: WrongMediaType) -> Response:
    response = _response("about:blank", 415, HTTPStatus.UNSUPPORTED_MEDIA_TYPE.phrase, str(error), {})
    response.headers["Accept-Patch" if request.method == "PATCH" else "Accept-Post"] = error.wanted
    return response


def _http_error(error: HTTPException) -> Response:
    """What the framework refuses: an unknown path, a method, a body that is too large."""
    status = error.code or 500
    if status == HTTPStatus.NOT_FOUND:
        response = problem("not-found", str(NotFound()))
    else:
        title = HTTPStatus(status).phrase
        detail = error.description if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Something went wrong here."
        response = _response("about:blank", status, title, detail or title, {})
    for name, value in error.get_headers():
        if name in {"Allow", "WWW-Authenticate", "Retry-After"}:
            response.headers[name] = value
    return response
