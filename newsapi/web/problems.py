"""Problem responses (RFC 9457): error handlers that convert every exception of a view to a response."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote, unquote
from uuid import UUID

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from newsapi.cache import dependencies
from newsapi.cache.cached_response import PUBLIC_HEADERS, REQUEST_ID_PLACEHOLDER, CachedResponse
from newsapi.errors import (
    IdempotentRequestInProgress,
    InvalidBody,
    InvalidParameter,
    KeyMissing,
    KeyUnknown,
    MigrationsPending,
    NewsError,
    NoLongerPublic,
    NotFound,
    RateLimited,
    Renamed,
    ReplicaBehind,
    ScopeMissing,
    TransitionNotAllowed,
    Unavailable,
    VersionConflict,
    WrongMediaType,
    describe_cause,
)
from newsapi.server.content_negotiation import is_acceptable
from newsapi.server.front import READ_METHODS
from newsapi.server.wsgi_bridge import ENV_CACHE_RESULT, UncachedResponse
from newsapi.text.former_slugs import parse_article_slug
from newsapi.text.json_types import JsonObject
from newsapi.text.slugs import is_slug, is_uuid
from newsapi.web import request_hooks
from newsapi.web.context import app_context
from newsapi.web.fast_dump import dump_json
from newsapi.web.problem_types import BLANK_PROBLEMS, PROBLEM_TYPE_OF_ERROR, PROBLEM_TYPES

log = structlog.get_logger("newsapi.problems")

MEDIA_TYPE = "application/problem+json"


def register(app: Flask) -> None:
    """Register the error handlers, which convert every exception of a view to a problem response."""
    app.register_error_handler(NewsError, _news_error)
    app.register_error_handler(HTTPException, _http_error)
    app.after_request(_refuse_other_media_types)


def problem(name: str, detail: str, *, status: int | None = None, **extra_members: object) -> Response:
    """Return a problem response.

    Args:
        name: Name of the problem type, a key of `PROBLEM_TYPES`.
        detail: Explanation of this occurrence.
        status: Status code, if it differs from that of the type.
        **extra_members: Extension members of the problem.
    """
    problem_type = PROBLEM_TYPES[name]
    type_ = _Type.named(name, app_context().settings.problem_url)
    return _response(type_, status or problem_type.status, problem_type.title, detail, extra_members)


class _Type(NamedTuple):
    """The members of a problem that identify its type: the URL of the page that explains it, and its name."""

    url: str
    code: str | None

    @classmethod
    def named(cls, name: str, problem_url: str) -> _Type:
        """Return the members of a type of `PROBLEM_TYPES`; `problem_url` is the base of the URL."""
        return cls(f"{problem_url}/problems/{name}", name)


_BLANK = _Type("about:blank", None)


def _response(type_: _Type, status: int, title: str, detail: str, extra_members: JsonObject) -> Response:
    body = _body(type_, status, title, detail, {"request_id": request_hooks.request_id(), **extra_members})
    return Response(body, status, content_type=MEDIA_TYPE)


def _body(
    type_: _Type, status: int, title: str, detail: str, extra_members: JsonObject, *, path: str | None = None
) -> bytes:
    members = {
        "type": type_.url,
        "code": type_.code,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": quote((request.path if path is None else path)[:500]),
    }
    return dump_json({**members, **extra_members})


def refusal_factory(problem_url: str) -> Callable[[int, str, str], UncachedResponse]:
    """Return a function that builds problem responses outside Flask, for the asynchronous server.

    Args:
        problem_url: Base URL of the problem types.

    Returns:
        The function; it takes a status code, the path and the id of the request.
    """

    def refuse(status: int, path: str, request_id: str) -> UncachedResponse:
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            type_, title = _Type.named("unavailable", problem_url), PROBLEM_TYPES["unavailable"].title
            detail = "Too many requests are waiting, or the database does not respond."
            status_header: tuple[str, str] | None = ("Retry-After", "1")
        else:
            type_, title = _BLANK, HTTPStatus(status).phrase
            detail = _blank_detail(status, title)
            # The rest of a request that was not read must not be taken for the next one.
            status_header = None if status == HTTPStatus.NOT_ACCEPTABLE else ("Connection", "close")
        body = _body(type_, status, title, detail, {"request_id": request_id}, path=path)
        headers = [("Content-Type", MEDIA_TYPE), ("Cache-Control", "no-store"), ("X-Request-Id", request_id)]
        headers += [status_header] if status_header else []
        headers += [(name, value) for name, value in PUBLIC_HEADERS if name != "Cache-Control"]
        return UncachedResponse(status, headers, body)

    return refuse


_SAME_DETAIL = frozenset({HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
"""Status codes that both the asynchronous server and the application send; their responses are the same."""


def _blank_detail(status: int, otherwise: str) -> str:
    """Return the detail of a problem without a type of its own."""
    return BLANK_PROBLEMS[status] if status in _SAME_DETAIL else otherwise


def cacheable_problem(error: NotFound | Renamed | NoLongerPublic, url: str) -> CachedResponse:
    """Return the cacheable response of a read that found nothing: 404, 410 or 308.

    Args:
        error: The error; its `seq` is the change as of which it holds.
        url: Canonical URL of the read.

    Returns:
        The response, with the dependencies on which the error could change.
    """
    api_url = app_context().settings.api_url
    seq, depends_on, surrogate_keys = error.seq or 0, _dependencies(error, request.path), _surrogate_keys(request.path)
    if isinstance(error, Renamed):
        return CachedResponse(
            body=b"",
            seq=seq,
            dependencies=depends_on,
            surrogate_keys=surrogate_keys,
            media_type=MEDIA_TYPE,
            status=308,
            location=_redirect_url(error, url),
        )
    problem_type = PROBLEM_TYPE_OF_ERROR[type(error)]
    extra_members: JsonObject = {"request_id": REQUEST_ID_PLACEHOLDER}
    if isinstance(error, NoLongerPublic):
        extra_members["gone"] = error.gone
    # The canonical path: the response is shared by requests that spell an id in different ways.
    path = unquote(url.removeprefix(api_url).partition("?")[0])
    type_ = _Type.named(problem_type.name, app_context().settings.problem_url)
    body = _body(type_, problem_type.status, problem_type.title, str(error), extra_members, path=path)
    return CachedResponse(
        body=body,
        seq=seq,
        dependencies=depends_on,
        surrogate_keys=surrogate_keys,
        media_type=MEDIA_TYPE,
        status=problem_type.status,
    )


def _dependencies(error: NotFound | Renamed | NoLongerPublic, path: str) -> frozenset[dependencies.Dependency]:
    """Return the dependencies whose change may make the error untrue."""
    if isinstance(error, NotFound) and error.words:
        return error.words
    _, _, collection, name, *_ = path.split("/")
    kind = collection.removesuffix("s")
    depends_on: set[dependencies.Dependency] = set()
    if is_uuid(name):
        depends_on.add(dependencies.article_dependency(UUID(name)))
    elif kind == "article" and (slug := parse_article_slug(name)):
        depends_on.add(dependencies.slug_dependency(slug))
    elif kind != "article" and is_slug(name):
        depends_on.add(dependencies.name_dependency(kind, name))
    if isinstance(error, Renamed | NoLongerPublic) and error.id:
        depends_on.add(dependencies.article_dependency(error.id))
    elif isinstance(error, Renamed):
        depends_on.add(dependencies.name_dependency(kind, error.slug))
    return frozenset(depends_on)


def _surrogate_keys(path: str) -> tuple[str, ...]:
    """Return the surrogate keys by which a CDN purges the error response of one article or term."""
    if not path.startswith("/v1/"):
        return (dependencies.ALL_ARTICLES,)
    _, _, collection, name, *_ = path.split("/")
    if is_uuid(name) and collection == "articles":
        return (f"article:{name.lower()}",)
    slug = parse_article_slug(name) if collection == "articles" else name if is_slug(name) or is_uuid(name) else ""
    if not slug:
        return ()  # no resource can have this name
    return (f"slug:{slug}" if collection == "articles" else f"{collection.removesuffix('s')}:{slug}",)


def _redirect_url(error: Renamed, url: str) -> str:
    """Return the same URL with the current slug; subpaths and the query are kept."""
    api_url = app_context().settings.api_url
    path, question_mark, query = url.removeprefix(api_url).partition("?")
    _, version, collection, _, *subpath = path.split("/")
    return f"{api_url}{'/'.join(['', version, collection, error.slug, *subpath])}{question_mark}{query}"


def _news_error(error: NewsError) -> Response:
    if _is_client_error(error):
        try:
            app_context().limits.count()
        except RateLimited as limited:
            error = limited
    if isinstance(error, WrongMediaType):
        return _of_media_type(error)
    problem_type = PROBLEM_TYPE_OF_ERROR[type(error)]
    status = problem_type.status_of(type(error))
    response = problem(problem_type.name, str(error), status=status, **_extra_members(error))
    response.headers.update(_headers(error))
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        # Without a cause, the database is already known to be unreachable, which was logged before.
        write_log = log.warning if error.__cause__ else log.info
        write_log("unavailable", error=type(error).__name__, cause=describe_cause(error))
        response.headers["Retry-After"] = "1"
    return response


def _is_client_error(error: NewsError) -> bool:
    """Whether the client caused the error: such requests count against the rate limit."""
    return not isinstance(error, RateLimited | Unavailable | MigrationsPending | ReplicaBehind)


def _extra_members(error: NewsError) -> JsonObject:
    """Return the extension members of the problem of an error."""
    if isinstance(error, InvalidParameter):
        member = "pointer" if isinstance(error, InvalidBody) else "parameter"
        errors = [{member: field_error.location, "message": field_error.message} for field_error in error.faults]
        return {"errors": errors}
    if isinstance(error, ScopeMissing):
        return {"scope": error.scope}
    if isinstance(error, VersionConflict):
        return {"version": error.version}
    if isinstance(error, TransitionNotAllowed):
        return {"allowed": list(error.allowed)}
    if isinstance(error, NoLongerPublic):
        return {"gone": error.gone}
    return {}


def _headers(error: NewsError) -> dict[str, str]:
    """Return the headers of the problem response of an error."""
    if isinstance(error, KeyMissing | KeyUnknown):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, ScopeMissing):
        return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{error.scope}"'}
    if isinstance(error, VersionConflict):
        return {"ETag": f'"v{error.version}"'}
    if isinstance(error, RateLimited):
        return {"Retry-After": str(error.seconds)}
    return {"Retry-After": "1"} if isinstance(error, IdempotentRequestInProgress) else {}


def _of_media_type(error: WrongMediaType) -> Response:
    response = _response(_BLANK, 415, HTTPStatus.UNSUPPORTED_MEDIA_TYPE.phrase, str(error), {})
    response.headers["Accept-Patch" if request.method == "PATCH" else "Accept-Post"] = error.wanted
    return response


def _refuse_other_media_types(response: Response) -> Response:
    """Return 406 in place of the response to a content read if the client accepts other media types only.

    The asynchronous server checks the responses that it sends itself.

    Returns:
        The same response, or the problem.
    """
    status, accept = HTTPStatus.NOT_ACCEPTABLE, request.headers.get("Accept")
    is_read = request.method in READ_METHODS and request.path.startswith(("/v1", "/sitemap"))
    if accept is None or not is_read or response.status_code != HTTPStatus.OK or ENV_CACHE_RESULT in request.environ:
        return response
    if is_acceptable(accept, response.content_type or ""):
        return response
    return _response(_BLANK, status, status.phrase, BLANK_PROBLEMS[status], {})


def _http_error(error: HTTPException) -> Response:
    """Convert an error of the framework: an unknown path, a wrong method, a body that is too large."""
    status = error.code or 500
    if status == HTTPStatus.NOT_FOUND:
        response = problem("not-found", str(NotFound()))
    else:
        title = HTTPStatus(status).phrase
        detail = error.description if status < HTTPStatus.INTERNAL_SERVER_ERROR else "An internal error occurred."
        response = _response(_BLANK, status, title, _blank_detail(status, detail or title), {})
    for name, value in error.get_headers():
        if name in {"Allow", "WWW-Authenticate", "Retry-After"}:
            response.headers[name] = value
    return response
