"""Read responses: cached, private and long-polled."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from flask import Response, request
from prometheus_client import Histogram

from newsapi.cache.cached_response import CachedResponse, RequestConditions, ResponseMetadata, render
from newsapi.cache.log_follower import POLL_INTERVAL_SECONDS
from newsapi.cache.response_cache import CacheResult
from newsapi.db.database import Connection
from newsapi.errors import NoLongerPublic, NotFound, Renamed, ReplicaBehind
from newsapi.server.front import LONG_POLL_RETRY_AFTER_SECONDS
from newsapi.server.metrics import CACHE_STATUS_LABELS
from newsapi.server.wsgi_bridge import ENV_CACHE_RESULT, ENV_FRONT, ENV_LONG_POLL, LongPoll
from newsapi.text.json_types import JsonValue
from newsapi.tracing import spans
from newsapi.web import authorization, problems, request_hooks
from newsapi.web.context import app_context
from newsapi.web.cursors import period_number

_BUILD_SECONDS = Histogram(
    "newsapi_response_build_seconds",
    "Time to build a response from the database in seconds, by route",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)


def cached_response(
    url: str, query: Mapping[str, JsonValue], build: Callable[[Connection], CachedResponse]
) -> Response:
    """Return the cached response of a URL if it is still valid; otherwise build and cache it.

    404, 410 and 308 responses are cached like 200s. Requests with a key or a preview token are never cached.

    Args:
        url: Canonical URL of the read, the cache key.
        query: Parsed query parameters.
        build: Builds the response inside one read transaction. It may raise NotFound, NoLongerPublic or Renamed.

    Returns:
        The Flask response; in the asynchronous server, a placeholder for the response that the server sends itself.
    """
    if authorization.current_caller() is not None or "preview" in query:
        return _private_response(url, query, build, is_public_content=_shows_public_content(query))
    return _respond(_cached_or_built(url, query, build))


def long_poll(
    url: str, query: Mapping[str, JsonValue], build: Callable[[Connection], CachedResponse], seconds: int
) -> Response:
    """Return a response; if it has no news, wait until a dependency changes or the timeout expires.

    In the asynchronous server, waiting requests are parked on the event loop and hold no thread. Under another server
    at most `MAX_HELD_THREADS` threads wait; further requests get their response at once, with `Retry-After`. The
    response is sent as `private, no-store`.

    Args:
        url: Canonical URL of the read.
        query: Parsed query parameters.
        build: Builds the response inside one read transaction; it sets `has_no_news` if there is nothing to report.
        seconds: Maximum time to wait.

    Returns:
        The response as of the last build.
    """
    context, is_public = app_context(), authorization.current_caller() is None
    end = time.monotonic() + seconds

    def load() -> CachedResponse:
        if is_public:
            return _cached_or_built(url, query, build).response
        changelog_snapshot = context.response_cache.follower.latest()
        built = _built(query, build, is_public_content=_shows_public_content(query))
        built.log_epoch = changelog_snapshot.epoch if changelog_snapshot is not None else None
        return built

    current = load()
    if ENV_FRONT in request.environ:
        request.environ[ENV_LONG_POLL] = LongPoll(current, seconds) if current.has_no_news else None
        return _private(current)
    if not current.has_no_news:
        return _private(current)
    if not context.long_poll_slots.acquire(blocking=False):
        response = _private(current)
        response.headers["Retry-After"] = str(LONG_POLL_RETRY_AFTER_SECONDS)
        return response
    try:
        while time.monotonic() < end:
            time.sleep(POLL_INTERVAL_SECONDS)
            changelog_snapshot = context.response_cache.follower.latest()
            if changelog_snapshot is not None and not context.response_cache.follower.is_valid(
                current, changelog_snapshot
            ):
                current = load()
                if not current.has_no_news:
                    break
    finally:
        context.long_poll_slots.release()
    return _private(current)


def _cached_or_built(
    address: str, query: Mapping[str, JsonValue], build: Callable[[Connection], CachedResponse]
) -> CacheResult:
    """Return the cached response of a URL if it is still valid; otherwise build and cache it."""
    context = app_context()

    def build_or_refuse() -> CachedResponse:
        context.limits.count()
        route = request_hooks.route()
        with spans.span("build response"):
            try:
                with _BUILD_SECONDS.labels(route).time():
                    response = context.reads.read(build)
            except (NotFound, Renamed, NoLongerPublic) as error:
                response = problems.cacheable_problem(error, address)
        response.route = route
        return response

    key = f"{period_number(context.now())}:{address}"
    with spans.span("cache lookup") as span:
        result = context.response_cache.get(key, build_or_refuse, min_seq=query["min_seq"])
        span.set_attribute("newsapi.cache", CACHE_STATUS_LABELS[result.cache_status])
    return result


def private_response(
    url: str, query: Mapping[str, JsonValue], build: Callable[[Connection], CachedResponse]
) -> Response:
    """Build a response for this caller only, which is never cached and may show what is not public.

    Args:
        url: Canonical URL or path of the read, used in redirects.
        query: Parsed query parameters.
        build: Builds the response inside one read transaction.

    Returns:
        The response, with `Cache-Control: private, no-store`; 308 if `build` raises Renamed.
    """
    return _private_response(url, query, build, is_public_content=False)


def _private_response(
    url: str,
    query: Mapping[str, JsonValue],
    build: Callable[[Connection], CachedResponse],
    *,
    is_public_content: bool,
) -> Response:
    try:
        return _private(_built(query, build, is_public_content=is_public_content))
    except Renamed as error:
        return _private(problems.cacheable_problem(error, url))


def _shows_public_content(query: Mapping[str, JsonValue]) -> bool:
    """Return whether the caller of a content read sees what the public sees, and no drafts."""
    caller = authorization.current_caller()
    return "preview" not in query and (caller is None or not caller.is_editor)


def _built(
    query: Mapping[str, JsonValue], build: Callable[[Connection], CachedResponse], *, is_public_content: bool
) -> CachedResponse:
    """Return a response built for one caller: on the primary, unless it shows public content only.

    Raises:
        ReplicaBehind: The database has not reached the change that `min_seq` names.
    """
    context = app_context()
    context.limits.count()
    min_seq = query.get("min_seq", 0)
    built = context.reads.read(build, min_seq=min_seq) if is_public_content else context.reads.read_primary(build)
    if built.seq < min_seq:
        raise ReplicaBehind(min_seq, built.seq)
    return built


def _private(answer: CachedResponse) -> Response:
    response = Response(answer.body, answer.status, content_type=answer.media_type)
    headers = {
        "ETag": f'"v{answer.version}"' if answer.version else None,
        "Cache-Control": "private, no-store",
        "Content-Seq": str(answer.seq),
        "Link": answer.link,
        "Location": answer.location,
        "Content-Language": answer.language,
    }
    response.headers.update({name: value for name, value in headers.items() if value})
    return response


def _respond(result: CacheResult) -> Response:
    if ENV_FRONT in request.environ:
        request.environ[ENV_CACHE_RESULT] = result
        return _HANDED_ON
    context = app_context()
    headers = request.headers
    conditions = RequestConditions(
        headers.get("Accept-Encoding"), headers.get("If-None-Match"), headers.get("If-Modified-Since")
    )
    age = context.response_cache.unproven_seconds(result)
    status, response_headers, body = render(
        result.response,
        conditions,
        result.response.choose_encoding(conditions),
        ResponseMetadata(result.cache_status, request_hooks.request_id(), context.cdn_lifetime, age, context.now()),
    )
    response = Response(body, status)
    response.headers.clear()
    response.headers.extend(response_headers)
    return response


class _FrontResponse(Response):
    """Placeholder for a response that the asynchronous server sends itself."""

    def __call__(self, _environ: object, _start_response: object) -> tuple[()]:
        """Send nothing."""
        return ()


_HANDED_ON = _FrontResponse(status=204)
